//! Direct TLS shows another certificate than SSLRequest.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "direct-tls-other-certificate",
    severity: Severity::Low,
    summary: "direct TLS shows another certificate than SSLRequest",
    citation: "RFC 9525 section 6: the certificate is compared with the name, whichever way TLS \
               was begun",
    explanation: "Two things answer on one port, and whoever renews one certificate may forget \
                  the other.",
    remedies: &[Remedy {
        text: "give both the same certificate, or tell clients which of the two ways is meant \
                   (sslnegotiation)",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    (context.host.direct.as_ref()?.same_chain == Some(false))
        .then(|| "direct TLS shows another chain than TLS after SSLRequest".into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes};
    use super::*;
    use crate::report::DirectReport;

    #[test]
    fn fires_on_another_chain_and_not_on_the_same() {
        let direct = |same_chain| DirectReport {
            completed: true,
            alpn_offered: true,
            alpn: Some("postgresql".into()),
            protocol_version: None,
            same_chain,
            sha256: None,
            failure: None,
        };
        fires(&LINT, |host| host.direct = Some(direct(Some(false))));
        passes(&LINT, |host| host.direct = Some(direct(Some(true))));
        passes(&LINT, |host| host.direct = Some(direct(None)));
    }
}
