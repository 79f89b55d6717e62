//! RSA of any size, digest and salt, as OpenSSL verifies it (RFC 8017 8.1.2, 8.2.2).

use md5::Md5;
use rsa::BigUint;
use sha1::Sha1;
use sha2::Digest as _;

use super::super::algorithm::{Hash, PssParameters};
use super::super::public_key::rsa_components;
use super::{SignatureError, Verified, digest};

/// `OPENSSL_RSA_MAX_MODULUS_BITS`.
const MAX_MODULUS_BITS: usize = 16384;
/// `OPENSSL_RSA_SMALL_MODULUS_BITS`: above, the exponent may have `MAX_EXPONENT_BITS`.
const SMALL_MODULUS_BITS: usize = 3072;
/// `OPENSSL_RSA_MAX_PUBEXP_BITS`.
const MAX_EXPONENT_BITS: usize = 64;

/// RSASSA-PKCS1-v1_5.
pub(super) fn pkcs1(message: &[u8], signature: &[u8], hash: Hash, key: &[u8]) -> Verified {
    let prefix = digest_info(hash).ok_or_else(|| unsupported(hash))?;
    let digest = digest::of(hash, &[message]).ok_or_else(|| unsupported(hash))?;
    let (_, encoded) = public_operation(signature, key)?;
    padded_to(&encoded, &[prefix, &digest].concat())
}

/// RSASSA-PKCS1-v1_5 without a DigestInfo, over MD5 and SHA-1 (RFC 2246 section 7.4.3).
pub(super) fn md5_sha1(message: &[u8], signature: &[u8], key: &[u8]) -> Verified {
    let (_, encoded) = public_operation(signature, key)?;
    let (md5, sha1) = (Md5::digest(message), Sha1::digest(message));
    padded_to(&encoded, &[md5.as_slice(), sha1.as_slice()].concat())
}

/// Whether an encoded message is what it must end in, padded (RFC 8017 section 9.2).
fn padded_to(encoded: &[u8], tail: &[u8]) -> Verified {
    let padded = encoded
        .strip_prefix(&[0, 1])
        .and_then(|rest| rest.strip_suffix(tail))
        .and_then(|rest| rest.strip_suffix(&[0]))
        .is_some_and(|padding| padding.len() >= 8 && padding.iter().all(|octet| *octet == 0xff));
    if padded {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// RSASSA-PSS.
pub(super) fn pss(
    message: &[u8],
    signature: &[u8],
    parameters: PssParameters,
    key: &[u8],
) -> Verified {
    let PssParameters {
        hash,
        mask_hash,
        salt_length,
    } = parameters;
    let message_digest = digest::of(hash, &[message]).ok_or_else(|| unsupported(hash))?;
    digest::of(mask_hash, &[]).ok_or_else(|| unsupported(mask_hash))?;
    let (bits, encoded) = public_operation(signature, key)?;
    let matches = || -> Option<bool> {
        // The encoded message is one bit shorter than the modulus.
        let spare = (bits - 1) % 8;
        let encoded = if spare == 0 {
            encoded.strip_prefix(&[0])?
        } else {
            encoded.as_slice()
        };
        let top_mask = if spare == 0 {
            0xff
        } else {
            0xff >> (8 - spare)
        };
        let (first, _) = encoded.split_first()?;
        let rest = encoded.strip_suffix(&[0xbc])?;
        if first & !top_mask != 0 {
            return None;
        }
        let (masked, digest_in) = rest.split_at_checked(rest.len().checked_sub(hash.length())?)?;
        let mut data_block = masked.to_vec();
        mask(&mut data_block, digest_in, mask_hash)?;
        *data_block.first_mut()? &= top_mask;
        let (padding, salt) =
            data_block.split_at_checked(data_block.len().checked_sub(salt_length)?)?;
        let (one, zeros) = padding.split_last()?;
        if *one != 1 || zeros.iter().any(|octet| *octet != 0) {
            return None;
        }
        Some(digest::of(hash, &[&[0; 8], &message_digest, salt])? == digest_in)
    };
    if matches() == Some(true) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// The bits of the modulus, and the signature raised to the public exponent, as long as the
/// modulus.
fn public_operation(signature: &[u8], key: &[u8]) -> Result<(usize, Vec<u8>), SignatureError> {
    let (modulus, exponent) = rsa_components(key).ok_or(SignatureError::UnusableKey)?;
    let modulus = BigUint::from_bytes_be(modulus);
    let exponent = BigUint::from_bytes_be(exponent);
    let bits = modulus.bits();
    let signature_number = BigUint::from_bytes_be(signature);
    if bits > MAX_MODULUS_BITS
        || exponent >= modulus
        || bits > SMALL_MODULUS_BITS && exponent.bits() > MAX_EXPONENT_BITS
        || signature.len() != bits.div_ceil(8)
        || signature_number >= modulus
        // Montgomery multiplication needs an odd modulus.
        || modulus.to_bytes_be().last().is_none_or(|last| last % 2 == 0)
    {
        return Err(SignatureError::Mismatch);
    }
    let octets = signature_number.modpow(&exponent, &modulus).to_bytes_be();
    let mut encoded = vec![0; signature.len() - octets.len().min(signature.len())];
    encoded.extend_from_slice(&octets);
    Ok((bits, encoded))
}

/// MGF1 (RFC 8017 B.2.1), applied.
fn mask(data: &mut [u8], seed: &[u8], hash: Hash) -> Option<()> {
    for (counter, chunk) in (0_u32..).zip(data.chunks_mut(hash.length())) {
        let block = digest::of(hash, &[seed, &counter.to_be_bytes()])?;
        for (octet, mask) in chunk.iter_mut().zip(block) {
            *octet ^= mask;
        }
    }
    Some(())
}

fn unsupported(hash: Hash) -> SignatureError {
    SignatureError::Unsupported(format!("RSA with {}", hash.name()))
}

/// The DER of a DigestInfo before the digest (RFC 8017 9.2 note 1).
const fn digest_info(hash: Hash) -> Option<&'static [u8]> {
    Some(match hash {
        Hash::Md5 => &[
            0x30, 0x20, 0x30, 0x0c, 6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5, 5, 0, 4, 16,
        ],
        Hash::Sha1 => &[0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 14, 3, 2, 26, 5, 0, 4, 20],
        Hash::Sha224 => &[
            0x30, 0x2d, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4, 5, 0, 4, 28,
        ],
        Hash::Sha256 => &[
            0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 32,
        ],
        Hash::Sha384 => &[
            0x30, 0x41, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 48,
        ],
        Hash::Sha512 => &[
            0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 64,
        ],
        Hash::Sha3_224 => &[
            0x30, 0x2d, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 7, 5, 0, 4, 28,
        ],
        Hash::Sha3_256 => &[
            0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 8, 5, 0, 4, 32,
        ],
        Hash::Sha3_384 => &[
            0x30, 0x41, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 9, 5, 0, 4, 48,
        ],
        Hash::Sha3_512 => &[
            0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 10, 5, 0, 4, 64,
        ],
        _ => return None,
    })
}
