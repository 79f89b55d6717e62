//! X448 as a group, by the trait that `tls` takes its groups by.

use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::{NamedGroup, PeerMisbehaved};

use crate::curve448::x448::{LENGTH, public_key, x448};

/// The group.
#[derive(Debug)]
pub(super) struct X448;

struct Exchange {
    private: [u8; LENGTH],
    public: [u8; LENGTH],
}

impl SupportedKxGroup for X448 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, rustls::Error> {
        let mut private = [0; LENGTH];
        let random = aws_lc_rs::rand::SystemRandom::new();
        aws_lc_rs::rand::SecureRandom::fill(&random, &mut private)
            .map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
        let public = public_key(private);
        Ok(Box::new(Exchange { private, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X448
    }
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, rustls::Error> {
        let invalid = || rustls::Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
        let peer = peer.try_into().map_err(|_| invalid())?;
        let secret = x448(self.private, &peer);
        // RFC 8446 section 7.4.2: an all-zero result is refused.
        if secret == [0; LENGTH] {
            return Err(invalid());
        }
        Ok(SharedSecret::from(secret.as_slice()))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X448
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_get_the_same_secret() {
        let (one, other) = (X448.start().unwrap(), X448.start().unwrap());
        let (one_public, other_public) = (one.pub_key().to_vec(), other.pub_key().to_vec());
        let a = one.complete(&other_public).unwrap();
        let b = other.complete(&one_public).unwrap();
        assert_eq!(a.secret_bytes(), b.secret_bytes());
    }
}
