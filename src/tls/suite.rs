//! The cipher suites below TLS 1.3 of OpenSSL's default list: what each is made of.
//!
//! `openssl ciphers -s -v DEFAULT` lists the same 27 in 1.1.1 and in 3.x at the security levels 1
//! and 2; 3DES, CCM, ARIA, Camellia, NULL, pre-shared and anonymous ones are not among them, so
//! libpq never completes one.

use super::digest::{Digest, Prf};
use super::{TLS_1_1, TLS_1_2};

/// How the premaster secret comes about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum KeyExchange {
    Rsa,
    Dhe,
    Ecdhe,
}

/// What the server's key must be of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Authentication {
    Rsa,
    Ecdsa,
}

/// How records are protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bulk {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
    Aes128Cbc(Digest),
    Aes256Cbc(Digest),
}

impl Bulk {
    /// Octets of MAC key, cipher key and IV in the key block (RFC 5246 section 6.3; for AEAD the
    /// fixed part of the nonce, RFC 5288 section 3, RFC 7905 section 2).
    pub(super) const fn lengths(self) -> (usize, usize, usize) {
        match self {
            Self::Aes128Gcm => (0, 16, 4),
            Self::Aes256Gcm => (0, 32, 4),
            Self::ChaCha20Poly1305 => (0, 32, 12),
            Self::Aes128Cbc(mac) => (mac.length(), 16, 16),
            Self::Aes256Cbc(mac) => (mac.length(), 32, 16),
        }
    }

    const fn is_cbc_with_sha1(self) -> bool {
        matches!(
            self,
            Self::Aes128Cbc(Digest::Sha1) | Self::Aes256Cbc(Digest::Sha1)
        )
    }

    pub(super) const fn is_cbc(self) -> bool {
        matches!(self, Self::Aes128Cbc(_) | Self::Aes256Cbc(_))
    }
}

/// A cipher suite.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Suite {
    code: u16,
    pub(super) key_exchange: KeyExchange,
    pub(super) authentication: Authentication,
    pub(super) bulk: Bulk,
    /// Of TLS 1.2's pseudorandom function.
    digest: Digest,
}

impl Suite {
    /// The suite of a code point, if it is in OpenSSL's default list below TLS 1.3.
    pub(super) fn of(code: u16) -> Option<Self> {
        SUITES.iter().find(|suite| suite.code == code).copied()
    }

    /// Whether the suite exists in a version: those with SHA-1 in all, the others in TLS 1.2.
    pub(super) const fn exists_in(self, version: u16) -> bool {
        version >= TLS_1_2 || self.bulk.is_cbc_with_sha1()
    }

    /// The pseudorandom function in a version.
    pub(super) const fn prf(self, version: u16) -> Prf {
        if version <= TLS_1_1 {
            Prf::Md5Sha1
        } else {
            Prf::Of(self.digest)
        }
    }
}

/// Whether a suite can be offered to servers that speak nothing newer than TLS 1.1.
pub fn exists_below_tls_1_2(code: u16) -> bool {
    Suite::of(code).is_some_and(|suite| suite.exists_in(TLS_1_1))
}

const fn suite(
    code: u16,
    key_exchange: KeyExchange,
    authentication: Authentication,
    bulk: Bulk,
    digest: Digest,
) -> Suite {
    Suite {
        code,
        key_exchange,
        authentication,
        bulk,
        digest,
    }
}

#[rustfmt::skip]
const SUITES: [Suite; 27] = {
    use Authentication::{Ecdsa, Rsa};
    use Bulk::{Aes128Cbc, Aes128Gcm, Aes256Cbc, Aes256Gcm, ChaCha20Poly1305};
    use Digest::{Sha1, Sha256, Sha384};
    use KeyExchange::{Dhe, Ecdhe, Rsa as Encrypted};
    [
        suite(0xc02c, Ecdhe, Ecdsa, Aes256Gcm, Sha384),
        suite(0xc030, Ecdhe, Rsa, Aes256Gcm, Sha384),
        suite(0x009f, Dhe, Rsa, Aes256Gcm, Sha384),
        suite(0xcca9, Ecdhe, Ecdsa, ChaCha20Poly1305, Sha256),
        suite(0xcca8, Ecdhe, Rsa, ChaCha20Poly1305, Sha256),
        suite(0xccaa, Dhe, Rsa, ChaCha20Poly1305, Sha256),
        suite(0xc02b, Ecdhe, Ecdsa, Aes128Gcm, Sha256),
        suite(0xc02f, Ecdhe, Rsa, Aes128Gcm, Sha256),
        suite(0x009e, Dhe, Rsa, Aes128Gcm, Sha256),
        suite(0xc024, Ecdhe, Ecdsa, Aes256Cbc(Sha384), Sha384),
        suite(0xc028, Ecdhe, Rsa, Aes256Cbc(Sha384), Sha384),
        suite(0x006b, Dhe, Rsa, Aes256Cbc(Sha256), Sha256),
        suite(0xc023, Ecdhe, Ecdsa, Aes128Cbc(Sha256), Sha256),
        suite(0xc027, Ecdhe, Rsa, Aes128Cbc(Sha256), Sha256),
        suite(0x0067, Dhe, Rsa, Aes128Cbc(Sha256), Sha256),
        suite(0xc00a, Ecdhe, Ecdsa, Aes256Cbc(Sha1), Sha256),
        suite(0xc014, Ecdhe, Rsa, Aes256Cbc(Sha1), Sha256),
        suite(0x0039, Dhe, Rsa, Aes256Cbc(Sha1), Sha256),
        suite(0xc009, Ecdhe, Ecdsa, Aes128Cbc(Sha1), Sha256),
        suite(0xc013, Ecdhe, Rsa, Aes128Cbc(Sha1), Sha256),
        suite(0x0033, Dhe, Rsa, Aes128Cbc(Sha1), Sha256),
        suite(0x009d, Encrypted, Rsa, Aes256Gcm, Sha384),
        suite(0x009c, Encrypted, Rsa, Aes128Gcm, Sha256),
        suite(0x003d, Encrypted, Rsa, Aes256Cbc(Sha256), Sha256),
        suite(0x003c, Encrypted, Rsa, Aes128Cbc(Sha256), Sha256),
        suite(0x0035, Encrypted, Rsa, Aes256Cbc(Sha1), Sha256),
        suite(0x002f, Encrypted, Rsa, Aes128Cbc(Sha1), Sha256),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tls::openssl;

    #[test]
    fn the_table_is_openssls_default_list_below_tls_1_3() {
        let offered = openssl::cipher_suites(TLS_1_2, TLS_1_2);
        let known: Vec<_> = SUITES.iter().map(|suite| suite.code).collect();
        assert_eq!(known, offered);
    }

    #[test]
    fn each_suite_is_what_its_name_says() {
        for suite in SUITES {
            let name = crate::wire::tls::names::suite_of(suite.code).unwrap().iana;
            let key_exchange = match suite.key_exchange {
                KeyExchange::Rsa => "TLS_RSA_WITH",
                KeyExchange::Dhe => "TLS_DHE_RSA_WITH",
                KeyExchange::Ecdhe if suite.authentication == Authentication::Rsa => {
                    "TLS_ECDHE_RSA_WITH"
                }
                KeyExchange::Ecdhe => "TLS_ECDHE_ECDSA_WITH",
            };
            let mac = |digest| match digest {
                Digest::Sha1 => "SHA",
                Digest::Sha384 => "SHA384",
                _ => "SHA256",
            };
            let rest = match suite.bulk {
                Bulk::Aes128Gcm => format!("AES_128_GCM_{}", mac(suite.digest)),
                Bulk::Aes256Gcm => format!("AES_256_GCM_{}", mac(suite.digest)),
                Bulk::ChaCha20Poly1305 => format!("CHACHA20_POLY1305_{}", mac(suite.digest)),
                Bulk::Aes128Cbc(digest) => format!("AES_128_CBC_{}", mac(digest)),
                Bulk::Aes256Cbc(digest) => format!("AES_256_CBC_{}", mac(digest)),
            };
            assert_eq!(name, format!("{key_exchange}_{rest}"));
            let only_new = rest.ends_with("SHA256") || rest.ends_with("SHA384");
            assert_eq!(exists_below_tls_1_2(suite.code), !only_new, "{name}");
        }
    }
}
