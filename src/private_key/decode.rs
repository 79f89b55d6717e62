//! Private keys out of PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) and SEC 1 (RFC 5915), and the public
//! half of each, to hold it against a certificate's.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use rustls::pki_types::PrivateKeyDer;

use super::der::{BIT_STRING, DerError, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, wrap};

/// OpenSSL's slots for a certificate with its key (`SSL_PKEY_*`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Rsa,
    RsaPss,
    Dsa,
    Ec,
    Ed25519,
    Ed448,
    /// X25519 and X448, which sign nothing: `unknown certificate type`.
    KeyAgreement,
    /// Another algorithm.
    Other,
}

impl Kind {
    fn of(oid: &[u8]) -> Self {
        match oid {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01] => Self::Rsa,
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a] => Self::RsaPss,
            [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01] => Self::Dsa,
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => Self::Ec,
            [0x2b, 0x65, 0x6e | 0x6f] => Self::KeyAgreement,
            [0x2b, 0x65, 0x70] => Self::Ed25519,
            [0x2b, 0x65, 0x71] => Self::Ed448,
            _ => Self::Other,
        }
    }

    /// For sentences.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::RsaPss => "RSA-PSS",
            Self::Dsa => "DSA",
            Self::Ec => "EC",
            Self::Ed25519 => "Ed25519",
            Self::Ed448 => "Ed448",
            Self::KeyAgreement => "X25519 or X448",
            Self::Other => "of another algorithm",
        }
    }
}

/// A public key, as far as it is needed to say whether two are the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Public {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// A named curve's identifier and a point on it, normalised.
    Ec {
        curve: Vec<u8>,
        point: Point,
    },
    Raw(Vec<u8>),
    Unknown,
}

/// A point without regard to how it was encoded: its x and whether its y is odd.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Point {
    x: Vec<u8>,
    odd: bool,
}

impl Point {
    fn read(octets: &[u8]) -> Option<Self> {
        let (&form, rest) = octets.split_first()?;
        match form {
            2 | 3 => Some(Self {
                x: rest.to_vec(),
                odd: form == 3,
            }),
            4 | 6 | 7 if rest.len().is_multiple_of(2) => {
                let (x, y) = rest.split_at_checked(rest.len() / 2)?;
                Some(Self {
                    x: x.to_vec(),
                    odd: y.last()? & 1 == 1,
                })
            }
            _ => None,
        }
    }
}

/// A decoded private key.
pub(super) struct Key {
    pub(super) kind: Kind,
    pub(super) public: Public,
    /// In the form in which the signing library takes it.
    pub(super) der: PrivateKeyDer<'static>,
}

/// A SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
#[derive(Debug)]
pub(super) struct PublicKeyInfo {
    pub(super) kind: Kind,
    pub(super) public: Public,
    /// The named curve of an EC key.
    pub(super) curve: Option<Vec<u8>>,
    /// The size of an RSA modulus or a DSA prime.
    pub(super) bits: usize,
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| {
        let zeros = usize::try_from(first.leading_zeros()).unwrap_or(0);
        (number.len() * 8).saturating_sub(zeros)
    })
}

/// RSA numbers out of an RSAPublicKey.
fn rsa_public(reader: &mut Reader<'_>) -> Result<(Public, usize), DerError> {
    let modulus = reader.integer()?;
    let exponent = reader.integer()?;
    let public = Public::Rsa {
        modulus: modulus.to_vec(),
        exponent: exponent.to_vec(),
    };
    Ok((public, bits(modulus)))
}

/// Read a certificate's public key.
pub(super) fn public_key_info(mut info: Reader<'_>) -> Result<PublicKeyInfo, DerError> {
    let mut algorithm = info.sequence()?;
    let kind = Kind::of(algorithm.expect(OID)?);
    let octets = info.expect(BIT_STRING)?.get(1..).unwrap_or_default();
    let mut curve = None;
    let (public, bits) = match kind {
        Kind::Rsa | Kind::RsaPss => rsa_public(&mut Reader::new(octets).sequence()?)?,
        Kind::Ec => {
            curve = algorithm.expect(OID).ok().map(<[u8]>::to_vec);
            let public = match (&curve, Point::read(octets)) {
                (Some(curve), Some(point)) => Public::Ec {
                    curve: curve.clone(),
                    point,
                },
                _ => Public::Unknown,
            };
            (public, 0)
        }
        Kind::Dsa => {
            let prime = algorithm.sequence().and_then(|mut group| group.integer());
            (Public::Unknown, prime.map_or(0, bits))
        }
        _ => (Public::Raw(octets.to_vec()), 0),
    };
    Ok(PublicKeyInfo {
        kind,
        public,
        curve,
        bits,
    })
}

/// A PrivateKeyInfo or OneAsymmetricKey.
pub(super) fn pkcs8(der: &[u8]) -> Result<Key, DerError> {
    let mut outer = Reader::new(der);
    let (tag, inside, whole) = outer.any()?;
    if tag != SEQUENCE {
        return Err(DerError::WrongTag);
    }
    let mut fields = Reader::new(inside);
    fields.small()?;
    let mut algorithm = fields.sequence()?;
    let kind = Kind::of(algorithm.expect(OID)?);
    let private = fields.expect(OCTET_STRING)?;
    let as_pkcs8 = || PrivateKeyDer::Pkcs8(whole.to_vec().into());
    match kind {
        Kind::Rsa => pkcs1(private),
        Kind::RsaPss => pkcs1(private).map(|key| Key {
            kind: Kind::RsaPss,
            ..key
        }),
        Kind::Ec => {
            let curve = algorithm.expect(OID).ok();
            let inner = EcPrivateKey::read(private)?;
            let public = inner.public(curve);
            Ok(Key {
                kind,
                public: known_or_derived(public, private, curve),
                der: as_pkcs8(),
            })
        }
        Kind::Ed25519 => {
            let seed = Reader::new(private).expect(OCTET_STRING)?;
            let public =
                Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| DerError::TooLong)?;
            Ok(Key {
                kind,
                public: Public::Raw(public.public_key().as_ref().to_vec()),
                der: PrivateKeyDer::Pkcs8(ed25519_pkcs8(seed).into()),
            })
        }
        _ => Ok(Key {
            kind,
            public: Public::Unknown,
            der: as_pkcs8(),
        }),
    }
}

/// The plain form: a version 2 key with a public half that does not fit is fine for OpenSSL.
fn ed25519_pkcs8(seed: &[u8]) -> Vec<u8> {
    let mut inside = wrap(INTEGER, &[0]);
    inside.extend(wrap(SEQUENCE, &wrap(OID, &[0x2b, 0x65, 0x70])));
    inside.extend(wrap(OCTET_STRING, &wrap(OCTET_STRING, seed)));
    wrap(SEQUENCE, &inside)
}

/// An RSAPrivateKey.
pub(super) fn pkcs1(der: &[u8]) -> Result<Key, DerError> {
    let mut outer = Reader::new(der);
    let (tag, inside, whole) = outer.any()?;
    if tag != SEQUENCE {
        return Err(DerError::WrongTag);
    }
    let mut fields = Reader::new(inside);
    fields.small()?;
    let (public, _) = rsa_public(&mut fields)?;
    for _ in 0..6 {
        fields.integer()?;
    }
    Ok(Key {
        kind: Kind::Rsa,
        public,
        der: PrivateKeyDer::Pkcs1(whole.to_vec().into()),
    })
}

/// An ECPrivateKey with its curve.
pub(super) fn sec1(der: &[u8]) -> Result<Key, DerError> {
    let mut outer = Reader::new(der);
    let (_, _, whole) = outer.any()?;
    let inner = EcPrivateKey::read(whole)?;
    if inner.parameters.is_none() {
        return Err(DerError::WrongTag);
    }
    let public = inner.public(None);
    Ok(Key {
        kind: Kind::Ec,
        public: known_or_derived(public, whole, inner.curve()),
        der: PrivateKeyDer::Sec1(whole.to_vec().into()),
    })
}

/// OpenSSL's own format for DSA keys: version, p, q, g, y, x.
pub(super) fn dsa(der: &[u8]) -> Result<Key, DerError> {
    let mut fields = Reader::new(der).sequence()?;
    for _ in 0..6 {
        fields.integer()?;
    }
    if !fields.rest().is_empty() {
        return Err(DerError::TooLong);
    }
    Ok(Key {
        kind: Kind::Dsa,
        public: Public::Unknown,
        der: PrivateKeyDer::Pkcs8(Vec::new().into()),
    })
}

struct EcPrivateKey<'a> {
    /// The inside of `[0]`.
    parameters: Option<&'a [u8]>,
    /// The point inside of `[1]`.
    point: Option<&'a [u8]>,
}

impl<'a> EcPrivateKey<'a> {
    fn read(der: &'a [u8]) -> Result<Self, DerError> {
        let mut fields = Reader::new(der).sequence()?;
        fields.small()?;
        fields.expect(OCTET_STRING)?;
        let parameters = match fields.peek() {
            Some(0xa0) => Some(fields.expect(0xa0)?),
            _ => None,
        };
        let point = match fields.peek() {
            Some(0xa1) => Reader::new(fields.expect(0xa1)?)
                .expect(BIT_STRING)?
                .get(1..),
            _ => None,
        };
        Ok(Self { parameters, point })
    }

    fn curve(&self) -> Option<&'a [u8]> {
        Reader::new(self.parameters?).expect(OID).ok()
    }

    fn public(&self, curve: Option<&[u8]>) -> Option<Public> {
        Some(Public::Ec {
            curve: curve.or(self.curve())?.to_vec(),
            point: Point::read(self.point?)?,
        })
    }
}

/// Where the public half is left out (`openssl ec -no_public`), have it computed.
fn known_or_derived(public: Option<Public>, sec1: &[u8], curve: Option<&[u8]>) -> Public {
    if let Some(public) = public {
        return public;
    }
    let Some(curve) = curve else {
        return Public::Unknown;
    };
    [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
        &ECDSA_P521_SHA512_ASN1_SIGNING,
    ]
    .into_iter()
    .zip([P256, P384, P521])
    .filter(|(_, oid)| *oid == curve)
    .find_map(|(algorithm, _)| {
        let pair = EcdsaKeyPair::from_private_key_der(algorithm, sec1).ok()?;
        Some(Public::Ec {
            curve: curve.to_vec(),
            point: Point::read(pair.public_key().as_ref())?,
        })
    })
    .unwrap_or(Public::Unknown)
}

const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
