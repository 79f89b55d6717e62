//! ECDSA with the pairs of curve and hash that aws-lc does not have, such as SHA-1 with P-384.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;

use super::rsa_verify::digest;
use super::{Hash, SignatureError, Verified};

/// Checks a signature, in DER, by the key's point.
pub(super) fn verify(
    curve: &str,
    hash: Hash,
    message: &[u8],
    signature: &[u8],
    point: &[u8],
) -> Verified {
    let unsupported =
        || SignatureError::Unsupported(format!("ECDSA with {curve} and {}", hash.name()));
    let digest = digest(hash, &[message]).ok_or_else(unsupported)?;
    let verified = match curve {
        "prime256v1" => {
            use p256::ecdsa::{Signature, VerifyingKey};
            let key = VerifyingKey::from_sec1_bytes(point);
            let signature = Signature::from_der(signature);
            matches!((key, signature), (Ok(key), Ok(signature))
                if key.verify_prehash(&number(digest, 32), &signature).is_ok())
        }
        "secp384r1" => {
            use p384::ecdsa::{Signature, VerifyingKey};
            let key = VerifyingKey::from_sec1_bytes(point);
            let signature = Signature::from_der(signature);
            matches!((key, signature), (Ok(key), Ok(signature))
                if key.verify_prehash(&number(digest, 48), &signature).is_ok())
        }
        "secp521r1" => {
            use p521::ecdsa::{Signature, VerifyingKey};
            let key = VerifyingKey::from_sec1_bytes(point);
            let signature = Signature::from_der(signature);
            matches!((key, signature), (Ok(key), Ok(signature))
                if key.verify_prehash(&number(digest, 66), &signature).is_ok())
        }
        _ => return Err(unsupported()),
    };
    if verified {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// The digest as the number that was signed, with the zeros before it that the curve has room for:
/// the crates refuse what is less than half as long. What is longer they cut (FIPS 186-5 section 6.4).
fn number(digest: Vec<u8>, length: usize) -> Vec<u8> {
    let mut number = vec![0; length.saturating_sub(digest.len())];
    number.extend(digest);
    number
}
