//! What OpenSSL's default client offers: libpq changes nothing of it but versions, SNI and ALPN.

use crate::emulates::OpenSsl;

use super::names::SUITES;

/// Lowest and highest version that a client of this library can offer, whatever it was told:
/// OpenSSL 3 allows TLS 1.0 and 1.1 at security level 0 only
/// (`ssl_security_default_callback`, SSL_SECOP_VERSION).
pub fn version_floor(openssl: OpenSsl) -> u16 {
    match openssl {
        OpenSsl::V3Level2 | OpenSsl::V3Level1 => 0x0303,
        OpenSsl::V111 => 0x0301,
    }
}

/// The cipher suites for these versions, in OpenSSL's order.
pub fn cipher_suites(min_version: u16, max_version: u16) -> Vec<u16> {
    SUITES
        .iter()
        .map(|suite| suite.code)
        .filter(|code| match code >> 8 {
            0x13 => max_version >= 0x0304,
            _ => min_version <= 0x0303,
        })
        .collect()
}

/// The groups, in order: those of OpenSSL 3.0 to 3.4, and of 1.1.1 without the finite fields.
pub fn groups(openssl: OpenSsl) -> Vec<u16> {
    let mut groups = vec![0x001d, 0x0017, 0x001e, 0x0019, 0x0018];
    if openssl != OpenSsl::V111 {
        groups.extend([0x0100, 0x0101, 0x0102, 0x0103, 0x0104]);
    }
    groups
}

/// The signature schemes, in order; those on SHA-1 only where the security level allows it.
pub fn signature_schemes(openssl: OpenSsl) -> Vec<u16> {
    let mut schemes = vec![
        0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806,
        0x0401, 0x0501, 0x0601, 0x0303, 0x0301,
    ];
    if openssl == OpenSsl::V111 {
        schemes.extend([0x0203, 0x0201]);
    }
    schemes
}
