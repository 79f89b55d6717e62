//! The certificate is not for the name that was connected to.

use std::net::IpAddr;

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "host-name-mismatch",
    severity: Severity::Medium,
    summary: "the certificate is not for this host name",
    citation: "RFC 9525 section 6: the certificate must have the name that the client wanted",
    explanation: "verify-full fails. Clients get told verify-ca or require instead, and then any \
                  server with a certificate of the same CA, or any at all, can answer in its \
                  place.",
    remedies: &[
        Remedy {
            text: "have it issued with this name among the others",
            place: FixPlace::ServerShell,
            lines: &[
                "openssl req -new -key server.key -subj '/CN={host}' -addext 'subjectAltName = \
                 {san}' -out server.csr",
            ],
        },
        Remedy {
            text: "or connect by a name that it has",
            place: FixPlace::ConnectionString,
            lines: &[],
        },
    ],
    advice: &[AdviceKind::HostNameMismatch],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let name = context.host.tls.as_ref()?.host_name.as_ref()?;
    let by_name = !name.host.is_empty() && name.host.parse::<IpAddr>().is_err();
    (by_name && !name.matches).then(|| {
        name.message
            .clone()
            .unwrap_or_else(|| format!("it is not for \"{}\"", name.host))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes, tls};
    use super::*;
    use crate::report::HostReport;

    #[test]
    fn fires_on_another_name_and_not_on_an_address_or_none() {
        let set = |host: &mut HostReport, to: &str, matches| {
            let name = tls(host).host_name.as_mut().unwrap();
            (name.host, name.matches) = (to.into(), matches);
        };
        fires(&LINT, |host| set(host, "db2.example.com", false));
        passes(&LINT, |host| set(host, "192.0.2.10", false));
        passes(&LINT, |host| set(host, "", false));
        passes(&LINT, |host| set(host, "db2.example.com", true));
    }
}
