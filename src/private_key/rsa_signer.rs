//! RSA keys that aws-lc refuses to sign with (1024 bits, odd exponents) and OpenSSL does not.

use std::sync::Arc;

use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::rand_core::{CryptoRng, Error as RandError, RngCore};
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, Pss};
use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Best first; which of them a key is too short for depends on its size.
const SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// Of a PKCS#1 RSAPrivateKey, if the rsa crate takes it.
pub(super) fn signing_key(pkcs1: &[u8]) -> Option<Arc<dyn SigningKey>> {
    let key = RsaPrivateKey::from_pkcs1_der(pkcs1).ok()?;
    Some(Arc::new(RsaKey(Arc::new(key))))
}

struct RsaKey(Arc<RsaPrivateKey>);

impl std::fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RsaKey({} bits)", self.0.size() * 8)
    }
}

impl SigningKey for RsaKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        SCHEMES
            .into_iter()
            .filter(|scheme| offered.contains(scheme))
            .find(|&scheme| self.0.size() >= smallest_modulus(scheme))
            .map(|scheme| -> Box<dyn Signer> {
                Box::new(RsaSigner {
                    key: Arc::clone(&self.0),
                    scheme,
                })
            })
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

/// RFC 8017 sections 9.1.1 and 9.2, in octets.
const fn smallest_modulus(scheme: SignatureScheme) -> usize {
    match scheme {
        SignatureScheme::RSA_PSS_SHA256 => 2 * 32 + 2,
        SignatureScheme::RSA_PSS_SHA384 => 2 * 48 + 2,
        SignatureScheme::RSA_PSS_SHA512 => 2 * 64 + 3,
        SignatureScheme::RSA_PKCS1_SHA256 => 19 + 32 + 11,
        SignatureScheme::RSA_PKCS1_SHA384 => 19 + 48 + 11,
        _ => 19 + 64 + 11,
    }
}

struct RsaSigner {
    key: Arc<RsaPrivateKey>,
    scheme: SignatureScheme,
}

impl std::fmt::Debug for RsaSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RsaSigner({:?})", self.scheme)
    }
}

impl Signer for RsaSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let mut random = Random;
        let sha256 = || Sha256::digest(message);
        let sha384 = || Sha384::digest(message);
        let sha512 = || Sha512::digest(message);
        let key = &self.key;
        // With a source of randomness the private operation is blinded.
        match self.scheme {
            SignatureScheme::RSA_PSS_SHA256 => {
                key.sign_with_rng(&mut random, Pss::new_blinded::<Sha256>(), &sha256())
            }
            SignatureScheme::RSA_PSS_SHA384 => {
                key.sign_with_rng(&mut random, Pss::new_blinded::<Sha384>(), &sha384())
            }
            SignatureScheme::RSA_PSS_SHA512 => {
                key.sign_with_rng(&mut random, Pss::new_blinded::<Sha512>(), &sha512())
            }
            SignatureScheme::RSA_PKCS1_SHA256 => {
                key.sign_with_rng(&mut random, Pkcs1v15Sign::new::<Sha256>(), &sha256())
            }
            SignatureScheme::RSA_PKCS1_SHA384 => {
                key.sign_with_rng(&mut random, Pkcs1v15Sign::new::<Sha384>(), &sha384())
            }
            _ => key.sign_with_rng(&mut random, Pkcs1v15Sign::new::<Sha512>(), &sha512()),
        }
        .map_err(|error| rustls::Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// The random numbers of aws-lc for the rsa crate.
pub(super) struct Random;

impl CryptoRng for Random {}

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        let mut octets = [0; 4];
        self.fill_bytes(&mut octets);
        u32::from_ne_bytes(octets)
    }

    fn next_u64(&mut self) -> u64 {
        let mut octets = [0; 8];
        self.fill_bytes(&mut octets);
        u64::from_ne_bytes(octets)
    }

    fn fill_bytes(&mut self, octets: &mut [u8]) {
        // aws-lc has no failing path here short of a broken system.
        self.try_fill_bytes(octets)
            .expect("the system has random numbers");
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), RandError> {
        aws_lc_rs::rand::fill(octets).map_err(RandError::new)
    }
}

#[cfg(test)]
mod tests {
    use rsa::RsaPublicKey;

    use super::*;

    #[test]
    fn signatures_of_a_small_key_verify_and_too_long_schemes_are_not_chosen() {
        let key = RsaPrivateKey::new(&mut Random, 1024).unwrap();
        let public = RsaPublicKey::from(&key);
        let key = RsaKey(Arc::new(key));
        assert!(
            key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA512])
                .is_none()
        );
        assert!(key.choose_scheme(&[SignatureScheme::ED25519]).is_none());
        for scheme in [
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA512,
        ] {
            let signer = key.choose_scheme(&[scheme]).unwrap();
            assert_eq!(signer.scheme(), scheme);
            let signature = signer.sign(b"message").unwrap();
            match scheme {
                SignatureScheme::RSA_PSS_SHA256 => public.verify(
                    Pss::new::<Sha256>(),
                    &Sha256::digest(b"message"),
                    &signature,
                ),
                SignatureScheme::RSA_PSS_SHA384 => public.verify(
                    Pss::new::<Sha384>(),
                    &Sha384::digest(b"message"),
                    &signature,
                ),
                SignatureScheme::RSA_PKCS1_SHA256 => public.verify(
                    Pkcs1v15Sign::new::<Sha256>(),
                    &Sha256::digest(b"message"),
                    &signature,
                ),
                _ => public.verify(
                    Pkcs1v15Sign::new::<Sha512>(),
                    &Sha512::digest(b"message"),
                    &signature,
                ),
            }
            .unwrap();
        }
    }
}
