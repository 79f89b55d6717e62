//! The server does not prove that it has the key of its certificate.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, KeyPossession, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "key-not-proved",
    severity: Severity::High,
    summary: "the handshake's signature is not of the certificate's key",
    citation: "RFC 8446 section 4.4.3: CertificateVerify proves possession of the private key",
    explanation: "Whoever answers shows a certificate that is not his. Every TLS library breaks \
                  off. It is a broken proxy, or somebody who poses as the server.",
    remedies: &[Remedy {
        text: "compare the key with the certificate, on the server: both must print the same",
        place: FixPlace::ServerShell,
        lines: &[
            "openssl pkey -in server.key -pubout | openssl sha256",
            "openssl x509 -in server.crt -pubkey -noout | openssl sha256",
        ],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let tls = context.host.tls.as_ref()?;
    (tls.key_possession == KeyPossession::Refuted).then(|| {
        let why = tls
            .key_possession_reason
            .as_deref()
            .unwrap_or("the signature does not verify");
        format!("the proof of the key fails: {why}")
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes, tls};
    use super::*;

    #[test]
    fn fires_where_the_proof_fails_and_not_where_it_was_not_checked() {
        fires(&LINT, |host| {
            tls(host).key_possession = KeyPossession::Refuted;
        });
        passes(&LINT, |host| {
            tls(host).key_possession = KeyPossession::Unchecked;
        });
        passes(&LINT, |host| {
            tls(host).key_possession = KeyPossession::NotSeen;
        });
    }
}
