//! What a security level asks of a certificate of one's own (`ssl_security_cert`).

use super::decode::{Kind, PublicKeyInfo};
use crate::emulates::OpenSsl;

/// The security bits a level demands.
const fn demanded(openssl: OpenSsl) -> u32 {
    match openssl.security_level() {
        0 => 0,
        1 => 80,
        _ => 112,
    }
}

/// Whether the key is big enough for the level.
pub(super) fn key_is_big_enough(key: &PublicKeyInfo, openssl: OpenSsl) -> bool {
    let bits = match key.kind {
        Kind::Rsa | Kind::RsaPss | Kind::Dsa => of_modulus(key.bits, openssl),
        Kind::Ec => key.curve.as_deref().map_or(128, of_curve),
        _ => 128,
    };
    bits >= demanded(openssl)
}

/// `BN_security_bits` in 1.1.1, `ossl_ifc_ffc_compute_security_bits` (SP 800-56B appendix D) in 3.
fn of_modulus(bits: usize, openssl: OpenSsl) -> u32 {
    let steps = [
        (15360, 256),
        (7680, 192),
        (3072, 128),
        (2048, 112),
        (1024, 80),
    ];
    let at_least = steps
        .into_iter()
        .find_map(|(size, security)| (bits >= size).then_some(security))
        .unwrap_or(0);
    // The formula, rounded to a multiple of 8, reaches 112 a little below 2048 bits; above, its
    // finer steps decide nothing.
    match openssl {
        OpenSsl::V3Level1 | OpenSsl::V3Level2 if bits < 2048 => by_formula(bits),
        _ => at_least,
    }
}

fn by_formula(bits: usize) -> u32 {
    let Ok(bits) = u16::try_from(bits) else {
        return 0;
    };
    if bits < 8 {
        return 0;
    }
    let x = f64::from(bits) * std::f64::consts::LN_2;
    let y = (1.923 * (x * x.ln() * x.ln()).cbrt() - 4.69) / std::f64::consts::LN_2;
    // To the nearest multiple of 8, as integers do it.
    (0..=256u32)
        .step_by(8)
        .take_while(|&multiple| f64::from(multiple) < y.floor() + 5.0)
        .last()
        .unwrap_or(0)
}

/// Half the size of the curve's order, for the curves that fall short of 112; the others pass.
fn of_curve(oid: &[u8]) -> u32 {
    match oid {
        // prime192v1-3, brainpoolP192r1 and t1.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 1..=3] => 80,
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 3 | 4] => 80,
        // brainpoolP160r1 and t1.
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 1 | 2] => 80,
        // The SECG curves below 224 bits (SEC 2 version 1), by their last arc.
        [0x2b, 0x81, 0x04, 0x00, last] => match last {
            6 | 7 | 28 | 29 | 4 | 5 | 22 | 23 => 64,
            1 | 2 | 8 | 9 | 15 | 24 | 25 | 30 | 31 => 80,
            _ => 112,
        },
        _ => 112,
    }
}

/// What a level says to the signature on a certificate of one's own that is not self-signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Digest {
    Strong,
    Sha1,
    /// MD5 and older.
    Broken,
}

impl Digest {
    /// By the signatureAlgorithm's identifier.
    pub(super) fn of(oid: &[u8]) -> Self {
        match oid {
            // PKCS#1: md2, md4, md5, then sha1.
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 2..=4] => Self::Broken,
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 5] => Self::Sha1,
            // ecdsa-with-SHA1, dsa-with-sha1, OIW's sha1WithRSASignature.
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01]
            | [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03]
            | [0x2b, 0x0e, 0x03, 0x02, 0x1d] => Self::Sha1,
            _ => Self::Strong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rsa_sizes_pass_the_levels_that_openssl_lets_them_pass() {
        // Measured with libpq on OpenSSL 3.0 to 3.5 at level 2, and on 1.1.1 at level 1.
        for (bits, level2, level1) in [
            (512, false, false),
            (768, false, false),
            (1023, false, false),
            (1024, false, true),
            (1536, false, true),
            (1900, false, true),
            (1960, false, true),
            (1980, true, true),
            (2047, true, true),
            (2048, true, true),
            (4096, true, true),
        ] {
            let key = PublicKeyInfo {
                kind: Kind::Rsa,
                public: super::super::decode::Public::Unknown,
                curve: None,
                bits,
            };
            assert_eq!(key_is_big_enough(&key, OpenSsl::V3Level2), level2, "{bits}");
            assert_eq!(key_is_big_enough(&key, OpenSsl::V111), level1, "{bits}");
        }
    }
}
