//! What a client's key signs below TLS 1.2, where no scheme is negotiated (`tls1_get_legacy_sigalg`
//! in OpenSSL): RSA over MD5 and SHA-1 together (RFC 4346 section 7.4.8), ECDSA over SHA-1 (RFC
//! 4492 section 5.8).

use std::fmt;
use std::sync::Arc;

use md5::Md5;
use p256::ecdsa::signature::hazmat::RandomizedPrehashSigner as _;
use pkcs8::DecodePrivateKey as _;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::Signer;
use rustls::{Error, SignatureScheme};
use sha1::{Digest as _, Sha1};

use super::decode::Key;
use super::rsa_signer::Random;

/// Of a key that can sign below TLS 1.2; `None` for such as Ed25519, with which OpenSSL answers as
/// if it had no certificate.
pub(super) fn old_signer(key: &Key) -> Option<Arc<dyn Signer>> {
    let signer = match &key.der {
        PrivateKeyDer::Pkcs1(der) => {
            OldSigner::Rsa(RsaPrivateKey::from_pkcs1_der(der.secret_pkcs1_der()).ok()?)
        }
        PrivateKeyDer::Sec1(der) => {
            let der = der.secret_sec1_der();
            let p256 = || p256::SecretKey::from_sec1_der(der).ok().and_then(of_p256);
            let p384 = || p384::SecretKey::from_sec1_der(der).ok().and_then(of_p384);
            let p521 = || p521::SecretKey::from_sec1_der(der).ok().and_then(of_p521);
            p256().or_else(p384).or_else(p521)?
        }
        PrivateKeyDer::Pkcs8(der) => {
            let der = der.secret_pkcs8_der();
            let p256 = || p256::SecretKey::from_pkcs8_der(der).ok().and_then(of_p256);
            let p384 = || p384::SecretKey::from_pkcs8_der(der).ok().and_then(of_p384);
            let p521 = || p521::SecretKey::from_pkcs8_der(der).ok().and_then(of_p521);
            p256().or_else(p384).or_else(p521)?
        }
        _ => return None,
    };
    Some(Arc::new(signer))
}

enum OldSigner {
    Rsa(RsaPrivateKey),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
}

fn of_p256(key: p256::SecretKey) -> Option<OldSigner> {
    let key = p256::ecdsa::SigningKey::from_slice(&key.to_bytes());
    key.ok().map(OldSigner::P256)
}

fn of_p384(key: p384::SecretKey) -> Option<OldSigner> {
    let key = p384::ecdsa::SigningKey::from_slice(&key.to_bytes());
    key.ok().map(OldSigner::P384)
}

fn of_p521(key: p521::SecretKey) -> Option<OldSigner> {
    let key = p521::ecdsa::SigningKey::from_slice(&key.to_bytes());
    key.ok().map(OldSigner::P521)
}

impl fmt::Debug for OldSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa(_) => "OldSigner(RSA)",
            Self::P256(_) => "OldSigner(P-256)",
            Self::P384(_) => "OldSigner(P-384)",
            Self::P521(_) => "OldSigner(P-521)",
        })
    }
}

/// SHA-1 as the number that ECDSA signs, with the zeros before it that the curve has room for (the
/// crates refuse what is less than half as long).
fn sha1_of<const LENGTH: usize>(message: &[u8]) -> [u8; LENGTH] {
    let digest = Sha1::digest(message);
    let mut number = [0; LENGTH];
    for (to, from) in number.iter_mut().rev().zip(digest.iter().rev()) {
        *to = *from;
    }
    number
}

impl Signer for OldSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        // With a source of randomness the private operation is blinded, or its nonce hedged.
        let random = &mut Random;
        let signature = match self {
            Self::Rsa(key) => {
                let (md5, sha1) = (Md5::digest(message), Sha1::digest(message));
                let digests = [md5.as_slice(), sha1.as_slice()].concat();
                return key
                    .sign_with_rng(random, Pkcs1v15Sign::new_unprefixed(), &digests)
                    .map_err(|error| Error::General(error.to_string()));
            }
            Self::P256(key) => key
                .sign_prehash_with_rng(random, &sha1_of::<32>(message))
                .map(|it: p256::ecdsa::DerSignature| it.as_bytes().to_vec()),
            Self::P384(key) => key
                .sign_prehash_with_rng(random, &sha1_of::<48>(message))
                .map(|it: p384::ecdsa::DerSignature| it.as_bytes().to_vec()),
            Self::P521(key) => key
                .sign_prehash_with_rng(random, &sha1_of::<66>(message))
                .map(|it: p521::ecdsa::Signature| it.to_der().as_bytes().to_vec()),
        };
        signature.map_err(|error| Error::General(error.to_string()))
    }

    /// None is on the wire; the nearest name of TLS 1.2.
    fn scheme(&self) -> SignatureScheme {
        match self {
            Self::Rsa(_) => SignatureScheme::RSA_PKCS1_SHA1,
            _ => SignatureScheme::ECDSA_SHA1_Legacy,
        }
    }
}
