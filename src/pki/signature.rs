//! Signatures: of certificates, of CRLs, and of TLS handshakes.
//!
//! What the crates at hand cannot compute is `Unsupported`, never a guess.

mod digest;
mod memory;
mod rsa_verify;
pub(super) mod weierstrass;

use aws_lc_rs::signature::{self as aws, UnparsedPublicKey, VerificationAlgorithm};
use thiserror::Error;

use self::weierstrass::Curve;
use super::algorithm::{AlgorithmIdentifier, Hash, PssParameters, Scheme};
use super::der::BitString;
use super::public_key::{KeyKind, PublicKey, plain_point};
use crate::curve448::ed448;

/// Why a signature does not count.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum SignatureError {
    /// It is not a signature of these bytes by this key, or the key is of another kind.
    #[error("signature mismatch")]
    Mismatch,
    /// The key cannot be read.
    #[error("unusable public key")]
    UnusableKey,
    /// The algorithm is one that is not computed here.
    #[error("signature algorithm {0} not checked")]
    Unsupported(String),
}

type Verified = Result<(), SignatureError>;

/// Checks the signature of a certificate or CRL; mirrors `ASN1_item_verify`.
///
/// Each set of anchors asks about the same certificates, and many servers have the same issuers, so
/// the last answers are remembered.
pub fn verify(
    message: &[u8],
    signature: &BitString,
    algorithm: &AlgorithmIdentifier,
    key: &PublicKey,
) -> Verified {
    memory::remembered(message, signature, algorithm, key, || {
        compute(message, signature, algorithm, key)
    })
}

fn compute(
    message: &[u8],
    signature: &BitString,
    algorithm: &AlgorithmIdentifier,
    key: &PublicKey,
) -> Verified {
    if !key.usable {
        return Err(match key.kind {
            KeyKind::MlDsa(name) => SignatureError::Unsupported(name.to_owned()),
            _ => SignatureError::UnusableKey,
        });
    }
    if signature.unused != 0 {
        return Err(SignatureError::Mismatch);
    }
    let octets = signature.octets.as_slice();
    let kind = algorithm.signature();
    let unsupported = || Err(SignatureError::Unsupported(kind.name.to_owned()));
    match (kind.scheme, &key.kind, kind.hash) {
        (Scheme::RsaPkcs1, KeyKind::Rsa, Some(hash)) => {
            verify_rsa_pkcs1(message, octets, hash, key)
        }
        (Scheme::RsaPss, KeyKind::Rsa | KeyKind::RsaPss(_), _) => {
            match algorithm.pss_parameters() {
                Some(parameters) => verify_rsa_pss(message, octets, parameters, key),
                None => Err(SignatureError::Mismatch),
            }
        }
        (Scheme::Ecdsa, KeyKind::Ec(_) | KeyKind::EcExplicit, Some(hash)) => {
            verify_ecdsa(message, octets, hash, key)
        }
        (Scheme::Ed25519, KeyKind::Ed25519, _) => verify_aws(&aws::ED25519, message, octets, key),
        (Scheme::Ed448, KeyKind::Ed448, _) => verify_ed448(message, octets, key),
        (Scheme::Dsa | Scheme::DsaOld, KeyKind::Dsa, _) | (Scheme::MlDsa | Scheme::Sm2, ..) => {
            unsupported()
        }
        _ => Err(SignatureError::Mismatch),
    }
}

/// Checks a TLS handshake signature by the code point of its SignatureScheme (RFC 8446 4.2.3;
/// for TLS 1.2 the pair of hash and signature, RFC 5246 7.4.1.4.1).
pub fn verify_handshake_signature(
    key: &PublicKey,
    scheme: u16,
    message: &[u8],
    signature: &[u8],
) -> Verified {
    let [hash_code, kind_code] = scheme.to_be_bytes();
    if let 0x0904..=0x0906 = scheme {
        return verify_ml_dsa(message, signature, scheme, key);
    }
    if !key.usable {
        return Err(SignatureError::UnusableKey);
    }
    let hash = match hash_code {
        1 => Hash::Md5,
        2 => Hash::Sha1,
        3 => Hash::Sha224,
        4 => Hash::Sha256,
        5 => Hash::Sha384,
        6 => Hash::Sha512,
        _ => match scheme {
            0x0804 | 0x0809 => Hash::Sha256,
            0x0805 | 0x080a => Hash::Sha384,
            _ => Hash::Sha512,
        },
    };
    let salted = PssParameters {
        hash,
        mask_hash: hash,
        salt_length: hash.length(),
    };
    match (scheme, &key.kind) {
        // TLS 1.0 and 1.1: MD5 and SHA-1 side by side.
        (0x0001, KeyKind::Rsa) => rsa_verify::md5_sha1(message, signature, &key.key.octets),
        (0x0804..=0x0806, KeyKind::Rsa) | (0x0809..=0x080b, KeyKind::RsaPss(_)) => {
            verify_rsa_pss(message, signature, salted, key)
        }
        (0x0807, KeyKind::Ed25519) => verify_aws(&aws::ED25519, message, signature, key),
        (0x0808, KeyKind::Ed448) => verify_ed448(message, signature, key),
        (0x0804..=0x080b, _) => Err(SignatureError::Mismatch),
        _ if (1..=6).contains(&hash_code) => match (kind_code, &key.kind) {
            (1, KeyKind::Rsa) => verify_rsa_pkcs1(message, signature, hash, key),
            (2, KeyKind::Dsa) => Err(SignatureError::Unsupported("dsa".to_owned())),
            (3, KeyKind::Ec(_) | KeyKind::EcExplicit) => {
                verify_ecdsa(message, signature, hash, key)
            }
            (1..=3, _) => Err(SignatureError::Mismatch),
            _ => Err(SignatureError::Unsupported(format!("0x{scheme:04x}"))),
        },
        // brainpool (RFC 8734) and whatever else there may be.
        _ => Err(SignatureError::Unsupported(format!("0x{scheme:04x}"))),
    }
}

fn verify_aws(
    algorithm: &'static dyn VerificationAlgorithm,
    message: &[u8],
    signature: &[u8],
    key: &PublicKey,
) -> Verified {
    verify_by(algorithm, &key.key.octets, message, signature, key)
}

/// With the key as it is parsed already, or with these octets of it.
fn verify_by(
    algorithm: &'static dyn VerificationAlgorithm,
    octets: &[u8],
    message: &[u8],
    signature: &[u8],
    key: &PublicKey,
) -> Verified {
    let verified = match key.parsed_for(algorithm) {
        Some(parsed) => parsed.verify_sig(message, signature),
        None => UnparsedPublicKey::new(algorithm, octets).verify(message, signature),
    };
    verified.map_err(|_| SignatureError::Mismatch)
}

fn verify_ed448(message: &[u8], signature: &[u8], key: &PublicKey) -> Verified {
    ed448::verify(&key.key.octets, message, signature)
        .then_some(())
        .ok_or(SignatureError::Mismatch)
}

fn verify_rsa_pkcs1(message: &[u8], signature: &[u8], hash: Hash, key: &PublicKey) -> Verified {
    let fast: Option<&'static dyn VerificationAlgorithm> = match hash {
        Hash::Sha1 => Some(&aws::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
        Hash::Sha256 => Some(&aws::RSA_PKCS1_2048_8192_SHA256),
        Hash::Sha384 => Some(&aws::RSA_PKCS1_2048_8192_SHA384),
        Hash::Sha512 => Some(&aws::RSA_PKCS1_2048_8192_SHA512),
        _ => None,
    };
    // A key that aws-lc refuses (small, odd exponent) may be one that OpenSSL takes.
    if fast.is_some_and(|fast| verify_aws(fast, message, signature, key).is_ok()) {
        return Ok(());
    }
    rsa_verify::pkcs1(message, signature, hash, &key.key.octets)
}

fn verify_rsa_pss(
    message: &[u8],
    signature: &[u8],
    parameters: PssParameters,
    key: &PublicKey,
) -> Verified {
    if let KeyKind::RsaPss(Some(demanded)) = &key.kind
        && (demanded.hash != parameters.hash
            || demanded.mask_hash != parameters.mask_hash
            || demanded.salt_length > parameters.salt_length)
    {
        return Err(SignatureError::Mismatch);
    }
    let usual = parameters.hash == parameters.mask_hash
        && parameters.salt_length == parameters.hash.length();
    let fast: Option<&'static dyn VerificationAlgorithm> = match parameters.hash {
        Hash::Sha256 if usual => Some(&aws::RSA_PSS_2048_8192_SHA256),
        Hash::Sha384 if usual => Some(&aws::RSA_PSS_2048_8192_SHA384),
        Hash::Sha512 if usual => Some(&aws::RSA_PSS_2048_8192_SHA512),
        _ => None,
    };
    if fast.is_some_and(|fast| verify_aws(fast, message, signature, key).is_ok()) {
        return Ok(());
    }
    rsa_verify::pss(message, signature, parameters, &key.key.octets)
}

fn verify_ecdsa(message: &[u8], signature: &[u8], hash: Hash, key: &PublicKey) -> Verified {
    let curve = match key.kind {
        KeyKind::Ec(Some(curve)) => curve,
        _ => "explicit parameters",
    };
    let algorithm: &'static dyn VerificationAlgorithm = match (curve, hash) {
        ("prime256v1", Hash::Sha1) => &aws::ECDSA_P256_SHA1_ASN1,
        ("prime256v1", Hash::Sha256) => &aws::ECDSA_P256_SHA256_ASN1,
        ("prime256v1", Hash::Sha384) => &aws::ECDSA_P256_SHA384_ASN1,
        ("prime256v1", Hash::Sha512) => &aws::ECDSA_P256_SHA512_ASN1,
        ("secp384r1", Hash::Sha256) => &aws::ECDSA_P384_SHA256_ASN1,
        ("secp384r1", Hash::Sha384) => &aws::ECDSA_P384_SHA384_ASN1,
        ("secp384r1", Hash::Sha512) => &aws::ECDSA_P384_SHA512_ASN1,
        ("secp521r1", Hash::Sha1) => &aws::ECDSA_P521_SHA1_ASN1,
        ("secp521r1", Hash::Sha224) => &aws::ECDSA_P521_SHA224_ASN1,
        ("secp521r1", Hash::Sha256) => &aws::ECDSA_P521_SHA256_ASN1,
        ("secp521r1", Hash::Sha384) => &aws::ECDSA_P521_SHA384_ASN1,
        ("secp521r1", Hash::Sha512) => &aws::ECDSA_P521_SHA512_ASN1,
        ("secp256k1", Hash::Sha256) => &aws::ECDSA_P256K1_SHA256_ASN1,
        _ => return verify_ecdsa_otherwise(message, signature, hash, curve, key),
    };
    let octets = plain_point(&key.key.octets);
    verify_by(algorithm, &octets, message, signature, key)
}

/// What aws-lc has no algorithm for.
fn verify_ecdsa_otherwise(
    message: &[u8],
    signature: &[u8],
    hash: Hash,
    name: &str,
    key: &PublicKey,
) -> Verified {
    let (Some(curve), Some(digest)) = (Curve::named(name), digest::of(hash, &[message])) else {
        let name = format!("ECDSA with {name} and {}", hash.name());
        return Err(SignatureError::Unsupported(name));
    };
    let point = curve
        .point(&key.key.octets)
        .ok_or(SignatureError::UnusableKey)?;
    curve
        .verifies(&digest, signature, &point)
        .then_some(())
        .ok_or(SignatureError::Mismatch)
}

fn verify_ml_dsa(message: &[u8], signature: &[u8], scheme: u16, key: &PublicKey) -> Verified {
    let (algorithm, name): (&'static dyn VerificationAlgorithm, _) = match scheme {
        0x0904 => (&aws::ML_DSA_44, "ML-DSA-44"),
        0x0905 => (&aws::ML_DSA_65, "ML-DSA-65"),
        _ => (&aws::ML_DSA_87, "ML-DSA-87"),
    };
    if key.kind != KeyKind::MlDsa(name) {
        return Err(SignatureError::Mismatch);
    }
    verify_aws(algorithm, message, signature, key)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};

    use super::*;

    const MESSAGE: &[u8] = b"a handshake";

    fn verified(spki: &[u8], scheme: u16, signature: &[u8]) -> Verified {
        let key = &PublicKey::from_der(spki).unwrap();
        let wrong = verify_handshake_signature(key, scheme, b"another handshake", signature);
        assert_ne!(wrong, Ok(()), "{scheme:04x}");
        let mut changed = signature.to_vec();
        if let Some(last) = changed.last_mut() {
            *last ^= 1;
        }
        let broken = verify_handshake_signature(key, scheme, MESSAGE, &changed);
        assert_ne!(broken, Ok(()), "{scheme:04x}");
        verify_handshake_signature(key, scheme, MESSAGE, signature)
    }

    #[test]
    fn handshakes_signed_by_rsa_are_verified() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let spki = key.public_key().as_der().unwrap();
        let random = SystemRandom::new();
        for (scheme, encoding) in [
            (0x0401, &aws::RSA_PKCS1_SHA256),
            (0x0501, &aws::RSA_PKCS1_SHA384),
            (0x0601, &aws::RSA_PKCS1_SHA512),
            (0x0804, &aws::RSA_PSS_SHA256),
            (0x0805, &aws::RSA_PSS_SHA384),
            (0x0806, &aws::RSA_PSS_SHA512),
        ] {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(encoding, &random, MESSAGE, &mut signature)
                .unwrap();
            assert_eq!(
                verified(spki.as_ref(), scheme, &signature),
                Ok(()),
                "{scheme:04x}"
            );
            // Our own arithmetic says the same as the library's.
            let public_key = PublicKey::from_der(spki.as_ref()).unwrap();
            let own = match scheme {
                0x0401 => {
                    rsa_verify::pkcs1(MESSAGE, &signature, Hash::Sha256, &public_key.key.octets)
                }
                0x0804 => rsa_verify::pss(
                    MESSAGE,
                    &signature,
                    PssParameters {
                        hash: Hash::Sha256,
                        mask_hash: Hash::Sha256,
                        salt_length: 32,
                    },
                    &public_key.key.octets,
                ),
                _ => Ok(()),
            };
            assert_eq!(own, Ok(()), "{scheme:04x}");
            // A scheme for RSA-PSS keys is not one for RSA keys, nor is ECDSA.
            for other in [0x0809, 0x0403, 0x0807] {
                assert_eq!(
                    verify_handshake_signature(&public_key, other, MESSAGE, &signature),
                    Err(SignatureError::Mismatch)
                );
            }
        }
    }

    #[test]
    fn handshakes_signed_by_elliptic_curves_are_verified() {
        let random = SystemRandom::new();
        for (scheme, algorithm) in [
            (0x0403, &aws::ECDSA_P256_SHA256_ASN1_SIGNING),
            (0x0503, &aws::ECDSA_P384_SHA384_ASN1_SIGNING),
            (0x0603, &aws::ECDSA_P521_SHA512_ASN1_SIGNING),
            // TLS 1.2 lets any digest go with any curve.
            (0x0503, &aws::ECDSA_P521_SHA384_ASN1_SIGNING),
            (0x0403, &aws::ECDSA_P521_SHA256_ASN1_SIGNING),
            (0x0403, &aws::ECDSA_P256K1_SHA256_ASN1_SIGNING),
        ] {
            let key = EcdsaKeyPair::generate(algorithm).unwrap();
            let spki = key.public_key().as_der().unwrap();
            let signature = key.sign(&random, MESSAGE).unwrap();
            assert_eq!(verified(spki.as_ref(), scheme, signature.as_ref()), Ok(()));
        }
        let key = Ed25519KeyPair::generate().unwrap();
        let spki = key.public_key().as_der().unwrap();
        let signature = key.sign(MESSAGE);
        assert_eq!(verified(spki.as_ref(), 0x0807, signature.as_ref()), Ok(()));
    }

    #[test]
    fn what_cannot_be_computed_is_said_to_be_so() {
        let key = EcdsaKeyPair::generate(&aws::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let spki = key.public_key().as_der().unwrap();
        let mut key = PublicKey::from_der(spki.as_ref()).unwrap();
        for scheme in [0x081a, 0xfefe] {
            assert!(matches!(
                verify_handshake_signature(&key, scheme, MESSAGE, &[]),
                Err(SignatureError::Unsupported(_))
            ));
        }
        key.usable = false;
        assert_eq!(
            verify_handshake_signature(&key, 0x0403, MESSAGE, &[]),
            Err(SignatureError::UnusableKey)
        );
    }
}
