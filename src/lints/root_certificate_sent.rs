//! The server sends a root certificate.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "root-certificate-sent",
    severity: Severity::Info,
    summary: "a root certificate is sent",
    citation: "RFC 8446 section 4.4.2: the trust anchor may be left out, as the other side must \
               have it already",
    explanation: "It costs a kilobyte in every handshake and proves nothing: a client that does \
                  not have it cannot believe it, one that has it does not need it.",
    remedies: &[
        Remedy {
            text: "leave the root out of the file of ssl_cert_file, and reload",
            place: FixPlace::ServerShell,
            lines: &[],
        },
        Remedy {
            text: "where it is not in that file: OpenSSL completes a lone certificate from \
                   ssl_ca_file, up to the root; with its intermediate beside it in ssl_cert_file it \
                   sends just these. Where the root itself issued it, leave it so",
            place: FixPlace::ServerShell,
            lines: &[],
        },
    ],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let mut above = context.host.certificates.iter().skip(1);
    let root = above.find(|one| one.self_signed)?;
    Some(format!("\"{}\" is sent, which signed itself", root.subject))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_on_a_root_above_the_leaf_and_not_on_a_self_signed_leaf() {
        fires(&LINT, |host| {
            let mut root = host.certificates[1].clone();
            root.self_signed = true;
            root.subject = root.issuer.clone();
            host.certificates.push(root);
        });
        passes(&LINT, |host| leaf(host).self_signed = true);
    }
}
