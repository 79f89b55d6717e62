//! Digests, HMAC (RFC 2104), the pseudorandom functions of TLS (RFC 5246 and 2246, section 5) and
//! HKDF (RFC 5869) as TLS 1.3 uses it.

use std::ops::Deref;
use std::sync::OnceLock;

use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384};

/// A digest of a cipher suite.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Digest {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

impl Digest {
    /// Octets of the longest result.
    const LONGEST: usize = 48;

    /// Octets of the result.
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// The digest of a message.
    pub(super) fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(message).to_vec(),
            Self::Sha1 => Sha1::digest(message).to_vec(),
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
        }
    }

    /// HMAC over the parts of a message.
    pub(super) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        fn of<M: Mac + hmac::digest::KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
            // HMAC takes keys of any length.
            let Ok(mut mac) = <M as Mac>::new_from_slice(key) else {
                return Vec::new();
            };
            for part in parts {
                mac.update(part);
            }
            mac.finalize().into_bytes().to_vec()
        }
        match self {
            Self::Md5 => of::<Hmac<Md5>>(key, parts),
            Self::Sha1 => of::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => of::<Hmac<Sha256>>(key, parts),
            Self::Sha384 => of::<Hmac<Sha384>>(key, parts),
        }
    }
}

/// Octets of a digest, or derived from one: at most as long as the longest digest.
#[derive(Clone, Copy)]
pub(super) struct Octets {
    octets: [u8; Digest::LONGEST],
    length: usize,
}

impl Octets {
    fn new(octets: &[u8]) -> Self {
        let mut new = Self {
            octets: [0; Digest::LONGEST],
            length: octets.len().min(Digest::LONGEST),
        };
        for (new, octet) in new.octets.iter_mut().zip(octets) {
            *new = *octet;
        }
        new
    }
}

impl Deref for Octets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or(&self.octets)
    }
}

/// A digest of the handshake messages so far, which can be looked at while more come.
pub(super) enum Running {
    /// Of the suites of TLS 1.3 these two.
    Sha256(Sha256),
    Sha384(Sha384),
}

impl Running {
    pub(super) fn update(&mut self, message: &[u8]) {
        match self {
            Self::Sha256(running) => running.update(message),
            Self::Sha384(running) => running.update(message),
        }
    }

    /// The digest of what came until now.
    pub(super) fn current(&self) -> Octets {
        match self {
            Self::Sha256(running) => Octets::new(&running.clone().finalize()),
            Self::Sha384(running) => Octets::new(&running.clone().finalize()),
        }
    }
}

/// A secret of TLS 1.3 as the key of HMAC, taken in once for all that is derived from it.
#[derive(Clone)]
pub(super) enum Secret {
    Sha256(Box<Hmac<Sha256>>),
    Sha384(Box<Hmac<Sha384>>),
}

/// A digest of the suites of TLS 1.3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hkdf {
    Sha256,
    Sha384,
}

impl Hkdf {
    /// The same digest for what else it does.
    pub(super) const fn digest(self) -> Digest {
        match self {
            Self::Sha256 => Digest::Sha256,
            Self::Sha384 => Digest::Sha384,
        }
    }

    /// Octets of the digest.
    pub(super) const fn length(self) -> usize {
        self.digest().length()
    }

    /// The digest of these messages and of those that will come.
    pub(super) fn running(self, messages: &[u8]) -> Running {
        match self {
            Self::Sha256 => Running::Sha256(Sha256::new_with_prefix(messages)),
            Self::Sha384 => Running::Sha384(Sha384::new_with_prefix(messages)),
        }
    }

    /// A secret of so many octets.
    pub(super) fn secret(self, octets: &[u8]) -> Secret {
        // HMAC takes keys of any length.
        match self {
            Self::Sha256 => Secret::Sha256(Box::new(hmac_of(octets))),
            Self::Sha384 => Secret::Sha384(Box::new(hmac_of(octets))),
        }
    }

    /// HKDF-Extract (RFC 5869 section 2.2).
    pub(super) fn extract(self, salt: &Secret, secret: &[u8]) -> Secret {
        self.secret(&salt.hmac(&[secret]))
    }

    /// What the handshake secret is salted with: the early secret of no pre-shared key, derived
    /// (RFC 8446 section 7.1); the same in every handshake.
    pub(super) fn early_salt(self) -> &'static Secret {
        static OF_SHA_256: OnceLock<Secret> = OnceLock::new();
        static OF_SHA_384: OnceLock<Secret> = OnceLock::new();
        let of = match self {
            Self::Sha256 => &OF_SHA_256,
            Self::Sha384 => &OF_SHA_384,
        };
        of.get_or_init(|| {
            let zeros = Octets::new(&[0; Digest::LONGEST][..self.length()]);
            self.derived(&self.extract(&self.secret(&[]), &zeros))
        })
    }

    /// The salt for the next stage of the key schedule.
    pub(super) fn derived(self, secret: &Secret) -> Secret {
        let nothing = self.running(&[]).current();
        self.secret(&secret.expand_label("derived", &nothing, self.length()))
    }
}

fn hmac_of<M: Mac + hmac::digest::KeyInit>(key: &[u8]) -> M {
    // It takes keys of any length.
    <M as Mac>::new_from_slice(key)
        .unwrap_or_else(|_| <M as Mac>::new(&hmac::digest::Key::<M>::default()))
}

impl Secret {
    /// HMAC over the parts of a message.
    pub(super) fn hmac(&self, parts: &[&[u8]]) -> Octets {
        fn of<M: Mac + Clone>(hmac: &M, parts: &[&[u8]]) -> Octets {
            let mut hmac = hmac.clone();
            for part in parts {
                hmac.update(part);
            }
            Octets::new(&hmac.finalize().into_bytes())
        }
        match self {
            Self::Sha256(hmac) => of(&**hmac, parts),
            Self::Sha384(hmac) => of(&**hmac, parts),
        }
    }

    /// HKDF-Expand-Label (RFC 8446 section 7.1) of at most one digest, which is all that TLS 1.3
    /// needs of it.
    pub(super) fn expand_label(&self, label: &str, context: &[u8], length: usize) -> Octets {
        let octet = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
        let octets = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        let mut expanded = self.hmac(&[
            &octets,
            &[octet(b"tls13 ".len() + label.len())],
            b"tls13 ",
            label.as_bytes(),
            &[octet(context.len())],
            context,
            &[1],
        ]);
        expanded.length = expanded.length.min(length);
        expanded
    }
}

/// The pseudorandom function that a version and suite settle on, and the digest of the handshake
/// that goes with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Prf {
    /// TLS 1.0 and 1.1: MD5 and SHA-1, one over the other.
    Md5Sha1,
    /// TLS 1.2: one digest.
    Of(Digest),
}

impl Prf {
    /// So many octets from a secret, a label and a seed in parts.
    pub(super) fn derive(
        self,
        secret: &[u8],
        label: &[u8],
        seed: &[&[u8]],
        length: usize,
    ) -> Vec<u8> {
        let seed = [&[label], seed].concat().concat();
        match self {
            Self::Of(digest) => expand(digest, secret, &seed, length),
            Self::Md5Sha1 => {
                // The halves share the middle octet of an odd secret.
                let half = secret.len().div_ceil(2);
                let first = secret.get(..half).unwrap_or_default();
                let second = secret.get(secret.len() - half..).unwrap_or_default();
                let mut octets = expand(Digest::Md5, first, &seed, length);
                let other = expand(Digest::Sha1, second, &seed, length);
                for (octet, other) in octets.iter_mut().zip(other) {
                    *octet ^= other;
                }
                octets
            }
        }
    }

    /// The digest of the handshake messages so far.
    pub(super) fn transcript_hash(self, messages: &[u8]) -> Vec<u8> {
        match self {
            Self::Of(digest) => digest.of(messages),
            Self::Md5Sha1 => [Digest::Md5.of(messages), Digest::Sha1.of(messages)].concat(),
        }
    }
}

/// P_hash.
fn expand(digest: Digest, secret: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let mut octets = Vec::with_capacity(length + digest.length());
    let mut a = digest.hmac(secret, &[seed]);
    while octets.len() < length {
        octets.extend(digest.hmac(secret, &[&a, seed]));
        a = digest.hmac(secret, &[&a]);
    }
    octets.truncate(length);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testing::hex;

    #[test]
    fn tls_1_2s_function_gives_the_published_vectors() {
        // https://mailarchive.ietf.org/arch/msg/tls/fzVCzk-z3FShgGJ6DOXqM1ydxms
        let sha256 = Prf::Of(Digest::Sha256).derive(
            &hex("9bbe436ba940f017b17652849a71db35"),
            b"test label",
            &[&hex("a0ba9f936cda311827a6f796ffd5198c")],
            100,
        );
        assert_eq!(
            sha256,
            hex(
                "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a\
                 6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab\
                 4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701\
                 87347b66"
            )
        );
        let sha384 = Prf::Of(Digest::Sha384).derive(
            &hex("b80b733d6ceefcdc71566ea48e5567df"),
            b"test label",
            &[&hex("cd665cf6a8447dd6ff8b27555edb7465")],
            148,
        );
        assert_eq!(
            sha384,
            hex(
                "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cd\
                 e9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd\
                 8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425\
                 9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee6\
                 91c8f3a26854308d5eaa3be85e0990703d73e56f"
            )
        );
    }

    #[test]
    fn hkdf_expand_label_gives_the_keys_of_the_published_trace() {
        // RFC 8448 section 3: the server's handshake traffic secret, its write key and IV.
        let secret = hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        let secret = Hkdf::Sha256.secret(&secret);
        let key = secret.expand_label("key", &[], 16);
        assert_eq!(*key, hex("3fce516009c21727d0f2e4e86ee403bc"));
        let iv = secret.expand_label("iv", &[], 12);
        assert_eq!(*iv, hex("5d313eb2671276ee13000b30"));
        // The same section: "derive secret for handshake".
        let salt = Hkdf::Sha256.early_salt();
        let published = hex("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba");
        let same = Hkdf::Sha256.secret(&published);
        assert_eq!(*salt.hmac(&[b"1"]), *same.hmac(&[b"1"]));
    }

    #[test]
    fn tls_1_0s_function_is_both_halves_over_each_other() {
        // The vector that circulates with the drafts of TLS 1.0's implementers.
        let octets = Prf::Md5Sha1.derive(&[0xab; 48], b"PRF Testvector", &[&[0xcd; 64]], 104);
        assert_eq!(
            octets,
            hex(
                "d3d4d1e349b5d515044666d51de32bab258cb521b6b053463e354832fd976754\
                 443bcf9a296519bc289abcbc1187e4ebd31e602353776c408aafb74cbc85eff6\
                 9255f9788faa184cbb957a9819d84a5d7eb006eb459d3ae8de9810454b8b2d8f\
                 1afbc655a8c9a013"
            )
        );
    }
}
