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

#[cfg(test)]
mod tests {
    use super::super::certificate::Content;
    use super::super::extensions::{BasicConstraints, Decoded};
    use super::super::oid::Oid;
    use super::*;

    fn with(change: impl FnOnce(&mut Content)) -> Certificate {
        let mut content = Content {
            version: Some(3),
            ..Content::default()
        };
        change(&mut content);
        content.into()
    }

    const fn constraints(ca: bool) -> Decoded<BasicConstraints> {
        Decoded::Present(BasicConstraints {
            ca,
            path_length: None,
            negative_path_length: false,
        })
    }

    #[test]
    fn a_ca_is_one_by_several_marks() {
        let usage = |bits| Decoded::Present(KeyUsage(bits));
        for (certificate, expected) in [
            (with(|_| {}), Ca::No),
            (
                with(|c| c.extensions.basic_constraints = constraints(true)),
                Ca::Yes,
            ),
            (
                with(|c| c.extensions.basic_constraints = constraints(false)),
                Ca::No,
            ),
            (
                with(|c| {
                    c.extensions.basic_constraints = constraints(true);
                    c.extensions.key_usage = usage(KeyUsage::CRL_SIGN);
                }),
                Ca::No,
            ),
            (
                with(|c| c.extensions.key_usage = usage(KeyUsage::KEY_CERT_SIGN)),
                Ca::KeyUsageOnly,
            ),
            (
                with(|c| c.extensions.netscape_cert_type = Decoded::Present(0x04)),
                Ca::Netscape,
            ),
            (
                with(|c| {
                    c.extensions.basic_constraints = constraints(true);
                    c.extensions.subject_alt_name = Decoded::Duplicate;
                }),
                Ca::No,
            ),
        ] {
            assert_eq!(check_ca(&certificate, Release::V3), expected);
        }
    }

    #[test]
    fn a_server_needs_one_of_its_purposes() {
        for (purposes, suits) in [
            (None, true),
            (Some(vec![oid::SERVER_AUTH]), true),
            (Some(vec![oid::NETSCAPE_SGC]), true),
            (Some(vec![oid::MICROSOFT_SGC]), true),
            (Some(vec![oid::ANY_EXTENDED_KEY_USAGE]), false),
            (Some(vec![]), false),
        ] {
            let certificate = with(|c| {
                if let Some(purposes) = &purposes {
                    let oids = purposes.iter().map(|content| Oid::from_content(content));
                    c.extensions.extended_key_usage = Decoded::Present(oids.collect());
                }
            });
            assert_eq!(
                may_be_tls_server(&certificate, false, Release::V3),
                suits,
                "{purposes:?}"
            );
        }
    }
}
