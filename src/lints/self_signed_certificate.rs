//! The certificate signed itself, and nobody here has it among the roots.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "self-signed-certificate",
    severity: Severity::Medium,
    summary: "the certificate signed itself and is no known root",
    citation: "PostgreSQL, \"Creating Certificates\": a self-signed certificate is for testing; \
               use one that a CA has signed in production",
    explanation: "No client can tell it from one that somebody on the way made himself, unless \
                  each has a copy of it as root file. So clients get told sslmode=require, which \
                  takes any certificate.",
    remedies: &[Remedy {
        text: "have a certificate issued by a CA that the clients know",
        place: FixPlace::ServerShell,
        lines: &[
            "openssl req -new -key server.key -subj '/CN={host}' -addext 'subjectAltName = {san}' \
                 -out server.csr",
        ],
    }],
    advice: &[AdviceKind::SelfSigned],
    covers: &[
        "ca-certificate-as-server-certificate",
        "prefer-falls-back-to-plaintext",
    ],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf()?;
    (leaf.self_signed && !context.verifies()).then(|| {
        format!(
            "\"{}\" signed itself, and is not among the roots here",
            leaf.subject
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes, tls};
    use super::*;

    #[test]
    fn fires_unless_it_is_a_root_of_this_client() {
        fires(&LINT, |host| {
            leaf(host).self_signed = true;
            tls(host).chain.clear();
        });
        passes(&LINT, |host| leaf(host).self_signed = true);
        passes(&LINT, |host| tls(host).chain.clear());
    }
}
