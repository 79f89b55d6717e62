//! Whether one certificate can be the issuer of another, before any signature is looked at
//! (`ossl_x509_likely_issued`), and what OpenSSL calls self-signed.

use super::algorithm::Scheme;
use super::certificate::Certificate;
use super::extensions::AuthorityKeyIdentifier;
use super::general_name::GeneralName;
use super::public_key::{KeyKind, PublicKey};

/// Whether the two are the same certificate (`X509_cmp`).
pub(crate) fn same(a: &Certificate, b: &Certificate) -> bool {
    if a.bare_anchor || b.bare_anchor {
        return a.bare_anchor == b.bare_anchor
            && a.subject.der == b.subject.der
            && a.public_key == b.public_key;
    }
    a.der == b.der
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
fn algorithm_fits(key: Option<&PublicKey>, subject: &Certificate, modern: bool) -> bool {
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
            KeyKind::RsaPss(_) => !modern,
            _ => false,
        },
        Scheme::RsaPss => matches!(key.kind, KeyKind::Rsa | KeyKind::RsaPss(_)),
        // EVP_PKEY_type() of 1.1.1 makes plain RSA of the X.500 kind.
        Scheme::RsaX500 => !modern && matches!(key.kind, KeyKind::Rsa | KeyKind::RsaPss(_)),
        Scheme::Ecdsa => key.is_elliptic(),
        Scheme::Dsa => key.kind == KeyKind::Dsa,
        Scheme::DsaOld => !modern && key.kind == KeyKind::Dsa,
        Scheme::Ed25519 => key.kind == KeyKind::Ed25519,
        Scheme::Ed448 => key.kind == KeyKind::Ed448,
        Scheme::MlDsa | Scheme::Sm2 | Scheme::Unknown => false,
    }
}

/// Mirrors `check_issued`; `modern`: OpenSSL 3.
pub(crate) fn is_likely_issued(issuer: &Certificate, subject: &Certificate, modern: bool) -> bool {
    issuer.subject.matches(&subject.issuer)
        && !issuer.extensions.is_invalid(modern)
        && !subject.extensions.is_invalid(modern)
        && matches_key_identifier(issuer, subject.extensions.authority_key_identifier.value())
        && (subject.bare_anchor || algorithm_fits(issuer.public_key.as_ref(), subject, modern))
}

/// Mirrors `EXFLAG_SS`: self-issued, and nothing but the signature itself speaks against it.
pub(crate) fn is_self_signed(certificate: &Certificate, modern: bool) -> bool {
    certificate.bare_anchor
        || certificate.is_self_issued()
            && matches_key_identifier(
                certificate,
                certificate.extensions.authority_key_identifier.value(),
            )
            && algorithm_fits(certificate.public_key.as_ref(), certificate, modern)
}
