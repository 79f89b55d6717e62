//! A certificate of the chain is signed with MD5 or SHA-1.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, CertificateReport, FixPlace, Severity, Shared};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "weak-certificate-digest",
    severity: Severity::Medium,
    summary: "a certificate is signed with MD5 or SHA-1",
    citation: "RFC 9325 section 4.5; CA/Browser Forum Baseline Requirements section 7.1.3.2: \
               SHA-256 or better",
    explanation: "Whoever can have a CA sign what he wrote can make a second certificate with the \
                  same digest. OpenSSL at level 2, Go and rustls refuse it. A root's own signature \
                  does not count.",
    remedies: &[Remedy {
        text: "have it signed again with SHA-256: openssl x509 -req -sha256",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[AdviceKind::DigestTooWeak],
    covers: &["prefer-falls-back-to-plaintext"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let weak = |one: &&Shared<CertificateReport>| {
        let algorithm = one.signature_algorithm.to_ascii_lowercase();
        one.compared.subject != one.compared.issuer
            && ["md2", "md4", "md5", "sha1"]
                .iter()
                .any(|digest| algorithm.contains(digest))
    };
    let weak = context.path().into_iter().find(weak)?;
    Some(format!(
        "\"{}\" is signed with {}",
        weak.subject, weak.signature_algorithm
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_on_sha_1_and_not_on_that_of_a_root() {
        let sha1 = || "sha1WithRSAEncryption".to_owned();
        fires(&LINT, |host| leaf(host).signature_algorithm = sha1());
        fires(&LINT, |host| {
            host.certificates[1].signature_algorithm = sha1();
        });
        passes(&LINT, |host| {
            leaf(host).signature_algorithm = sha1();
            leaf(host).compared.subject = leaf(host).compared.issuer.clone();
        });
        passes(&LINT, |host| {
            leaf(host).signature_algorithm = "ecdsa-with-SHA224".into();
        });
    }
}
