//! A suite with RSA key transport is taken.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "no-forward-secrecy",
    severity: Severity::Low,
    summary: "a suite without forward secrecy is taken",
    citation: "RFC 9325 section 4.1: implementations SHOULD NOT negotiate cipher suites based on \
               RSA key transport: who gets the key later reads what was recorded before",
    explanation: "Whoever records connections today and gets the server's key in years, by theft \
                  or from a backup, reads them all.",
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
        .or_else(|| context.negotiated(|suite| suite.starts_with("TLS_RSA_WITH_")))
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
            tls(host).cipher_suite = Some("TLS_RSA_WITH_AES_256_GCM_SHA384".into());
        });
        passes(&LINT, |host| {
            tls(host).cipher_suite = Some("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".into());
        });
    }
}
