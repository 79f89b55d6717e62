//! Direct TLS begins, but without PostgreSQL's ALPN protocol.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "direct-tls-alpn-missing",
    severity: Severity::Low,
    summary: "direct TLS begins without the ALPN protocol postgresql",
    citation: "PostgreSQL 17, \"SSL Session Encryption\": a direct connection must negotiate the \
               ALPN protocol \"postgresql\"",
    explanation: "libpq refuses that: sslnegotiation=direct fails here, although something \
                  answers TLS. It is a proxy that does TLS without knowing PostgreSQL.",
    remedies: &[Remedy {
        text: "teach the proxy the ALPN protocol \"postgresql\", or use SSLRequest \
                   (sslnegotiation=postgres)",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let direct = context.host.direct.as_ref()?;
    let selected = direct.alpn.as_deref();
    (direct.completed && direct.alpn_offered && selected != Some("postgresql")).then(|| {
        match selected {
            Some(other) => format!("direct TLS with ALPN selected \"{other}\""),
            None => "direct TLS with ALPN selected no protocol".into(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes};
    use super::*;
    use crate::report::DirectReport;

    #[test]
    fn fires_where_no_protocol_was_selected_and_not_where_the_handshake_failed() {
        let direct = |completed, alpn: Option<&str>| DirectReport {
            completed,
            alpn_offered: true,
            alpn: alpn.map(str::to_owned),
            protocol_version: None,
            same_chain: None,
            sha256: None,
            failure: None,
        };
        fires(&LINT, |host| host.direct = Some(direct(true, None)));
        fires(&LINT, |host| host.direct = Some(direct(true, Some("h2"))));
        passes(&LINT, |host| {
            host.direct = Some(direct(true, Some("postgresql")));
        });
        passes(&LINT, |host| host.direct = Some(direct(false, None)));
        // libpq 16 does not offer it.
        passes(&LINT, |host| {
            let mut direct = direct(true, None);
            direct.alpn_offered = false;
            host.direct = Some(direct);
        });
    }
}
