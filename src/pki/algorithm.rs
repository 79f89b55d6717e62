//! Signature algorithms: what an AlgorithmIdentifier means to OpenSSL, and how strong it is.

use super::der::{CONTEXT, DerResult, NULL, Reader, SEQUENCE, small_integer};
use super::oid::{self, Oid};

/// A message digest.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Hash {
    /// MD2, which no OpenSSL of today computes.
    Md2,
    /// MD4.
    Md4,
    /// MD5.
    Md5,
    /// MDC-2.
    Mdc2,
    /// RIPEMD-160.
    Ripemd160,
    /// SHA-0.
    Sha0,
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA3-224.
    Sha3_224,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-384.
    Sha3_384,
    /// SHA3-512.
    Sha3_512,
}

impl Hash {
    /// The name as people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md2 => "MD2",
            Self::Md4 => "MD4",
            Self::Md5 => "MD5",
            Self::Mdc2 => "MDC2",
            Self::Ripemd160 => "RIPEMD160",
            Self::Sha0 => "SHA",
            Self::Sha1 => "SHA1",
            Self::Sha224 => "SHA224",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
            Self::Sha3_224 => "SHA3-224",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_384 => "SHA3-384",
            Self::Sha3_512 => "SHA3-512",
        }
    }

    /// The length of the digest in octets.
    pub const fn length(self) -> usize {
        match self {
            Self::Md2 | Self::Md4 | Self::Md5 | Self::Mdc2 => 16,
            Self::Ripemd160 | Self::Sha0 | Self::Sha1 => 20,
            Self::Sha224 | Self::Sha3_224 => 28,
            Self::Sha256 | Self::Sha3_256 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 => 64,
        }
    }

    fn from_oid(content: &[u8]) -> Option<Self> {
        Some(match content {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 2] => Self::Md2,
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 4] => Self::Md4,
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5] => Self::Md5,
            [0x2b, 14, 3, 2, 26] => Self::Sha1,
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, arc] => match arc {
                1 => Self::Sha256,
                2 => Self::Sha384,
                3 => Self::Sha512,
                4 => Self::Sha224,
                7 => Self::Sha3_224,
                8 => Self::Sha3_256,
                9 => Self::Sha3_384,
                10 => Self::Sha3_512,
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// RSASSA-PSS parameters (RFC 4055 3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PssParameters {
    /// The digest of the message.
    pub hash: Hash,
    /// The digest of the mask generation function.
    pub mask_hash: Hash,
    /// The length of the salt in octets.
    pub salt_length: usize,
}

impl PssParameters {
    /// Mirrors `ossl_rsa_pss_get_param` over the parameters of an AlgorithmIdentifier.
    fn read(parameters: &[u8]) -> DerResult<Option<Self>> {
        let mut reader = Reader::new(parameters).sequence()?;
        let mut field = |number| -> DerResult<Option<Reader<'_>>> {
            reader
                .optional(CONTEXT, number)?
                .map(|element| element.explicit())
                .transpose()
        };
        let algorithm = |inside: Option<Reader<'_>>| -> DerResult<Option<AlgorithmIdentifier>> {
            let Some(mut inside) = inside else {
                return Ok(None);
            };
            let algorithm = AlgorithmIdentifier::read(&mut inside)?;
            inside.finish()?;
            Ok(Some(algorithm))
        };
        let number = |inside: Option<Reader<'_>>, default| -> DerResult<Option<i64>> {
            let Some(mut inside) = inside else {
                return Ok(Some(default));
            };
            let content = inside.integer()?;
            inside.finish()?;
            Ok(small_integer(content))
        };
        let hash = algorithm(field(0)?)?.map_or(Some(Hash::Sha1), |algorithm| {
            Hash::from_oid(algorithm.oid.content())
        });
        let mask_hash = match algorithm(field(1)?)? {
            None => Some(Hash::Sha1),
            Some(mask) => match (&mask.parameters, mask.oid.is(oid::MGF1)) {
                (Some((SEQUENCE, der)), true) => {
                    let of = AlgorithmIdentifier::read(&mut Reader::new(der))?;
                    Hash::from_oid(of.oid.content())
                }
                _ => None,
            },
        };
        let salt_length = number(field(2)?, 20)?;
        let trailer = number(field(3)?, 1)?;
        reader.finish()?;
        let salt_length = salt_length.and_then(|length| usize::try_from(length).ok());
        Ok(match (hash, mask_hash, salt_length, trailer) {
            (Some(hash), Some(mask_hash), Some(salt_length), Some(1)) => Some(Self {
                hash,
                mask_hash,
                salt_length,
            }),
            _ => None,
        })
    }
}

/// An AlgorithmIdentifier.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AlgorithmIdentifier {
    /// The algorithm.
    pub oid: Oid,
    /// The tag and contents of the parameters, if there are any.
    pub parameters: Option<(u32, Vec<u8>)>,
}

impl AlgorithmIdentifier {
    /// Reads the next element.
    pub(crate) fn read(reader: &mut Reader<'_>) -> DerResult<Self> {
        let mut inside = reader.sequence()?;
        let oid = Oid::from_content(inside.object_identifier()?);
        let parameters = if inside.is_empty() {
            None
        } else {
            let element = inside.element()?;
            Some((element.tag, element.any()?.into_owned()))
        };
        inside.finish()?;
        Ok(Self { oid, parameters })
    }

    /// The RSASSA-PSS parameters, if they are ones that OpenSSL takes.
    pub fn pss_parameters(&self) -> Option<PssParameters> {
        match &self.parameters {
            Some((SEQUENCE, der)) => PssParameters::read(der).ok().flatten(),
            _ => None,
        }
    }

    /// Whether the parameters are absent or NULL.
    pub fn has_null_parameters(&self) -> bool {
        matches!(&self.parameters, None | Some((NULL, _)))
    }

    /// What the algorithm is as a signature.
    pub fn signature(&self) -> SignatureAlgorithm {
        let known = KNOWN.iter().find(|(content, ..)| self.oid.is(content));
        match known {
            Some((_, name, scheme, hash)) => SignatureAlgorithm {
                name,
                scheme: *scheme,
                hash: match scheme {
                    Scheme::RsaPss => self.pss_parameters().map(|parameters| parameters.hash),
                    _ => *hash,
                },
            },
            None => SignatureAlgorithm {
                name: "unknown",
                scheme: Scheme::Unknown,
                hash: None,
            },
        }
    }
}

/// Which mathematics a signature algorithm uses.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1,
    /// RSASSA-PKCS1-v1_5 whose identifier names the X.500 key type, which no RSA key of OpenSSL
    /// has.
    RsaX500,
    /// RSASSA-PSS.
    RsaPss,
    /// ECDSA.
    Ecdsa,
    /// DSA.
    Dsa,
    /// DSA by its old identifier.
    DsaOld,
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// ML-DSA, known from OpenSSL 3.5 on.
    MlDsa,
    /// SM2 with SM3.
    Sm2,
    /// None that OpenSSL knows as a signature algorithm.
    Unknown,
}

/// A signature algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignatureAlgorithm {
    /// OpenSSL's long name, such as `sha256WithRSAEncryption`.
    pub name: &'static str,
    /// The mathematics.
    pub scheme: Scheme,
    /// The digest, where there is one and it is known.
    pub hash: Option<Hash>,
}

type Known = (&'static [u8], &'static str, Scheme, Option<Hash>);

const fn rsa(content: &'static [u8], name: &'static str, hash: Hash) -> Known {
    (content, name, Scheme::RsaPkcs1, Some(hash))
}

const fn ecdsa(content: &'static [u8], name: &'static str, hash: Option<Hash>) -> Known {
    (content, name, Scheme::Ecdsa, hash)
}

/// OpenSSL's table of signature algorithms (`obj_xref.txt`), as far as its default provider
/// computes any of them.
const KNOWN: &[Known] = &[
    rsa(
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 2],
        "md2WithRSAEncryption",
        Hash::Md2,
    ),
    rsa(
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 3],
        "md4WithRSAEncryption",
        Hash::Md4,
    ),
    rsa(
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4],
        "md5WithRSAEncryption",
        Hash::Md5,
    ),
    rsa(
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5],
        "sha1WithRSAEncryption",
        Hash::Sha1,
    ),
    (oid::RSASSA_PSS, "rsassaPss", Scheme::RsaPss, None),
    rsa(
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11],
        "sha256WithRSAEncryption",
        Hash::Sha256,
    ),
    rsa(
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12],
        "sha384WithRSAEncryption",
        Hash::Sha384,
    ),
    rsa(
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13],
        "sha512WithRSAEncryption",
        Hash::Sha512,
    ),
    rsa(
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 14],
        "sha224WithRSAEncryption",
        Hash::Sha224,
    ),
    rsa(&[0x2b, 14, 3, 2, 15], "shaWithRSAEncryption", Hash::Sha0),
    rsa(&[0x55, 8, 3, 100], "mdc2WithRSA", Hash::Mdc2),
    rsa(&[0x2b, 36, 3, 3, 1, 2], "ripemd160WithRSA", Hash::Ripemd160),
    rsa(
        &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 13],
        "RSA-SHA3-224",
        Hash::Sha3_224,
    ),
    rsa(
        &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 14],
        "RSA-SHA3-256",
        Hash::Sha3_256,
    ),
    rsa(
        &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 15],
        "RSA-SHA3-384",
        Hash::Sha3_384,
    ),
    rsa(
        &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 16],
        "RSA-SHA3-512",
        Hash::Sha3_512,
    ),
    (
        &[0x2b, 14, 3, 2, 3],
        "md5WithRSA",
        Scheme::RsaX500,
        Some(Hash::Md5),
    ),
    (
        &[0x2b, 14, 3, 2, 29],
        "sha1WithRSA",
        Scheme::RsaX500,
        Some(Hash::Sha1),
    ),
    (oid::ED25519, "ED25519", Scheme::Ed25519, None),
    (oid::ED448, "ED448", Scheme::Ed448, None),
    (
        &[0x2b, 14, 3, 2, 13],
        "dsaWithSHA",
        Scheme::Dsa,
        Some(Hash::Sha0),
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3],
        "dsaWithSHA1",
        Scheme::Dsa,
        Some(Hash::Sha1),
    ),
    (
        &[0x2b, 14, 3, 2, 27],
        "dsaWithSHA1-old",
        Scheme::DsaOld,
        Some(Hash::Sha1),
    ),
    (
        &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 1],
        "dsa_with_SHA224",
        Scheme::Dsa,
        Some(Hash::Sha224),
    ),
    (
        &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2],
        "dsa_with_SHA256",
        Scheme::Dsa,
        Some(Hash::Sha256),
    ),
    ecdsa(
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1],
        "ecdsa-with-SHA1",
        Some(Hash::Sha1),
    ),
    ecdsa(
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 2],
        "ecdsa-with-Recommended",
        None,
    ),
    ecdsa(
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3],
        "ecdsa-with-Specified",
        None,
    ),
    ecdsa(
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1],
        "ecdsa-with-SHA224",
        Some(Hash::Sha224),
    ),
    ecdsa(
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
        "ecdsa-with-SHA256",
        Some(Hash::Sha256),
    ),
    ecdsa(
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3],
        "ecdsa-with-SHA384",
        Some(Hash::Sha384),
    ),
    ecdsa(
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4],
        "ecdsa-with-SHA512",
        Some(Hash::Sha512),
    ),
    (oid::ML_DSA_44, "ML-DSA-44", Scheme::MlDsa, None),
    (oid::ML_DSA_65, "ML-DSA-65", Scheme::MlDsa, None),
    (oid::ML_DSA_87, "ML-DSA-87", Scheme::MlDsa, None),
    (
        &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75],
        "SM2-with-SM3",
        Scheme::Sm2,
        None,
    ),
];

impl SignatureAlgorithm {
    /// The security of the digest in bits, `None` where OpenSSL has no opinion and so refuses it
    /// at any level (`x509_sig_info_init`). `modern`: OpenSSL 3, which knows of the collisions.
    pub(crate) fn security_bits(&self, modern: bool) -> Option<usize> {
        match (self.scheme, self.hash) {
            (Scheme::Ed25519, _) => Some(128),
            (Scheme::Ed448, _) => Some(224),
            (Scheme::RsaPss, Some(Hash::Sha1)) if modern => Some(64),
            (Scheme::Unknown | Scheme::MlDsa | Scheme::Sm2, _) | (_, None | Some(Hash::Md2)) => {
                None
            }
            // SHA-0 is gone from OpenSSL's digests.
            (_, Some(Hash::Sha0)) => None,
            (_, Some(Hash::Sha1)) if modern => Some(63),
            (_, Some(Hash::Md5)) if modern => Some(39),
            (_, Some(hash)) => Some(hash.length() * 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::der::encode;
    use super::*;

    fn read(content: &[u8]) -> AlgorithmIdentifier {
        AlgorithmIdentifier::read(&mut Reader::new(&encode(0x30, content))).unwrap()
    }

    #[test]
    fn pss_parameters_have_defaults() {
        let oid = encode(0x06, oid::RSASSA_PSS);
        let empty = read(&[oid.clone(), vec![0x30, 0]].concat());
        assert_eq!(
            empty.pss_parameters(),
            Some(PssParameters {
                hash: Hash::Sha1,
                mask_hash: Hash::Sha1,
                salt_length: 20,
            })
        );
        assert_eq!(empty.signature().hash, Some(Hash::Sha1));
        // Without parameters at all it is no signature algorithm.
        assert_eq!(read(&oid).pss_parameters(), None);
        assert_eq!(read(&oid).signature().security_bits(true), None);
        // A trailer field of its own.
        let odd = read(&[oid, encode(0x30, &encode(0xa3, &[2, 1, 2]))].concat());
        assert_eq!(odd.pss_parameters(), None);
    }

    #[test]
    fn digests_are_as_strong_as_the_release_thinks() {
        for (name, modern, old) in [
            ("md5WithRSAEncryption", Some(39), Some(64)),
            ("sha1WithRSAEncryption", Some(63), Some(80)),
            ("sha224WithRSAEncryption", Some(112), Some(112)),
            ("ecdsa-with-SHA256", Some(128), Some(128)),
            ("md2WithRSAEncryption", None, None),
            ("ED25519", Some(128), Some(128)),
            ("ecdsa-with-Specified", None, None),
        ] {
            let (_, name, scheme, hash) = *KNOWN.iter().find(|known| known.1 == name).unwrap();
            let algorithm = SignatureAlgorithm { name, scheme, hash };
            assert_eq!(algorithm.security_bits(true), modern, "{name}");
            assert_eq!(algorithm.security_bits(false), old, "{name}");
        }
    }

    #[test]
    fn an_unknown_algorithm_is_none() {
        let unknown = read(&encode(0x06, &[0x2a, 3, 4]));
        assert_eq!(unknown.signature().scheme, Scheme::Unknown);
        assert_eq!(unknown.signature().security_bits(true), None);
    }
}
