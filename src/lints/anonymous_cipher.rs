//! A suite without a certificate is taken.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "anonymous-cipher",
    severity: Severity::Critical,
    summary: "a suite without authentication is taken",
    citation: "RFC 5246 appendix F.1.1.1: anonymous key exchange does not protect against an \
               active attacker in the middle",
    explanation: "No certificate is shown, so there is nothing to verify: whoever is on the way \
                  can pose as the server.",
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
        .or_else(|| context.negotiated(|suite| suite.contains("_anon_")))
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
            tls(host).cipher_suite = Some("TLS_DH_anon_WITH_AES_128_CBC_SHA".into());
        });
        passes(&LINT, |host| {
            tls(host).cipher_suite = Some("TLS_AES_128_GCM_SHA256".into());
        });
    }
}
