//! A suite that encrypts nothing is taken.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "null-cipher",
    severity: Severity::Critical,
    summary: "a suite without encryption is taken",
    citation: "RFC 9325 section 4.1: implementations MUST NOT negotiate the cipher suites with \
               NULL encryption",
    explanation: "Such a connection counts as TLS, and everybody on the way can read it.",
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
        .or_else(|| context.negotiated(|suite| suite.contains("_WITH_NULL_")))
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
            tls(host).cipher_suite = Some("TLS_RSA_WITH_NULL_SHA".into());
        });
        passes(&LINT, |host| {
            tls(host).cipher_suite = Some("TLS_AES_128_GCM_SHA256".into());
        });
    }
}
