//! Every cipher suite of IANA's registry "TLS Cipher Suites" except GREASE, and what its name says.

use std::sync::LazyLock;

/// A cipher suite; what it is made of follows from its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CipherSuite {
    /// Code point.
    pub code: u16,
    /// IANA's name; of one that IANA never registered, the name in the draft or product it is from.
    pub name: &'static str,
    /// Whether IANA registered it.
    pub registered: bool,
    /// OpenSSL's name, if any release had it.
    pub openssl: Option<&'static str>,
    /// What stands before `_WITH_`, without `TLS_`; empty for the suites of TLS 1.3.
    keys: &'static str,
    /// What stands behind `_WITH_`; the whole name of a suite of TLS 1.3.
    cipher: &'static str,
}

/// The registry, by code point.
static REGISTRY: LazyLock<Vec<CipherSuite>> = LazyLock::new(|| {
    include_str!("cipher_suites.txt")
        .lines()
        .filter_map(parse)
        .collect()
});

fn parse(line: &'static str) -> Option<CipherSuite> {
    let mut words = line.split(' ');
    let code = u16::from_str_radix(words.next()?, 16).ok()?;
    let registered = match words.next()? {
        "=" => true,
        "~" => false,
        _ => return None,
    };
    let name = words.next()?;
    let (keys, cipher) = parts(name);
    Some(CipherSuite {
        code,
        name,
        registered,
        openssl: words.next().filter(|name| *name != "-"),
        keys,
        cipher,
    })
}

/// What stands before and behind `_WITH_`. Word by word: a search for text would cost more than all
/// the rest of an enumeration's offer.
fn parts(name: &'static str) -> (&'static str, &'static str) {
    const WITH: &str = "_WITH_";
    let at = name.bytes().enumerate().find_map(|(at, byte)| {
        let rest = (byte == b'_').then(|| name.get(at..)).flatten()?;
        rest.starts_with(WITH).then_some(at)
    });
    let split = at.and_then(|at| Some((name.get(..at)?, name.get(at + WITH.len()..)?)));
    match split {
        Some((keys, cipher)) => (keys.strip_prefix("TLS_").unwrap_or_default(), cipher),
        None => ("", name),
    }
}

/// All of them, by code point.
pub fn cipher_suites() -> &'static [CipherSuite] {
    &REGISTRY
}

/// The one with this code point.
pub fn cipher_suite(code: u16) -> Option<&'static CipherSuite> {
    let place = REGISTRY.binary_search_by_key(&code, |suite| suite.code);
    REGISTRY.get(place.ok()?)
}

/// How the key is agreed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyExchange {
    /// TLS 1.3 and the suites made like its: the suite does not say.
    Any,
    /// Encrypted to the certificate's RSA key.
    Rsa,
    /// Diffie-Hellman with the certificate's key.
    Dh,
    /// Ephemeral Diffie-Hellman.
    Dhe,
    /// Diffie-Hellman on the curve of the certificate's key.
    Ecdh,
    /// Ephemeral Diffie-Hellman on a curve.
    Ecdhe,
    /// Something else: PSK, SRP, Kerberos, GOST, ECCPWD.
    Other,
}

impl KeyExchange {
    /// Its usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Rsa => "RSA",
            Self::Dh => "DH",
            Self::Dhe => "DHE",
            Self::Ecdh => "ECDH",
            Self::Ecdhe => "ECDHE",
            Self::Other => "other",
        }
    }
}

impl CipherSuite {
    /// Whether it belongs to TLS 1.3 (RFC 8446 appendix B.4, RFC 8998, RFC 9150, RFC 9367).
    pub fn is_tls_1_3(&self) -> bool {
        matches!(self.code, 0x1301..=0x13ff | 0x00c6 | 0x00c7 | 0xc0b4 | 0xc0b5 | 0xc103..=0xc106)
    }

    /// The key exchange.
    pub fn key_exchange(&self) -> KeyExchange {
        if self.is_tls_1_3() {
            return KeyExchange::Any;
        }
        let keys = self.keys;
        if keys.contains("PSK") {
            return KeyExchange::Other;
        }
        match keys.split('_').next().unwrap_or_default() {
            "RSA" => KeyExchange::Rsa,
            // Anonymous Diffie-Hellman is ephemeral.
            "DH" | "ECDH" if keys.contains("anon") => match keys.starts_with('E') {
                true => KeyExchange::Ecdhe,
                false => KeyExchange::Dhe,
            },
            "DH" => KeyExchange::Dh,
            "DHE" => KeyExchange::Dhe,
            "ECDH" => KeyExchange::Ecdh,
            "ECDHE" => KeyExchange::Ecdhe,
            _ => KeyExchange::Other,
        }
    }

    /// What proves who the server is: `any`, `RSA`, `DSS`, `ECDSA`, `PSK`, `none` and so on.
    pub fn authentication(&self) -> &'static str {
        if self.is_tls_1_3() {
            return "any";
        }
        let keys = self.keys;
        let named = [
            "anon", "ECDSA", "DSS", "RSA", "PSK", "SRP", "KRB5", "ECCPWD", "GOST",
        ]
        .into_iter()
        .find(|name| keys.contains(name));
        match named {
            Some("anon") | None => "none",
            // A suite with a pre-shared key and RSA is authenticated by both.
            Some(name) => name,
        }
    }

    /// The cipher, such as `AES_256_GCM`, without the hash.
    pub fn encryption(&self) -> &'static str {
        let cipher = self.cipher;
        let cipher = cipher.strip_prefix("TLS_").unwrap_or(cipher);
        if matches!(self.code, 0xc0b4 | 0xc0b5) || cipher.starts_with("NULL") {
            return "NULL";
        }
        for hash in ["_SHA256", "_SHA384", "_SHA512", "_SHA", "_MD5", "_SM3"] {
            if let Some(without) = cipher.strip_suffix(hash) {
                return without;
            }
        }
        cipher
    }

    /// Whether a key that somebody else chose is enough to read it later: no forward secrecy.
    pub fn forward_secret(&self) -> bool {
        matches!(
            self.key_exchange(),
            KeyExchange::Any | KeyExchange::Dhe | KeyExchange::Ecdhe
        ) || self.keys.starts_with("DHE_PSK")
            || self.keys.starts_with("ECDHE_PSK")
            || self.keys.starts_with("PSK_DHE")
            || self.keys.starts_with("ECCPWD")
    }

    /// Whether it was weakened for the export rules of the 1990s.
    pub fn is_export(&self) -> bool {
        self.name.contains("EXPORT")
    }

    /// Whether nobody is authenticated.
    pub fn is_anonymous(&self) -> bool {
        !self.is_tls_1_3() && self.authentication() == "none"
    }

    /// Strength of the cipher in bits, as OpenSSL counts (`SSL_CIPHER_get_bits`).
    pub fn bits(&self) -> u16 {
        let cipher = self.encryption();
        if cipher == "NULL" {
            return 0;
        }
        let told = cipher.split('_').find_map(|word| match word {
            "40" | "DES40" => Some(40),
            "3DES" => Some(112),
            "DES" => Some(if cipher.ends_with("_40") { 40 } else { 56 }),
            "56" => Some(56),
            "256" | "CHACHA20" | "28147" | "KUZNYECHIK" | "MAGMA" => Some(256),
            _ => None,
        });
        told.unwrap_or(128)
    }

    /// Whether its blocks have 64 bits (SWEET32, RFC 9325 section 4.1).
    pub fn has_64_bit_blocks(&self) -> bool {
        let cipher = self.encryption();
        let ciphers = ["DES", "IDEA", "RC2", "28147", "MAGMA"];
        ciphers.iter().any(|name| cipher.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tls::names;

    #[test]
    fn each_line_of_the_table_is_a_suite_and_they_are_in_order() {
        let lines = include_str!("cipher_suites.txt").lines();
        let count = lines.filter(|line| !line.starts_with('#')).count();
        assert_eq!(cipher_suites().len(), count);
        assert!(cipher_suites().is_sorted_by(|a, b| a.code < b.code));
        assert!(
            cipher_suites()
                .iter()
                .filter(|suite| suite.registered)
                .count()
                >= 350
        );
    }

    #[test]
    fn no_grease_and_no_signalling_value_is_among_them() {
        for suite in cipher_suites() {
            let [high, low] = suite.code.to_be_bytes();
            assert!(!(high == low && low & 0x0f == 0x0a), "{}", suite.name);
            assert!(!matches!(suite.code, 0x00ff | 0x5600), "{}", suite.name);
        }
    }

    #[test]
    fn openssls_default_list_is_in_it_with_the_same_names_and_bits() {
        for suite in names::SUITES {
            let known = cipher_suite(suite.code).unwrap();
            assert_eq!(
                (known.name, known.openssl),
                (suite.iana, Some(suite.openssl))
            );
            assert_eq!(known.bits(), suite.bits, "{}", suite.iana);
        }
    }

    #[test]
    fn the_parts_of_a_name_are_read() {
        use KeyExchange as K;
        for (code, kx, auth, encryption, bits, forward) in [
            (0x0001, K::Rsa, "RSA", "NULL", 0, false),
            (0x0003, K::Rsa, "RSA", "RC4_40", 40, false),
            (0x000a, K::Rsa, "RSA", "3DES_EDE_CBC", 112, false),
            (0x0013, K::Dhe, "DSS", "3DES_EDE_CBC", 112, true),
            (0x0018, K::Dhe, "none", "RC4_128", 128, true),
            (0x0036, K::Dh, "DSS", "AES_256_CBC", 256, false),
            (0x009f, K::Dhe, "RSA", "AES_256_GCM", 256, true),
            (0x00a9, K::Other, "PSK", "AES_256_GCM", 256, false),
            (0x00ad, K::Other, "RSA", "AES_256_GCM", 256, false),
            (0x0062, K::Rsa, "RSA", "DES_CBC", 56, false),
            (0x1301, K::Any, "any", "AES_128_GCM", 128, true),
            (0xc0b4, K::Any, "any", "NULL", 0, true),
            (0xc004, K::Ecdh, "ECDSA", "AES_128_CBC", 128, false),
            (0xc02c, K::Ecdhe, "ECDSA", "AES_256_GCM", 256, true),
            (0xc018, K::Ecdhe, "none", "AES_128_CBC", 128, true),
            (0xc0a3, K::Dhe, "RSA", "AES_256_CCM_8", 256, true),
            (0xcca8, K::Ecdhe, "RSA", "CHACHA20_POLY1305", 256, true),
        ] {
            let suite = cipher_suite(code).unwrap();
            assert_eq!(
                (
                    suite.key_exchange(),
                    suite.authentication(),
                    suite.encryption(),
                    suite.bits(),
                    suite.forward_secret()
                ),
                (kx, auth, encryption, bits, forward),
                "{}",
                suite.name
            );
        }
    }
}
