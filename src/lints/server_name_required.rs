//! Without a server name (SNI) there is no TLS.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "server-name-required",
    severity: Severity::Low,
    summary: "without SNI there is no TLS",
    citation: "RFC 6066 section 3: server_name; PostgreSQL: libpq sends none for an address or \
               with sslsni=0",
    explanation: "Clients that connect to the address, drivers that send no name, and sslsni=0 \
                  cannot connect. A proxy in front finds the server by the name.",
    remedies: &[Remedy {
        text: "connect by the name that the provider gave; drivers without SNI need another \
                   way in",
        place: FixPlace::ConnectionString,
        lines: &[],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let nameless = context.host.without_server_name.as_ref()?;
    let named = context.completed().is_some();
    let failure = nameless.failure.as_deref()?;
    (named && !nameless.completed).then(|| format!("without server_name: {failure}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes};
    use super::*;
    use crate::report::NamelessReport;

    #[test]
    fn fires_where_only_the_named_handshake_is_completed() {
        let nameless = |completed, failure: Option<&str>| NamelessReport {
            completed,
            protocol_version: None,
            same_chain: None,
            subject: None,
            sha256: None,
            failure: failure.map(str::to_owned),
        };
        let refused = nameless(false, Some("TLS alert unrecognized_name"));
        fires(&LINT, |host| host.without_server_name = Some(refused));
        let taken = nameless(true, None);
        passes(&LINT, |host| host.without_server_name = Some(taken));
    }
}
