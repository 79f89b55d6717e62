//! Message digests.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};

use super::super::algorithm::Hash;

/// The digest of the parts one after another; `None`: not one that OpenSSL 3 computes by default.
pub(super) fn of(hash: Hash, parts: &[&[u8]]) -> Option<Vec<u8>> {
    fn with<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
        let mut digest = D::new();
        for part in parts {
            digest.update(part);
        }
        digest.finalize().to_vec()
    }
    Some(match hash {
        Hash::Md5 => with::<Md5>(parts),
        Hash::Sha1 => with::<Sha1>(parts),
        Hash::Sha224 => with::<Sha224>(parts),
        Hash::Sha256 => with::<Sha256>(parts),
        Hash::Sha384 => with::<Sha384>(parts),
        Hash::Sha512 => with::<Sha512>(parts),
        Hash::Sha3_224 => with::<Sha3_224>(parts),
        Hash::Sha3_256 => with::<Sha3_256>(parts),
        Hash::Sha3_384 => with::<Sha3_384>(parts),
        Hash::Sha3_512 => with::<Sha3_512>(parts),
        Hash::Md2 | Hash::Md4 | Hash::Mdc2 | Hash::Ripemd160 | Hash::Sha0 => return None,
    })
}
