//! The server asks for a client certificate and lets clients in without one.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "client-certificate-not-demanded",
    severity: Severity::Info,
    summary: "a client certificate is asked for and not demanded",
    citation: "PostgreSQL, \"Using Client Certificates\": ssl_ca_file makes the server ask, \
               clientcert in pg_hba.conf makes it demand",
    explanation: "ssl_ca_file is set, which makes the server ask; whether it must be there is \
                  said in pg_hba.conf, and for this user it is not.",
    remedies: &[Remedy {
        text: "if a certificate is to be demanded: in the line that this user comes in by, \
                   and reload",
        place: FixPlace::PgHbaConf,
        lines: &["hostssl  {database}  {user}  {address}  scram-sha-256  clientcert=verify-full"],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let seen = &context.completed()?.client_certificate;
    (seen.requested == Some(true) && seen.demanded == Some(false)).then(|| {
        format!(
            "the handshake asks for a certificate, and without one the server goes on ({})",
            context.whom()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes, tls};
    use super::*;
    use crate::report::HostReport;

    #[test]
    fn fires_where_it_is_asked_for_and_not_demanded() {
        let set = |host: &mut HostReport, requested, demanded| {
            let seen = &mut tls(host).client_certificate;
            (seen.requested, seen.demanded) = (requested, demanded);
        };
        fires(&LINT, |host| set(host, Some(true), Some(false)));
        passes(&LINT, |host| set(host, Some(true), Some(true)));
        passes(&LINT, |host| set(host, Some(true), None));
    }
}
