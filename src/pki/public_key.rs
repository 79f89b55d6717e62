//! Public keys: kind, size, and whether OpenSSL could use them at all.

mod curves;

use std::sync::Arc;

use aws_lc_rs::signature::{self as aws, ParsedPublicKey, VerificationAlgorithm};

use self::curves::NAMED_CURVES;
use super::algorithm::{AlgorithmIdentifier, PssParameters};
use super::der::{
    BitString, DerResult, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, UNIVERSAL,
};
use super::oid::{self, Oid};
use super::signature::weierstrass::Curve;
use crate::memo::Memo;

/// The kind of a public key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// RSA restricted to RSASSA-PSS, with the parameters it insists on.
    RsaPss(Option<PssParameters>),
    /// An elliptic curve by its name; `None`: one that OpenSSL does not know.
    Ec(Option<&'static str>),
    /// An elliptic curve by explicit parameters.
    EcExplicit,
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// DSA.
    Dsa,
    /// ML-DSA-44, ML-DSA-65 or ML-DSA-87.
    MlDsa(&'static str),
    /// Another algorithm.
    Other(Oid),
}

/// A SubjectPublicKeyInfo.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    /// The encoding.
    pub der: Vec<u8>,
    /// The algorithm.
    pub algorithm: AlgorithmIdentifier,
    /// The key itself.
    pub key: BitString,
    /// The kind.
    pub kind: KeyKind,
    /// The size in bits as `openssl x509 -text` prints it.
    pub bits: Option<usize>,
    /// Whether OpenSSL could make a key of it (`X509_get0_pubkey` is not NULL).
    pub usable: bool,
    /// Bits of the field of the second size: the order of the curve, or DSA's q.
    strength: usize,
    /// As aws-lc has parsed it for the signatures that are usual with it; `None` where it does not.
    parsed: Memo<Option<Arc<ParsedPublicKey>>>,
}

impl PublicKey {
    /// Reads the next element; fails only where the certificate as a whole could not be read.
    pub(crate) fn read(reader: &mut Reader<'_>) -> DerResult<Self> {
        let element = reader.expect(UNIVERSAL, SEQUENCE)?;
        let mut inside = element.sequence()?;
        let algorithm = AlgorithmIdentifier::read(&mut inside)?;
        let key = inside
            .expect(UNIVERSAL, super::der::BIT_STRING)?
            .bit_string()?;
        inside.finish()?;
        let mut public_key = Self {
            der: element.raw.to_vec(),
            kind: KeyKind::Other(algorithm.oid.clone()),
            algorithm,
            key,
            bits: None,
            usable: false,
            strength: 0,
            parsed: Memo::default(),
        };
        public_key.classify();
        Ok(public_key)
    }

    /// From the encoding.
    pub fn from_der(der: &[u8]) -> DerResult<Self> {
        Self::read(&mut Reader::new(der))
    }

    fn classify(&mut self) {
        match self.algorithm.oid.content() {
            oid::RSA_ENCRYPTION => self.set(KeyKind::Rsa, rsa_bits(&self.key.octets)),
            oid::RSASSA_PSS => {
                let parameters = self.algorithm.pss_parameters();
                let bad = self.algorithm.parameters.is_some() && parameters.is_none();
                let bits = rsa_bits(&self.key.octets).filter(|_| !bad);
                self.set(KeyKind::RsaPss(parameters), bits);
            }
            oid::EC_PUBLIC_KEY => self.classify_curve(),
            oid::ED25519 => self.set(KeyKind::Ed25519, self.edwards_bits(32, 256)),
            oid::ED448 => self.set(KeyKind::Ed448, self.edwards_bits(57, 456)),
            oid::DSA => {
                if let Some((p, q)) = self.dsa_bits() {
                    self.strength = q;
                    self.set(KeyKind::Dsa, Some(p));
                } else {
                    self.set(KeyKind::Dsa, None);
                }
            }
            oid::ML_DSA_44 => self.set(KeyKind::MlDsa("ML-DSA-44"), Some(1312 * 8)),
            oid::ML_DSA_65 => self.set(KeyKind::MlDsa("ML-DSA-65"), Some(1952 * 8)),
            oid::ML_DSA_87 => self.set(KeyKind::MlDsa("ML-DSA-87"), Some(2592 * 8)),
            _ => {}
        }
    }

    /// The size of an Edwards key, which must have no parameters at all (RFC 8410 3).
    fn edwards_bits(&self, length: usize, bits: usize) -> Option<usize> {
        let fits = self.key.octets.len() == length && self.algorithm.parameters.is_none();
        fits.then_some(bits)
    }

    fn set(&mut self, kind: KeyKind, bits: Option<usize>) {
        self.usable = bits.is_some() && !matches!(kind, KeyKind::MlDsa(_));
        self.kind = kind;
        self.bits = bits;
    }

    fn classify_curve(&mut self) {
        match &self.algorithm.parameters {
            Some((OBJECT_IDENTIFIER, content)) => {
                let curve = NAMED_CURVES
                    .iter()
                    .find(|(oid, ..)| *oid == content.as_slice());
                self.kind = KeyKind::Ec(curve.map(|(_, name, ..)| *name));
                if let Some((_, name, order, field)) = curve {
                    self.strength = *order;
                    self.bits = Some(*field);
                    let (usable, parsed) = point(&self.key.octets, name, field.div_ceil(8));
                    self.usable = usable;
                    self.parsed = Memo::known(parsed.map(Arc::new));
                }
            }
            Some((SEQUENCE, der)) => {
                self.kind = KeyKind::EcExplicit;
                if let Ok(bits) = explicit_order_bits(der) {
                    self.strength = bits;
                    self.bits = Some(bits);
                    self.usable = !self.key.octets.is_empty();
                }
            }
            _ => self.kind = KeyKind::Ec(None),
        }
    }

    /// The key for this algorithm, if aws-lc takes it and the algorithm is the usual one: of an
    /// elliptic curve that with its own hash, of RSA PKCS #1 v1.5 with SHA-256.
    pub(super) fn parsed_for(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
    ) -> Option<&ParsedPublicKey> {
        let parse = || match self.kind {
            KeyKind::Rsa => {
                let usual = &aws::RSA_PKCS1_2048_8192_SHA256;
                let parsed = ParsedPublicKey::new(usual, &self.key.octets).ok();
                parsed.map(Arc::new)
            }
            _ => None,
        };
        let parsed = self.parsed.get_or(parse).as_deref()?;
        std::ptr::addr_eq(parsed.algorithm(), algorithm).then_some(parsed)
    }

    fn dsa_bits(&self) -> Option<(usize, usize)> {
        let (SEQUENCE, der) = self.algorithm.parameters.as_ref()? else {
            return None;
        };
        let mut parameters = Reader::new(der).sequence().ok()?;
        let p = integer_bits(parameters.integer().ok()?);
        let q = integer_bits(parameters.integer().ok()?);
        Reader::new(&self.key.octets).integer().ok()?;
        Some((p, q))
    }

    /// Mirrors `EVP_PKEY_get_security_bits`; `modern`: OpenSSL 3.
    pub(crate) fn security_bits(&self, modern: bool) -> usize {
        let bits = self.bits.unwrap_or(0);
        match self.kind {
            KeyKind::Rsa | KeyKind::RsaPss(_) => rsa_security_bits(bits, modern),
            KeyKind::Ec(_) | KeyKind::EcExplicit => match self.strength {
                512.. => 256,
                384.. => 192,
                256.. => 128,
                224.. => 112,
                160.. => 80,
                order => order / 2,
            },
            KeyKind::Ed25519 => 128,
            KeyKind::Ed448 => 224,
            KeyKind::Dsa => {
                let half = self.strength / 2;
                if half < 80 {
                    0
                } else {
                    half.min(rsa_security_bits(bits, false))
                }
            }
            KeyKind::MlDsa(_) | KeyKind::Other(_) => 0,
        }
    }

    /// Whether a signature by this key is of that kind of algorithm (`check_sig_alg_match`).
    pub(crate) const fn is_elliptic(&self) -> bool {
        matches!(self.kind, KeyKind::Ec(_) | KeyKind::EcExplicit)
    }
}

/// The strength of a modulus. OpenSSL 1.1.1 takes the steps of SP 800-57 (`BN_security_bits`);
/// 3.x computes (SP 800-56B appendix D) and so lets 919 bits pass for 80 and 1962 for 112.
fn rsa_security_bits(bits: usize, modern: bool) -> usize {
    let (legacy, fair) = if modern { (919, 1962) } else { (1024, 2048) };
    match bits {
        15360.. => 256,
        7680.. => 192,
        3072.. => 128,
        _ if bits >= fair => 112,
        _ if bits >= legacy => 80,
        _ => 0,
    }
}

/// The modulus and the exponent of an RSAPublicKey. OpenSSL reads these two as plain octets: a
/// sign or padding does not trouble it (`bn_c2i`).
pub(crate) fn rsa_components(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut inside = Reader::new(key).sequence().ok()?;
    let mut number = || {
        let element = inside.expect(UNIVERSAL, INTEGER).ok()?;
        (!element.constructed).then_some(element.content)
    };
    let components = (number()?, number()?);
    inside.finish().ok()?;
    Some(components)
}

fn rsa_bits(key: &[u8]) -> Option<usize> {
    rsa_components(key).map(|(modulus, _)| integer_bits(modulus))
}

/// The size of INTEGER contents, leading zeros not counted (`BN_num_bits`).
pub(crate) fn integer_bits(content: &[u8]) -> usize {
    let significant = content
        .iter()
        .position(|octet| *octet != 0)
        .map_or(&content[..0], |first| &content[first..]);
    match significant.first() {
        Some(first) => {
            let leading = usize::try_from(first.leading_zeros()).unwrap_or(0);
            significant.len() * 8 - leading
        }
        None => 0,
    }
}

/// Whether the octets are a point of the curve (`EC_POINT_oct2point`), and the key that aws-lc makes
/// of it. That it lies on the curve is looked at only where its equation is known here.
fn point(octets: &[u8], curve: &str, field: usize) -> (bool, Option<ParsedPublicKey>) {
    let well_formed = match octets.first() {
        Some(2 | 3) => octets.len() == 1 + field,
        Some(4) => octets.len() == 1 + 2 * field,
        // The hybrid form tells the parity of y once more.
        Some(form @ (6 | 7)) => {
            octets.len() == 1 + 2 * field && octets.last().is_some_and(|y| y & 1 == form & 1)
        }
        _ => false,
    };
    let algorithm: &'static dyn VerificationAlgorithm = match curve {
        "prime256v1" => &aws::ECDSA_P256_SHA256_ASN1,
        "secp384r1" => &aws::ECDSA_P384_SHA384_ASN1,
        "secp521r1" => &aws::ECDSA_P521_SHA512_ASN1,
        "secp256k1" => &aws::ECDSA_P256K1_SHA256_ASN1,
        _ => {
            let usable = match Curve::named(curve) {
                Some(curve) => curve.point(octets).is_some(),
                None => well_formed,
            };
            return (usable, None);
        }
    };
    if !well_formed {
        return (false, None);
    }
    let parsed = ParsedPublicKey::new(algorithm, plain_point(octets)).ok();
    (parsed.is_some(), parsed)
}

/// A point without the hybrid form, which only OpenSSL reads.
pub(crate) fn plain_point(octets: &[u8]) -> Vec<u8> {
    let mut plain = octets.to_vec();
    if let Some(form @ (6 | 7)) = plain.first_mut() {
        *form = 4;
    }
    plain
}

/// The bits of the order in explicit parameters (X9.62 `ECParameters`).
fn explicit_order_bits(der: &[u8]) -> DerResult<usize> {
    let mut parameters = Reader::new(der).sequence()?;
    parameters.integer()?;
    parameters.sequence()?;
    parameters.sequence()?;
    parameters.expect(UNIVERSAL, OCTET_STRING)?;
    Ok(integer_bits(parameters.integer()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strength_of_a_modulus_depends_on_the_release() {
        for (bits, modern, old) in [
            (512, 0, 0),
            (918, 0, 0),
            (919, 80, 0),
            (1023, 80, 0),
            (1024, 80, 80),
            (1961, 80, 80),
            (1962, 112, 80),
            (2047, 112, 80),
            (2048, 112, 112),
            (3072, 128, 128),
            (16384, 256, 256),
        ] {
            assert_eq!(rsa_security_bits(bits, true), modern, "{bits}");
            assert_eq!(rsa_security_bits(bits, false), old, "{bits}");
        }
    }

    #[test]
    fn bits_are_counted_without_leading_zeros() {
        for (content, bits) in [(&[][..], 0), (&[0], 0), (&[1], 1), (&[0, 0x80, 0], 16)] {
            assert_eq!(integer_bits(content), bits);
        }
    }

    #[test]
    fn points_are_checked_where_the_curve_is_known() {
        let generator = {
            let mut point = vec![4];
            point.extend([
                0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4,
                0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45,
                0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7,
                0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce,
                0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
            ]);
            point
        };
        let with_form = |form: u8, length: usize| {
            let mut point = generator[..length].to_vec();
            point[0] = form;
            point
        };
        for (point, good) in [
            (generator.clone(), true),
            (with_form(3, 33), true),
            (with_form(2, 33), true),
            (with_form(7, 65), true),
            (with_form(6, 65), false),
            (with_form(4, 64), false),
            (with_form(1, 65), false),
            (vec![0], false),
            (vec![], false),
        ] {
            assert_eq!(
                self::point(&point, "prime256v1", 32).0,
                good,
                "{point:02x?}"
            );
        }
        let mut off = generator;
        off[64] ^= 1;
        assert!(!point(&off, "prime256v1", 32).0);
    }
}
