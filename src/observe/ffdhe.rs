//! The finite-field groups of RFC 7919, which OpenSSL 3 offers in TLS 1.3 too.
//!
//! Not in constant time: a probe's key lives for one handshake and protects no secret.

use num_bigint_dig::BigUint;
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::{self, FfdheGroup};
use rustls::{NamedGroup, PeerMisbehaved};

/// Octets of our exponent: twice the strength of the largest group (RFC 7919 section 5.2).
const EXPONENT: usize = 64;

/// A group.
#[derive(Debug)]
pub(super) struct Ffdhe(NamedGroup, FfdheGroup<'static>);

/// All of them.
pub(super) static FFDHE: [Ffdhe; 5] = [
    Ffdhe(NamedGroup::FFDHE2048, ffdhe_groups::FFDHE2048),
    Ffdhe(NamedGroup::FFDHE3072, ffdhe_groups::FFDHE3072),
    Ffdhe(NamedGroup::FFDHE4096, ffdhe_groups::FFDHE4096),
    Ffdhe(NamedGroup::FFDHE6144, ffdhe_groups::FFDHE6144),
    Ffdhe(NamedGroup::FFDHE8192, ffdhe_groups::FFDHE8192),
];

struct Exchange {
    name: NamedGroup,
    prime: BigUint,
    exponent: BigUint,
    public: Vec<u8>,
}

impl SupportedKxGroup for Ffdhe {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, rustls::Error> {
        let mut exponent = [0; EXPONENT];
        aws_lc_rs::rand::fill(&mut exponent).map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
        let (prime, generator) = (
            BigUint::from_bytes_be(self.1.p),
            BigUint::from_bytes_be(self.1.g),
        );
        let exponent = BigUint::from_bytes_be(&exponent);
        Ok(Box::new(Exchange {
            name: self.0,
            public: padded(&generator.modpow(&exponent, &prime), &prime),
            prime,
            exponent,
        }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        Some(self.1)
    }

    fn name(&self) -> NamedGroup {
        self.0
    }
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, rustls::Error> {
        let one = BigUint::from(1_u8);
        // Padded to the length of the prime, no more and no less (RFC 8446 section 4.2.8.1).
        if peer.len() != self.prime.bits().div_ceil(8) {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        let theirs = BigUint::from_bytes_be(peer);
        if theirs <= one || theirs >= &self.prime - one {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        let secret = theirs.modpow(&self.exponent, &self.prime);
        Ok(SharedSecret::from(padded(&secret, &self.prime)))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        self.name
    }
}

/// As long as the prime (RFC 8446 section 7.4.1).
fn padded(number: &BigUint, prime: &BigUint) -> Vec<u8> {
    let octets = number.to_bytes_be();
    let length = prime.bits().div_ceil(8);
    let mut padded = vec![0; length.saturating_sub(octets.len())];
    padded.extend(octets);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_get_the_same_secret_as_long_as_the_prime() {
        for group in &FFDHE {
            let (one, other) = (group.start().unwrap(), group.start().unwrap());
            let (one_public, other_public) = (one.pub_key().to_vec(), other.pub_key().to_vec());
            let a = one.complete(&other_public).unwrap();
            let b = other.complete(&one_public).unwrap();
            assert_eq!(a.secret_bytes(), b.secret_bytes());
            assert_eq!(a.secret_bytes().len(), group.1.p.len());
            for bad in [vec![0], vec![1], group.1.p.to_vec(), vec![0xff; 1025]] {
                assert!(group.start().unwrap().complete(&bad).is_err());
            }
        }
    }
}
