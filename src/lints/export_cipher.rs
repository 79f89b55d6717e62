//! A suite of the export restrictions of the 1990s is taken.

use super::remedy::STRONG_SUITES;
use super::{Context, Lint};
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "export-cipher",
    severity: Severity::Critical,
    summary: "a suite of export strength is taken",
    citation: "RFC 9325 section 4.1: implementations MUST NOT negotiate cipher suites offering \
               less than 112 bits of security, including export-level encryption (FREAK, \
               CVE-2015-0204; Logjam, CVE-2015-4000)",
    explanation: "Its keys are found in hours, and an attacker who changes the handshake can \
                  bring other clients down to it.",
    remedies: &[STRONG_SUITES],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.takes(LINT.name, |suite| suite.contains("_EXPORT"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::follows_a_suite;
    use super::*;

    #[test]
    fn fires_where_it_is_taken() {
        follows_a_suite(
            &LINT,
            "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
            "TLS_AES_128_GCM_SHA256",
        );
    }
}
