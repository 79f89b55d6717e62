//! Reads the file of `--expect-cert`.

use super::error::Error;
use super::gather::{file_fact, strip_private_keys};
use crate::client::{Bytes, ExpectedFile, FileFact};
use crate::pki::{Certificate, pem};

/// The certificates of a PEM file, or the one of a DER file; private keys in it are passed over.
pub(super) fn read(path: &str) -> Result<ExpectedFile, Error> {
    let wrong = |why: &str| Error::Certificate {
        path: crate::conninfo::redact(path),
        why: why.to_owned(),
    };
    let bytes = match file_fact(path) {
        FileFact::Present { bytes, .. } => bytes.0,
        FileFact::Absent { error, .. } | FileFact::Unreadable { error, .. } => {
            return Err(wrong(&error));
        }
        FileFact::NotRead { why, .. } => return Err(wrong(&why)),
        FileFact::Directory { .. } => return Err(wrong("Is a directory")),
        FileFact::PrivateKey { .. } => return Err(wrong("it is a private key")),
    };
    let single = Certificate::parse(&bytes);
    let found = if single.unparsed.is_none() {
        vec![single]
    } else {
        pem::certificates(&strip_private_keys(bytes)).map_err(|error| wrong(&error.to_string()))?
    };
    if found.is_empty() {
        return Err(wrong("no certificate found"));
    }
    Ok(ExpectedFile {
        path: path.to_owned(),
        certificates: found
            .into_iter()
            .map(|one| Bytes(one.der.clone()))
            .collect(),
    })
}
