//! A suite that encrypts nothing is taken.

use super::remedy::STRONG_SUITES;
use super::{Context, Lint};
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "null-cipher",
    severity: Severity::Critical,
    summary: "a suite without encryption is taken",
    citation: "RFC 9325 section 4.1: implementations MUST NOT negotiate the cipher suites with \
               NULL encryption",
    explanation: "Such a connection counts as TLS, and everybody on the way can read it.",
    remedies: &[STRONG_SUITES],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.takes(LINT.name, |suite| suite.contains("_WITH_NULL_"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::follows_a_suite;
    use super::*;

    #[test]
    fn fires_where_it_is_taken() {
        follows_a_suite(&LINT, "TLS_RSA_WITH_NULL_SHA", "TLS_AES_128_GCM_SHA256");
    }
}
