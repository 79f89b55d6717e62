//! A suite with blocks of 64 bits (3DES, IDEA) is taken.

use super::remedy::STRONG_SUITES;
use super::{Context, Lint};
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "cipher-with-64-bit-blocks",
    severity: Severity::Medium,
    summary: "a suite with blocks of 64 bits (3DES) is taken",
    citation: "SWEET32, CVE-2016-2183: ciphers with blocks of 64 bits leak after some 2^32 blocks \
               under one key",
    explanation: "A database connection lives long and carries much: after some 32 GiB under one \
                  key, equal blocks begin to show.",
    remedies: &[STRONG_SUITES],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.takes(LINT.name, |suite| suite.contains("_3DES_"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::follows_a_suite;
    use super::*;

    #[test]
    fn fires_where_it_is_taken() {
        follows_a_suite(
            &LINT,
            "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
            "TLS_AES_128_GCM_SHA256",
        );
    }
}
