//! An RC4 suite is taken.

use super::remedy::STRONG_SUITES;
use super::{Context, Lint};
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "rc4-cipher",
    severity: Severity::High,
    summary: "an RC4 suite is taken",
    citation: "RFC 7465 section 2: TLS servers MUST NOT select an RC4 cipher suite",
    explanation: "RC4 leaks what is sent again and again, such as a password.",
    remedies: &[STRONG_SUITES],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.takes(LINT.name, |suite| suite.contains("_RC4_"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::follows_a_suite;
    use super::*;

    #[test]
    fn fires_where_it_is_taken() {
        follows_a_suite(
            &LINT,
            "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
            "TLS_AES_128_GCM_SHA256",
        );
    }
}
