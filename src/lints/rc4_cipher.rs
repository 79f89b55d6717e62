//! An RC4 suite is taken.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "rc4-cipher",
    severity: Severity::High,
    summary: "an RC4 suite is taken",
    citation: "RFC 7465 section 2: TLS servers MUST NOT select an RC4 cipher suite",
    explanation: "RC4 leaks what is sent again and again, such as a password.",
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
        .or_else(|| context.negotiated(|suite| suite.contains("_RC4_")))
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
            tls(host).cipher_suite = Some("TLS_ECDHE_RSA_WITH_RC4_128_SHA".into());
        });
        passes(&LINT, |host| {
            tls(host).cipher_suite = Some("TLS_AES_128_GCM_SHA256".into());
        });
    }
}
