//! The certificate has no digest that channel binding could take.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "certificate-breaks-channel-binding",
    severity: Severity::Medium,
    summary: "the certificate is signed so that channel binding fails",
    citation: "RFC 5929 section 4.1: tls-server-end-point takes the hash of the certificate's \
               signature; EdDSA has none",
    explanation: "libpq takes SCRAM-SHA-256-PLUS where the server offers it, cannot compute the \
                  binding for a certificate that is signed with Ed25519 or Ed448, and fails after \
                  the server has let it go on. Every client has to be told \
                  channel_binding=disable.",
    remedies: &[
        Remedy {
            text: "have the certificate signed with RSA or ECDSA",
            place: FixPlace::Elsewhere,
            lines: &[],
        },
        Remedy {
            text: "until then, on the clients",
            place: FixPlace::ConnectionString,
            lines: &["channel_binding=disable"],
        },
    ],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let answer = context.over_tls()?;
    let leaf = context.leaf()?;
    let algorithm = leaf.signature_algorithm.to_ascii_lowercase();
    let plus = answer
        .mechanisms
        .iter()
        .any(|mechanism| mechanism == "SCRAM-SHA-256-PLUS");
    (plus && ["ed25519", "ed448"].contains(&algorithm.as_str())).then(|| {
        format!(
            "the certificate is signed with {}, and SCRAM-SHA-256-PLUS is offered",
            leaf.signature_algorithm
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_on_eddsa_where_plus_is_offered() {
        fires(&LINT, |host| {
            leaf(host).signature_algorithm = "ED25519".into();
        });
        passes(&LINT, |host| {
            leaf(host).signature_algorithm = "ecdsa-with-SHA384".into();
        });
        passes(&LINT, |host| {
            leaf(host).signature_algorithm = "ED25519".into();
            host.startup.tls.as_mut().unwrap().mechanisms.clear();
        });
    }
}
