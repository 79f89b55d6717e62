//! A suite with RSA key transport is taken.

use super::remedy::STRONG_SUITES;
use super::{Context, Lint};
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "no-forward-secrecy",
    severity: Severity::Low,
    summary: "a suite without forward secrecy is taken",
    citation: "RFC 9325 section 4.1: implementations SHOULD NOT negotiate cipher suites based on \
               RSA key transport: who gets the key later reads what was recorded before",
    explanation: "Whoever records connections today and gets the server's key in years, by theft \
                  or from a backup, reads them all.",
    remedies: &[STRONG_SUITES],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.takes(LINT.name, |suite| suite.starts_with("TLS_RSA_WITH_"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::follows_a_suite;
    use super::*;

    #[test]
    fn fires_where_it_is_taken() {
        follows_a_suite(
            &LINT,
            "TLS_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        );
    }
}
