//! The server does not speak TLS 1.3.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "tls-1-3-missing",
    severity: Severity::Low,
    summary: "TLS 1.3 is not spoken",
    citation: "RFC 9325 section 3.1.1: implementations SHOULD support TLS 1.3",
    explanation: "TLS 1.3 keeps the certificate from those who listen, has no weak suites to \
                  choose from, and is the only version with groups that withstand a quantum \
                  computer.",
    remedies: &[Remedy {
        text: "let TLS 1.3 in, with OpenSSL 1.1.1 or newer, and reload",
        place: FixPlace::PostgresqlConf,
        lines: &["ssl_max_protocol_version = ''  # from PostgreSQL 12 on"],
    }],
    advice: &[],
    covers: &["post-quantum-group-missing"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.enumerated(LINT.name).or_else(|| {
        // The server takes the newest version that both have.
        let tls = context.completed()?;
        let version = tls.protocol_version.as_deref()?;
        let [_, newest] = &tls.offer.as_ref()?.versions;
        (newest == "TLSv1.3" && version != "TLSv1.3" && context.enumeration().is_none())
            .then(|| format!("{version} is the answer to an offer of TLSv1.3"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, follows_the_enumeration, passes, tls};
    use super::*;

    #[test]
    fn fires_where_the_enumeration_found_it() {
        follows_the_enumeration(&LINT);
    }

    #[test]
    fn fires_where_an_offer_of_tls_1_3_was_answered_with_less() {
        fires(&LINT, |host| {
            tls(host).protocol_version = Some("TLSv1.2".into());
        });
        passes(&LINT, |host| {
            tls(host).protocol_version = Some("TLSv1.2".into());
            tls(host).offer.as_mut().unwrap().versions[1] = "TLSv1.2".into();
        });
    }
}
