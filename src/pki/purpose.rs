//! What a certificate may be used for (`v3_purp.c`): CA or not, TLS server or not.

use super::certificate::Certificate;
use super::extensions::KeyUsage;
use super::issuance::is_self_signed;
use super::oid;
use super::release::Release;

/// Any of the three CA bits of the Netscape certificate type.
const NETSCAPE_ANY_CA: u8 = 0x07;
const NETSCAPE_SSL_CA: u8 = 0x04;
const NETSCAPE_SSL_SERVER: u8 = 0x40;

/// Why a certificate counts as a CA (`check_ca`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ca {
    /// It does not (0).
    No,
    /// basicConstraints says so (1).
    Yes,
    /// A self-signed version 1 certificate (3).
    Version1Root,
    /// No basicConstraints, but keyUsage allows signing certificates (4).
    KeyUsageOnly,
    /// No basicConstraints, but a Netscape CA type (5).
    Netscape,
}

/// Whether keyUsage is there and has none of the bits (`ku_reject`).
pub(crate) fn usage_forbids(certificate: &Certificate, bits: u16) -> bool {
    certificate
        .key_usage()
        .is_some_and(|usage| !usage.allows(bits))
}

/// Mirrors `X509_check_ca`.
pub(crate) fn check_ca(certificate: &Certificate, release: Release) -> Ca {
    let extensions = &certificate.extensions;
    if extensions.is_invalid(release) || usage_forbids(certificate, KeyUsage::KEY_CERT_SIGN) {
        return Ca::No;
    }
    if let Some(constraints) = extensions.basic_constraints.value() {
        return if constraints.ca { Ca::Yes } else { Ca::No };
    }
    if certificate.version == Some(1) && is_self_signed(certificate, release) {
        Ca::Version1Root
    } else if certificate.key_usage().is_some() {
        Ca::KeyUsageOnly
    } else if extensions
        .netscape_cert_type
        .value()
        .is_some_and(|kind| kind & NETSCAPE_ANY_CA != 0)
    {
        Ca::Netscape
    } else {
        Ca::No
    }
}

/// Mirrors `check_purpose_ssl_server`.
pub(crate) fn may_be_tls_server(
    certificate: &Certificate,
    must_be_ca: bool,
    release: Release,
) -> bool {
    let extensions = &certificate.extensions;
    let allowed = |purpose: &oid::Oid| {
        [oid::SERVER_AUTH, oid::NETSCAPE_SGC, oid::MICROSOFT_SGC].contains(&purpose.content())
    };
    // anyExtendedKeyUsage is not enough for OpenSSL.
    if certificate
        .extended_key_usage()
        .is_some_and(|purposes| !purposes.iter().any(allowed))
    {
        return false;
    }
    let netscape = extensions.netscape_cert_type.value().copied();
    if must_be_ca {
        return match check_ca(certificate, release) {
            Ca::No => false,
            Ca::Netscape => netscape.is_some_and(|kind| kind & NETSCAPE_SSL_CA != 0),
            Ca::Yes | Ca::Version1Root | Ca::KeyUsageOnly => true,
        };
    }
    netscape.is_none_or(|kind| kind & NETSCAPE_SSL_SERVER != 0)
        && !usage_forbids(
            certificate,
            KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT | KeyUsage::KEY_AGREEMENT,
        )
}
