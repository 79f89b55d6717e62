//! A suite without a certificate is taken.

use super::remedy::STRONG_SUITES;
use super::{Context, Lint};
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "anonymous-cipher",
    severity: Severity::Critical,
    summary: "a suite without authentication is taken",
    citation: "RFC 5246 appendix F.1.1.1: anonymous key exchange does not protect against an \
               active attacker in the middle",
    explanation: "No certificate is shown, so there is nothing to verify: whoever is on the way \
                  can pose as the server.",
    remedies: &[STRONG_SUITES],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.takes(LINT.name, |suite| suite.contains("_anon_"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::follows_a_suite;
    use super::*;

    #[test]
    fn fires_where_it_is_taken() {
        follows_a_suite(
            &LINT,
            "TLS_DH_anon_WITH_AES_128_CBC_SHA",
            "TLS_AES_128_GCM_SHA256",
        );
    }
}
