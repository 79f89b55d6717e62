//! The server's certificate is a CA's.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "ca-certificate-as-server-certificate",
    severity: Severity::Low,
    summary: "the server's certificate is a CA certificate (CA:TRUE)",
    citation: "RFC 5280 section 4.2.1.9: cA is for subjects that are CAs; OpenSSL's \"req -x509\" \
               sets it",
    explanation: "Whoever has the server's key can issue certificates that its clients believe. \
                  rustls refuses it as a server's (CaUsedAsEndEntity), so sqlx and rust-postgres \
                  with rustls cannot verify it.",
    remedies: &[Remedy {
        text: "have it issued as an end entity's: basicConstraints CA:FALSE",
        place: FixPlace::ServerShell,
        lines: &[
            "openssl req -new -x509 -key server.key -days 365 -subj '/CN={host}' -addext \
                 'subjectAltName = {san}' -addext 'basicConstraints = critical,CA:FALSE' -out \
                 server.crt",
        ],
        pgbouncer: None,
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    (context.leaf()?.ca == Some(true)).then(|| "it says basicConstraints CA:TRUE of itself".into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_on_ca_true_and_not_without_basic_constraints() {
        fires(&LINT, |host| leaf(host).ca = Some(true));
        passes(&LINT, |host| leaf(host).ca = None);
    }
}
