//! Opening encrypted keys: RFC 1421 headers as OpenSSL writes them, PKCS#5 and PKCS#12 schemes.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, KeyIvInit};
use des::cipher::generic_array::GenericArray;
use md5::{Digest, Md5};
use pkcs8::der::Decode as _;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::spki::AlgorithmIdentifierRef;
use sha1::Sha1;

use super::der::{DerError, OCTET_STRING, OID, Reader, SEQUENCE};
use crate::emulates::OpenSsl;

/// Above this a key would take longer to open than anybody waits for.
const MAX_ITERATIONS: u64 = 10_000_000;
/// OpenSSL's own bound for scrypt (`SCRYPT_MAX_MEM`).
const MAX_SCRYPT_MEMORY: u64 = 32 * 1024 * 1024;

/// Why a key stayed closed.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Closed {
    /// OpenSSL could not open it either; its reason.
    Refused(&'static str),
    /// OpenSSL would ask for a password.
    NoPassword,
    /// OpenSSL may be able to open it, we are not.
    Unknown(String),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
    TwoKeyTripleDes,
    Des,
}

impl Cipher {
    const fn key_length(self) -> usize {
        match self {
            Self::Aes128 | Self::TwoKeyTripleDes => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
            Self::Des => 8,
        }
    }

    const fn block_length(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            Self::TripleDes | Self::TwoKeyTripleDes | Self::Des => 8,
        }
    }

    /// Decrypt in CBC mode and take the padding off.
    fn open(self, key: &[u8], iv: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Closed> {
        fn cbc<C>(key: &[u8], iv: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Closed>
        where
            C: des::cipher::BlockCipher + BlockDecryptMut + des::cipher::KeyInit,
            cbc::Decryptor<C>: KeyIvInit + BlockDecryptMut,
        {
            cbc::Decryptor::<C>::new_from_slices(key, iv)
                .map_err(|_| Closed::Refused("unsupported"))?
                .decrypt_padded_vec_mut::<Pkcs7>(sealed)
                .map_err(|_| Closed::Refused("bad decrypt"))
        }
        if !sealed.len().is_multiple_of(self.block_length()) {
            return Err(Closed::Refused("wrong final block length"));
        }
        match self {
            Self::Aes128 => cbc::<aes::Aes128>(key, iv, sealed),
            Self::Aes192 => cbc::<aes::Aes192>(key, iv, sealed),
            Self::Aes256 => cbc::<aes::Aes256>(key, iv, sealed),
            Self::TripleDes => cbc::<des::TdesEde3>(key, iv, sealed),
            Self::TwoKeyTripleDes => cbc::<des::TdesEde2>(key, iv, sealed),
            Self::Des => cbc::<des::Des>(key, iv, sealed),
        }
    }
}

/// Single DES is in OpenSSL 3's legacy provider, which is not loaded by default.
fn single_des(openssl: OpenSsl) -> Result<Cipher, Closed> {
    match openssl {
        OpenSsl::V111 => Ok(Cipher::Des),
        OpenSsl::V3Level1 | OpenSsl::V3Level2 => Err(Closed::Refused("unsupported")),
    }
}

/// The body of a block with a header: `PEM_get_EVP_CIPHER_INFO`, then `PEM_do_header`.
pub(super) fn under_pem_header(
    header: &[u8],
    body: &[u8],
    password: Option<&[u8]>,
    openssl: OpenSsl,
) -> Result<Vec<u8>, Closed> {
    // OpenSSL 3 looks at a header only if it is longer than ten octets.
    if header.is_empty() || (openssl != OpenSsl::V111 && header.len() <= 10) {
        return Ok(body.to_vec());
    }
    let text = String::from_utf8_lossy(header);
    let rest = text
        .strip_prefix("Proc-Type:")
        .ok_or(Closed::Refused("not proc type"))?;
    let rest = rest
        .trim_start_matches([' ', '\t'])
        .strip_prefix("4,")
        .ok_or(Closed::Refused("PEM lib"))?;
    let rest = rest
        .trim_start_matches([' ', '\t'])
        .strip_prefix("ENCRYPTED")
        .filter(|rest| rest.starts_with([' ', '\t', '\r', '\n']))
        .ok_or(Closed::Refused("not encrypted"))?;
    let rest = rest
        .trim_start_matches([' ', '\t', '\r'])
        .strip_prefix('\n')
        .ok_or(Closed::Refused("short header"))?;
    let rest = rest
        .strip_prefix("DEK-Info:")
        .ok_or(Closed::Refused("not dek info"))?
        .trim_start_matches([' ', '\t']);
    let (name, iv) = rest
        .split_once([' ', '\t', ','])
        .ok_or(Closed::Refused("unsupported encryption"))?;
    let cipher = named_cipher(name)?;
    let iv = iv.trim_start_matches([' ', '\t', ',']);
    let iv = hexadecimal(iv, cipher.map_or(16, Cipher::block_length))
        .ok_or(Closed::Refused("bad iv chars"))?;
    let password = password.ok_or(Closed::NoPassword)?;
    let cipher = match cipher {
        Some(Cipher::Des) => single_des(openssl)?,
        Some(cipher) => cipher,
        None => return Err(Closed::Unknown(format!("encrypted with {name}"))),
    };
    let salt = iv.get(..8).unwrap_or(&iv);
    let key = bytes_to_key(password, salt, cipher.key_length());
    cipher.open(&key, &iv, body)
}

/// The cipher of that name; `None` for one that OpenSSL has and we have not.
fn named_cipher(name: &str) -> Result<Option<Cipher>, Closed> {
    const OTHERS: [&str; 8] = [
        "ARIA-",
        "CAMELLIA-",
        "SEED-",
        "SM4-",
        "AES-",
        "BF-",
        "CAST5-",
        "RC2-",
    ];
    let name = name.to_ascii_uppercase();
    Ok(Some(match name.as_str() {
        "AES-128-CBC" => Cipher::Aes128,
        "AES-192-CBC" => Cipher::Aes192,
        "AES-256-CBC" => Cipher::Aes256,
        "DES-EDE3-CBC" => Cipher::TripleDes,
        "DES-CBC" => Cipher::Des,
        _ if OTHERS.iter().any(|known| name.starts_with(known)) => return Ok(None),
        _ => return Err(Closed::Refused("unsupported encryption")),
    }))
}

fn hexadecimal(text: &str, octets: usize) -> Option<Vec<u8>> {
    let mut digits = text.chars();
    (0..octets)
        .map(|_| {
            let high = digits.next()?.to_digit(16)?;
            let low = digits.next()?.to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        })
        .collect()
}

/// `EVP_BytesToKey` with MD5 and one round.
fn bytes_to_key(password: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mut key: Vec<u8> = Vec::new();
    let mut last: Vec<u8> = Vec::new();
    while key.len() < length {
        last = Md5::new()
            .chain_update(&last)
            .chain_update(password)
            .chain_update(salt)
            .finalize()
            .to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

/// The inside of a PKCS#8 EncryptedPrivateKeyInfo (RFC 5958), or `None` if it is not one.
pub(super) fn encrypted_private_key_info(
    der: &[u8],
    password: Option<&[u8]>,
    openssl: OpenSsl,
) -> Option<Result<Vec<u8>, Closed>> {
    let mut outer = Reader::new(der).sequence().ok()?;
    let (tag, _, algorithm) = outer.any().ok()?;
    let sealed = outer.expect(OCTET_STRING).ok()?;
    if tag != SEQUENCE {
        return None;
    }
    let Some(password) = password else {
        return Some(Err(Closed::NoPassword));
    };
    Some(open_with_scheme(algorithm, password, sealed, openssl))
}

// Object identifiers, as the octets inside the tag.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
const HMAC_PREFIX: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
const AES_PREFIX: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
const DES_EDE3_CBC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
const DES_CBC: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x07];
const PKCS5_PREFIX: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];
const PKCS12_PREFIX: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];

const UNREADABLE: Closed = Closed::Refused("unsupported");

impl From<DerError> for Closed {
    fn from(_: DerError) -> Self {
        UNREADABLE
    }
}

fn open_with_scheme(
    algorithm: &[u8],
    password: &[u8],
    sealed: &[u8],
    openssl: OpenSsl,
) -> Result<Vec<u8>, Closed> {
    let mut fields = Reader::new(algorithm).sequence()?;
    let scheme = fields.expect(OID)?;
    if scheme == PBES2 {
        return pbes2(fields, algorithm, password, sealed, openssl);
    }
    if let Some(&[number]) = scheme.strip_prefix(PKCS5_PREFIX) {
        let (salt, iterations) = salt_and_iterations(fields)?;
        return match number {
            3 => {
                single_des(openssl)?;
                pbes1::<Md5>(password, salt, iterations, sealed)
            }
            10 => {
                single_des(openssl)?;
                pbes1::<Sha1>(password, salt, iterations, sealed)
            }
            _ => legacy(openssl, "PKCS#5 v1.5 encryption"),
        };
    }
    if let Some(&[number]) = scheme.strip_prefix(PKCS12_PREFIX) {
        let (salt, iterations) = salt_and_iterations(fields)?;
        let cipher = match number {
            3 => Cipher::TripleDes,
            4 => Cipher::TwoKeyTripleDes,
            _ => return legacy(openssl, "PKCS#12 encryption with RC2 or RC4"),
        };
        let key = pkcs12_kdf(1, password, salt, iterations, cipher.key_length());
        let iv = pkcs12_kdf(2, password, salt, iterations, cipher.block_length());
        return cipher.open(&key, &iv, sealed);
    }
    Err(UNREADABLE)
}

/// RC2, RC4 and their like: gone from OpenSSL 3 (legacy provider), still in 1.1.1.
fn legacy(openssl: OpenSsl, what: &str) -> Result<Vec<u8>, Closed> {
    match openssl {
        OpenSsl::V111 => Err(Closed::Unknown(what.to_owned())),
        OpenSsl::V3Level1 | OpenSsl::V3Level2 => Err(UNREADABLE),
    }
}

fn bounded(iterations: u64) -> Result<u32, Closed> {
    match u32::try_from(iterations) {
        Ok(0) => Err(UNREADABLE),
        Ok(count) if iterations <= MAX_ITERATIONS => Ok(count),
        _ => Err(Closed::Unknown(format!("{iterations} iterations"))),
    }
}

fn salt_and_iterations(mut fields: Reader<'_>) -> Result<(&[u8], u32), Closed> {
    let mut parameters = fields.sequence()?;
    let salt = parameters.expect(OCTET_STRING)?;
    Ok((salt, bounded(parameters.small()?)?))
}

/// PBES2 (RFC 8018 section 6.2).
fn pbes2(
    mut fields: Reader<'_>,
    algorithm: &[u8],
    password: &[u8],
    sealed: &[u8],
    openssl: OpenSsl,
) -> Result<Vec<u8>, Closed> {
    let mut parameters = fields.sequence()?;
    let mut kdf = parameters.sequence()?;
    let mut encryption = parameters.sequence()?;
    let cipher = match encryption.expect(OID)? {
        DES_EDE3_CBC => Cipher::TripleDes,
        DES_CBC => single_des(openssl)?,
        oid => match oid.strip_prefix(AES_PREFIX) {
            Some([2]) => Cipher::Aes128,
            Some([22]) => Cipher::Aes192,
            Some([42]) => Cipher::Aes256,
            _ => return Err(Closed::Unknown("a PBES2 cipher other than AES-CBC".into())),
        },
    };
    let iv = encryption.expect(OCTET_STRING)?;
    let kind = kdf.expect(OID)?;
    let mut kdf = kdf.sequence()?;
    let salt = kdf.expect(OCTET_STRING)?;
    let cost = kdf.small()?;
    if kind == SCRYPT {
        let block = kdf.small()?;
        let parallel = kdf.small()?;
        let memory = block
            .checked_mul(128)
            .and_then(|size| size.checked_mul(cost.checked_add(parallel)?.checked_add(2)?));
        if memory.is_none_or(|memory| memory > MAX_SCRYPT_MEMORY) {
            return Err(UNREADABLE);
        }
        return with_pkcs5(algorithm, password, sealed);
    }
    if kind != PBKDF2 {
        return Err(UNREADABLE);
    }
    let iterations = bounded(cost)?;
    let iterations = NonZeroU32::new(iterations).ok_or(UNREADABLE)?;
    if kdf.peek() == Some(super::der::INTEGER) {
        kdf.small()?;
    }
    let hash = match kdf.sequence() {
        Ok(mut prf) => match prf.expect(OID)?.strip_prefix(HMAC_PREFIX) {
            Some([7]) => pbkdf2::PBKDF2_HMAC_SHA1,
            Some([8]) => return with_pkcs5(algorithm, password, sealed),
            Some([9]) => pbkdf2::PBKDF2_HMAC_SHA256,
            Some([10]) => pbkdf2::PBKDF2_HMAC_SHA384,
            Some([11]) => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => {
                return Err(Closed::Unknown(
                    "a PBKDF2 function other than HMAC-SHA".into(),
                ));
            }
        },
        // The default of the ASN.1.
        Err(_) => pbkdf2::PBKDF2_HMAC_SHA1,
    };
    let mut key = vec![0; cipher.key_length()];
    pbkdf2::derive(hash, iterations, salt, password, &mut key);
    cipher.open(&key, iv, sealed)
}

/// What the pkcs5 crate knows and aws-lc-rs does not: scrypt, HMAC-SHA-224.
fn with_pkcs5(algorithm: &[u8], password: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Closed> {
    let algorithm = AlgorithmIdentifierRef::from_der(algorithm).map_err(|_| UNREADABLE)?;
    let scheme = EncryptionScheme::try_from(algorithm).map_err(|_| UNREADABLE)?;
    scheme
        .decrypt(password, sealed)
        .map_err(|_| Closed::Refused("bad decrypt"))
}

/// PBES1 (RFC 8018 section 6.1) with single DES.
fn pbes1<D: Digest>(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    sealed: &[u8],
) -> Result<Vec<u8>, Closed> {
    let mut derived = D::new()
        .chain_update(password)
        .chain_update(salt)
        .finalize();
    for _ in 1..iterations {
        derived = D::digest(&derived);
    }
    let (key, rest) = derived.split_at_checked(8).ok_or(UNREADABLE)?;
    let iv = rest.get(..8).ok_or(UNREADABLE)?;
    Cipher::Des.open(key, iv, sealed)
}

/// The key derivation of RFC 7292 appendix B.2 with SHA-1; `purpose` 1 is the key, 2 the IV.
fn pkcs12_kdf(
    purpose: u8,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> Vec<u8> {
    const BLOCK: usize = 64;
    // The password as a BMPString with its terminator.
    let password: Vec<u8> = String::from_utf8_lossy(password)
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_be_bytes)
        .collect();
    let filled = |octets: &[u8]| -> Vec<u8> {
        let size = octets.len().div_ceil(BLOCK) * BLOCK;
        octets.iter().copied().cycle().take(size).collect()
    };
    let mut input = filled(salt);
    input.extend(filled(&password));
    let mut out = Vec::new();
    while out.len() < length {
        let mut block = Sha1::new()
            .chain_update([purpose; BLOCK])
            .chain_update(&input)
            .finalize();
        for _ in 1..iterations {
            block = Sha1::digest(block);
        }
        out.extend_from_slice(&block);
        // Each block of the input plus the (repeated) result plus one, as big numbers.
        let added: GenericArray<u8, _> = block;
        for chunk in input.chunks_mut(BLOCK) {
            let mut carry = 1u16;
            let repeated: Vec<u8> = added.iter().copied().cycle().take(BLOCK).collect();
            for (octet, &more) in chunk.iter_mut().zip(&repeated).rev() {
                let [high, low] = (u16::from(*octet) + u16::from(more) + carry).to_be_bytes();
                *octet = low;
                carry = u16::from(high);
            }
        }
    }
    out.truncate(length);
    out
}
