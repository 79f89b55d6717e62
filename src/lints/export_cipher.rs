//! A suite of the export restrictions of the 1990s is taken.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

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
    remedies: &[Remedy {
        text: "leave only suites with forward secrecy and authenticated encryption, and \
                   reload",
        place: FixPlace::PostgresqlConf,
        lines: &["ssl_ciphers = 'ECDHE+AESGCM:ECDHE+CHACHA20'"],
        pgbouncer: Some("client_tls_ciphers = ECDHE+AESGCM:ECDHE+CHACHA20"),
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context
        .enumerated(LINT.name)
        .or_else(|| context.negotiated(|suite| suite.contains("_EXPORT")))
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
    fn fires_where_the_handshake_came_about_with_one() {
        fires(&LINT, |host| {
            tls(host).cipher_suite = Some("TLS_RSA_EXPORT_WITH_RC4_40_MD5".into());
        });
        passes(&LINT, |host| {
            tls(host).cipher_suite = Some("TLS_AES_128_GCM_SHA256".into());
        });
    }
}
