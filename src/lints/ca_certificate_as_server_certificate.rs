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
        text: "have it issued as an end entity's, CA:FALSE, by this request; where it is its own \
               root, give clients the new root file before the server the new certificate",
        place: FixPlace::ServerShell,
        lines: &[
            "openssl req -new -key server.key -subj '/CN={host}' -addext 'subjectAltName = {san}' \
                 -addext 'basicConstraints = critical,CA:FALSE' -out server-new.csr",
        ],
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
