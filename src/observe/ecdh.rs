//! The NIST curves for TLS 1.3, of which rustls leaves P-521 out, and whose points OpenSSL 1.1.1
//! takes in forms that RFC 8446 section 4.2.8.2 forbids.

use aws_lc_rs::agreement::{
    Algorithm, ECDH_P256, ECDH_P384, ECDH_P521, EphemeralPrivateKey, UnparsedPublicKey,
    agree_ephemeral,
};
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::{NamedGroup, PeerMisbehaved};

/// A curve.
#[derive(Debug)]
pub(super) struct Ecdh {
    name: NamedGroup,
    algorithm: &'static Algorithm,
    /// Octets of a coordinate.
    length: usize,
    /// Whether a point may also be compressed or hybrid (SEC 1 section 2.3.4).
    any_form: bool,
}

/// Which points OpenSSL 3 takes.
pub(super) static OF_OPENSSL_3: [Ecdh; 3] = curves(false);
/// Which points OpenSSL 1.1.1 takes.
pub(super) static OF_OPENSSL_1_1_1: [Ecdh; 3] = curves(true);

const fn curves(any_form: bool) -> [Ecdh; 3] {
    [
        Ecdh::new(NamedGroup::secp256r1, &ECDH_P256, 32, any_form),
        Ecdh::new(NamedGroup::secp384r1, &ECDH_P384, 48, any_form),
        Ecdh::new(NamedGroup::secp521r1, &ECDH_P521, 66, any_form),
    ]
}

impl Ecdh {
    const fn new(
        name: NamedGroup,
        algorithm: &'static Algorithm,
        length: usize,
        any_form: bool,
    ) -> Self {
        Self {
            name,
            algorithm,
            length,
            any_form,
        }
    }
}

struct Exchange {
    name: NamedGroup,
    algorithm: &'static Algorithm,
    length: usize,
    any_form: bool,
    private: EphemeralPrivateKey,
    public: Vec<u8>,
}

impl SupportedKxGroup for Ecdh {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, rustls::Error> {
        let failed = |_| rustls::Error::FailedToGetRandomBytes;
        let random = aws_lc_rs::rand::SystemRandom::new();
        let private = EphemeralPrivateKey::generate(self.algorithm, &random).map_err(failed)?;
        let public = private.compute_public_key().map_err(failed)?;
        Ok(Box::new(Exchange {
            name: self.name,
            algorithm: self.algorithm,
            length: self.length,
            any_form: self.any_form,
            public: public.as_ref().to_vec(),
            private,
        }))
    }

    fn name(&self) -> NamedGroup {
        self.name
    }
}

impl Exchange {
    /// Whether a point has a form and a length that are taken; aws-lc also reads a
    /// SubjectPublicKeyInfo.
    fn takes(&self, point: &[u8]) -> bool {
        match point.first() {
            Some(4) => point.len() == 1 + 2 * self.length,
            Some(6 | 7) if self.any_form => point.len() == 1 + 2 * self.length,
            Some(2 | 3) if self.any_form => point.len() == 1 + self.length,
            _ => false,
        }
    }
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, rustls::Error> {
        let misbehaved = rustls::Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
        if !self.takes(peer) {
            return Err(misbehaved);
        }
        let peer = UnparsedPublicKey::new(self.algorithm, peer);
        agree_ephemeral(self.private, peer, misbehaved, |secret| {
            Ok(SharedSecret::from(secret))
        })
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_openssl_1_1_1_takes_compressed_and_hybrid_points() {
        for (strict, lenient) in OF_OPENSSL_3.iter().zip(&OF_OPENSSL_1_1_1) {
            let public = strict.start().unwrap().pub_key().to_vec();
            let odd = public.last().unwrap() & 1;
            let compressed = [&[2 + odd], &public[1..1 + strict.length]].concat();
            let hybrid = [&[6 + odd], &public[1..]].concat();
            let shorter = public[..public.len() - 1].to_vec();
            for (point, by_3, by_1_1_1) in [
                (&public, true, true),
                (&compressed, false, true),
                (&hybrid, false, true),
                (&shorter, false, false),
                (&vec![0], false, false),
                (&Vec::new(), false, false),
            ] {
                let taken = |curve: &Ecdh| curve.start().unwrap().complete(point).is_ok();
                assert_eq!(taken(strict), by_3, "{:?} {point:?}", strict.name);
                assert_eq!(taken(lenient), by_1_1_1, "{:?} {point:?}", strict.name);
            }
        }
    }
}
