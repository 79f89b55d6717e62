//! The server signs its handshake with SHA-1 or MD5.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "weak-signature-scheme",
    severity: Severity::Low,
    summary: "the handshake is signed with SHA-1 or MD5 on demand",
    citation: "RFC 9155 section 4: servers MUST NOT include MD5 and SHA-1 in ServerKeyExchange \
               messages",
    explanation: "Whoever can make two handshakes with one digest can pose as the server. That is \
                  out of reach for SHA-1 in the time of a handshake today, and need not be \
                  offered.",
    remedies: &[Remedy {
        text: "raise the security level of OpenSSL in the system section of openssl.cnf, and \
                   restart the server",
        place: FixPlace::ServerShell,
        lines: &["CipherString = DEFAULT:@SECLEVEL=2"],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let versions = &context.enumeration()?.versions;
    let mut schemes = versions
        .iter()
        .flat_map(|version| &version.signature_schemes);
    let scheme = schemes.find(|scheme| scheme.ends_with("_sha1") || scheme.ends_with("_md5"))?;
    Some(format!(
        "{scheme} is signed with where a client offers nothing else"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{enumerate, fires, passes};
    use super::*;

    #[test]
    fn fires_on_sha_1_and_not_on_sha_256() {
        fires(&LINT, |host| {
            enumerate(host).versions[3]
                .signature_schemes
                .push("rsa_pkcs1_sha1".into());
        });
        passes(&LINT, |host| {
            enumerate(host).versions[3]
                .signature_schemes
                .push("rsa_pkcs1_sha256".into());
        });
    }
}
