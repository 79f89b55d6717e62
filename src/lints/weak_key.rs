//! A key of the chain has less than 112 bits of security.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, CertificateReport, FixPlace, Severity, Shared};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "weak-key",
    severity: Severity::High,
    summary: "a key is too small: RSA below 2048, EC below 224 bits",
    citation: "NIST SP 800-52r2 section 3.2.1: at least 112 bits of security; CA/Browser Forum \
               Baseline Requirements section 6.1.5",
    explanation: "RSA of 1024 bits is within reach of those who want it badly enough, and smaller \
                  keys of anybody. OpenSSL at level 2 and rustls refuse them.",
    remedies: &[Remedy {
        text: "make a new key beside the one in use, and have a certificate issued for it; then put \
               both in their places together, and reload",
        place: FixPlace::ServerShell,
        lines: &[
            "openssl req -new -newkey rsa:3072 -nodes -subj '/CN={host}' -addext 'subjectAltName \
                 = {san}' -keyout server-new.key -out server-new.csr",
        ],
    }],
    advice: &[AdviceKind::KeyTooWeak],
    covers: &["prefer-falls-back-to-plaintext"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let small = |one: &&Shared<CertificateReport>| {
        let least = match one.key_type.as_str() {
            "RSA" | "RSA-PSS" | "DSA" => 2048,
            kind if kind.starts_with("EC") => 224,
            _ => return false,
        };
        one.key_bits.is_some_and(|bits| bits < least)
    };
    let weak = context.path().into_iter().find(small)?;
    let bits = weak.key_bits.unwrap_or_default();
    Some(format!(
        "\"{}\" has {} of {bits} bits",
        weak.subject, weak.key_type
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes};
    use super::*;
    use crate::report::HostReport;

    #[test]
    fn fires_below_112_bits_of_security_and_not_at_them() {
        let key = |host: &mut HostReport, place: usize, kind: &str, bits| {
            let one = &mut host.certificates[place];
            (one.key_type, one.key_bits) = (kind.into(), Some(bits));
        };
        fires(&LINT, |host| key(host, 0, "RSA", 2047));
        fires(&LINT, |host| key(host, 1, "RSA", 1024));
        fires(&LINT, |host| key(host, 0, "EC secp192k1", 192));
        passes(&LINT, |host| key(host, 0, "RSA", 2048));
        passes(&LINT, |host| key(host, 0, "EC secp224r1", 224));
        passes(&LINT, |host| key(host, 0, "Ed25519", 253));
    }
}
