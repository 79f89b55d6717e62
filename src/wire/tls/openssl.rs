//! What OpenSSL's default client offers: libpq changes nothing of it but versions, SNI and ALPN.
//!
//! What is offered for OpenSSL 3 is what 3.0 offers. Later releases leave some of it out and add to
//! it: [`GROUPS_OF_3_5`], [`SIGNATURE_SCHEMES_OF_3_5`], and no version below TLS 1.2.

use crate::emulates::OpenSsl;

use super::names::SUITES;

/// The lowest version that a client which is told no other one is willing to speak.
///
/// From 3.1 on OpenSSL keeps TLS 1.0 and 1.1 for security level 0; 1.1.1 and 3.0 offer them at the
/// levels 1 and 2 too (`ssl_security_default_callback`, SSL_SECOP_VERSION).
pub const LOWEST_VERSION: u16 = 0x0301;

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

/// The groups, in order: those of OpenSSL 3.0 to 3.4, and of 1.1.1 without the finite fields, which
/// only TLS 1.3 has (`tls_valid_group`).
pub fn groups(openssl: OpenSsl, max_version: u16) -> &'static [u16] {
    const ELLIPTIC: [u16; 5] = [0x001d, 0x0017, 0x001e, 0x0019, 0x0018];
    const WITH_FINITE: [u16; 10] = [
        0x001d, 0x0017, 0x001e, 0x0019, 0x0018, 0x0100, 0x0101, 0x0102, 0x0103, 0x0104,
    ];
    if openssl == OpenSsl::V111 || max_version < 0x0304 {
        &ELLIPTIC
    } else {
        &WITH_FINITE
    }
}

/// The signature schemes, in order; those on SHA-1 only where the security level allows it, and those
/// of TLS 1.2 alone only where it is offered (`tls12_sigalg_allowed`).
pub fn signature_schemes(openssl: OpenSsl, min_version: u16) -> &'static [u16] {
    const OF_TLS_1_3: [u16; 14] = [
        0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806,
        0x0401, 0x0501, 0x0601,
    ];
    // With SHA-224, SHA-1, and DSA.
    const OF_1_1_1: [u16; 23] = [
        0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806,
        0x0401, 0x0501, 0x0601, 0x0303, 0x0203, 0x0301, 0x0201, 0x0302, 0x0202, 0x0402, 0x0502,
        0x0602,
    ];
    const OF_3: [u16; 20] = [
        0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806,
        0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0302, 0x0402, 0x0502, 0x0602,
    ];
    match openssl {
        _ if min_version >= 0x0304 => &OF_TLS_1_3,
        OpenSsl::V111 => &OF_1_1_1,
        OpenSsl::V3Level1 | OpenSsl::V3Level2 => &OF_3,
    }
}

/// Whether a scheme is of DSA (RFC 5246 section 7.4.1.4.1): no suite that is offered signs with it.
pub const fn is_dsa(scheme: u16) -> bool {
    scheme < 0x0700 && scheme & 0xff == 2
}

/// Whether a scheme is of TLS 1.2 alone: SHA-1, SHA-224 and DSA (`tls12_sigalg_allowed`).
pub const fn is_of_tls_1_2(scheme: u16) -> bool {
    is_dsa(scheme) || matches!(scheme >> 8, 2 | 3)
}

/// The groups of OpenSSL 3.5 and later where they offer TLS 1.3, with a key share of the first and
/// of X25519 (`TLS_DEFAULT_GROUP_LIST`).
pub const GROUPS_OF_3_5: [u16; 8] = [
    0x11ec, 0x001d, 0x0017, 0x001e, 0x0018, 0x0019, 0x0100, 0x0101,
];

/// The signature schemes of OpenSSL 3.5 and later where they offer TLS 1.3 and 1.2: ML-DSA and the
/// Brainpool curves besides, of which 3.2 to 3.4 have the latter.
pub const SIGNATURE_SCHEMES_OF_3_5: [u16; 26] = [
    0x0905, 0x0906, 0x0904, 0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x081a, 0x081b, 0x081c, 0x0809,
    0x080a, 0x080b, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0302, 0x0402,
    0x0502, 0x0602,
];

/// The groups of TLS 1.3 that OpenSSL 3.0 to 3.4 offer and 3.5 and later do not.
pub const GROUPS_GONE_IN_3_5: [u16; 3] = [0x0102, 0x0103, 0x0104];

/// Whether a server that answers a ClientHello with this alert may have missed a group or a signature
/// scheme: handshake_failure and insufficient_security say so (RFC 8446 sections 4.1.1 and 4.4.2.2),
/// and some libraries say illegal_parameter or internal_error.
pub const fn may_miss_something(alert: u8) -> bool {
    const HANDSHAKE_FAILURE: u8 = 40;
    const ILLEGAL_PARAMETER: u8 = 47;
    const INSUFFICIENT_SECURITY: u8 = 71;
    const INTERNAL_ERROR: u8 = 80;
    matches!(
        alert,
        HANDSHAKE_FAILURE | ILLEGAL_PARAMETER | INSUFFICIENT_SECURITY | INTERNAL_ERROR
    )
}
