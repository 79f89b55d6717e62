//! A suite with blocks of 64 bits (3DES, IDEA) is taken.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "cipher-with-64-bit-blocks",
    severity: Severity::Medium,
    summary: "a suite with blocks of 64 bits (3DES) is taken",
    citation: "SWEET32, CVE-2016-2183: ciphers with blocks of 64 bits leak after some 2^32 blocks \
               under one key",
    explanation: "A database connection lives long and carries much: after some 32 GiB under one \
                  key, equal blocks begin to show.",
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
        .or_else(|| context.negotiated(|suite| suite.contains("_3DES_")))
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
            tls(host).cipher_suite = Some("TLS_RSA_WITH_3DES_EDE_CBC_SHA".into());
        });
        passes(&LINT, |host| {
            tls(host).cipher_suite = Some("TLS_AES_128_GCM_SHA256".into());
        });
    }
}
