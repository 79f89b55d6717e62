//! Whether one certificate can be the issuer of another, before any signature is looked at
//! (`ossl_x509_likely_issued`), and what OpenSSL calls self-signed.

use super::algorithm::Scheme;
use super::certificate::Certificate;
use super::extensions::{AuthorityKeyIdentifier, KeyUsage};
use super::general_name::GeneralName;
use super::public_key::{KeyKind, PublicKey};
use super::purpose::usage_forbids;
use super::release::Release;

/// Whether the two are the same certificate (`X509_cmp`), which OpenSSL tells from a hash of its
/// own encoding of them.
pub(crate) fn same(a: &Certificate, b: &Certificate) -> bool {
    if a.bare_anchor || b.bare_anchor {
        return a.bare_anchor == b.bare_anchor
            && a.subject.der == b.subject.der
            && a.public_key == b.public_key;
    }
    a.tbs == b.tbs && a.signature_algorithm == b.signature_algorithm && a.signature == b.signature
}

/// Mirrors `X509_check_akid` being X509_V_OK.
pub(crate) fn matches_key_identifier(
    issuer: &Certificate,
    identifier: Option<&AuthorityKeyIdentifier>,
) -> bool {
    let Some(identifier) = identifier else {
        return true;
    };
    // An anchor of which only the name and key are known has nothing to disagree with.
    if issuer.bare_anchor {
        return true;
    }
    if let (Some(wanted), Some(present)) = (
        &identifier.key_identifier,
        issuer.extensions.subject_key_identifier.value(),
    ) && wanted != present
    {
        return false;
    }
    if identifier
        .serial
        .as_ref()
        .is_some_and(|serial| *serial != issuer.serial)
    {
        return false;
    }
    identifier
        .issuer
        .as_deref()
        .and_then(GeneralName::first_directory)
        .is_none_or(|name| name.matches(&issuer.issuer))
}

/// Mirrors `check_sig_alg_match`: could the key have made a signature of the subject's algorithm?
fn algorithm_fits(key: Option<&PublicKey>, subject: &Certificate, release: Release) -> bool {
    let (Some(key), Some(algorithm)) = (key, &subject.tbs_signature_algorithm) else {
        return false;
    };
    if !key.usable {
        return false;
    }
    match algorithm.signature().scheme {
        // 1.1.1 does not tell RSA from RSA-PSS keys here.
        Scheme::RsaPkcs1 => match key.kind {
            KeyKind::Rsa => true,
            KeyKind::RsaPss(_) => !release.is_v3(),
            _ => false,
        },
        Scheme::RsaPss => matches!(key.kind, KeyKind::Rsa | KeyKind::RsaPss(_)),
        // EVP_PKEY_type() of 1.1.1 makes plain RSA of the X.500 kind.
        Scheme::RsaX500 => {
            !release.is_v3() && matches!(key.kind, KeyKind::Rsa | KeyKind::RsaPss(_))
        }
        Scheme::Ecdsa => key.is_elliptic(),
        Scheme::Dsa => key.kind == KeyKind::Dsa,
        Scheme::DsaOld => !release.is_v3() && key.kind == KeyKind::Dsa,
        Scheme::Ed25519 => key.kind == KeyKind::Ed25519,
        Scheme::Ed448 => key.kind == KeyKind::Ed448,
        Scheme::MlDsa | Scheme::Sm2 | Scheme::Unknown => false,
    }
}

/// Mirrors `check_issued`.
pub(crate) fn is_likely_issued(
    issuer: &Certificate,
    subject: &Certificate,
    release: Release,
) -> bool {
    let identifier = subject.extensions.authority_key_identifier.value();
    if !issuer.subject.matches(&subject.issuer) || !matches_key_identifier(issuer, identifier) {
        return false;
    }
    if release == Release::First111 {
        return !usage_forbids(issuer, KeyUsage::KEY_CERT_SIGN);
    }
    !issuer.extensions.is_invalid(release)
        && !subject.extensions.is_invalid(release)
        && (subject.bare_anchor || algorithm_fits(issuer.public_key.as_ref(), subject, release))
}

/// Mirrors `EXFLAG_SS`: self-issued, and nothing but the signature itself speaks against it.
pub(crate) fn is_self_signed(certificate: &Certificate, release: Release) -> bool {
    if certificate.bare_anchor {
        return true;
    }
    let identifier = certificate.extensions.authority_key_identifier.value();
    if !certificate.is_self_issued() || !matches_key_identifier(certificate, identifier) {
        return false;
    }
    if release == Release::First111 {
        return !usage_forbids(certificate, KeyUsage::KEY_CERT_SIGN);
    }
    algorithm_fits(certificate.public_key.as_ref(), certificate, release)
}
