//! Whether the server's certificate is verified at all: the root file, from what `stat` says.

use crate::client::Client;
use crate::emulates::Libpq;
use crate::libpq::error::{ErrorCode, LibpqError};
use crate::libpq::parameters::{Parameters, RootCertificates, SslMode};

/// What a TLS start verifies the server's certificate with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TrustSource {
    /// OpenSSL's own store, which may be missing: then nothing is trusted.
    System {
        /// The file.
        file: String,
        /// The directories of hash-named files.
        directories: Vec<String>,
    },
    /// This file exists: it must load, in every mode.
    File(String),
    /// Nothing: every certificate is accepted.
    Unverified,
}

/// Mirrors the root certificate branches of `initialize_SSL`, less the loading of the file.
pub fn trust_source(
    client: &Client,
    parameters: &Parameters,
    mode: SslMode,
) -> Result<TrustSource, LibpqError> {
    let missing = match parameters.sslrootcert() {
        RootCertificates::System { file, directories } => {
            return Ok(TrustSource::System { file, directories });
        }
        RootCertificates::File(path) if client.file(&path).exists() => {
            return Ok(TrustSource::File(path));
        }
        RootCertificates::File(path) => format!("root certificate file \"{path}\" does not exist"),
        RootCertificates::None => {
            "could not get home directory to locate root certificate file".to_owned()
        }
    };
    if mode < SslMode::VerifyCa {
        return Ok(TrustSource::Unverified);
    }
    let advice = if parameters.libpq() >= Libpq::V16 {
        "Either provide the file, use the system's trusted roots with sslrootcert=system, or \
         change sslmode to disable server certificate verification."
    } else {
        "Either provide the file or change sslmode to disable server certificate verification."
    };
    Err(LibpqError::new(
        ErrorCode::RootCertMissing,
        format!("{missing}\n{advice}"),
    ))
}
