//! The files of TLS: which paths libpq uses. Mirrors the path choices in `initialize_SSL`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::resolution::cut;
use super::{Libpq, Parameters, SslCertMode};

/// Where trusted roots come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RootCertificates {
    /// OpenSSL's own store (`sslrootcert=system`, libpq 16).
    System {
        /// `SSL_CERT_FILE`, else the compiled file.
        file: String,
        /// `SSL_CERT_DIR`, else the compiled directory of hash-named files.
        directories: Vec<String>,
    },
    /// This file, if it exists.
    File(String),
    /// None is given and there is no home directory.
    None,
}

/// What a file is read for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Certificates, to be kept as bytes.
    Certificates,
    /// Revocation lists.
    RevocationLists,
    /// A directory of hash-named files.
    HashDirectory,
    /// A private key, of which only whether it loads is kept.
    PrivateKey,
}

/// A file that libpq reads for a TLS attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileNeed {
    /// The path as libpq uses it.
    pub path: String,
    /// What for.
    pub kind: FileKind,
}

impl Parameters {
    /// The file of trusted roots.
    pub fn sslrootcert(&self) -> RootCertificates {
        match self.file("sslrootcert", "root.crt") {
            Some(path) if path == "system" && self.libpq() >= Libpq::V16 => {
                let (file, directories) = self.common.system_store.clone();
                RootCertificates::System { file, directories }
            }
            Some(path) => RootCertificates::File(path),
            None => RootCertificates::None,
        }
    }

    /// OpenSSL's own store: its file and its directories of hash-named files.
    pub fn system_store(&self) -> (&str, &[String]) {
        (&self.common.system_store.0, &self.common.system_store.1)
    }

    /// The file of revocation lists: the default one only where `sslcrldir` is not given either.
    ///
    /// Looked at only beside a root *file*.
    pub fn sslcrl(&self) -> Option<String> {
        match self.non_empty("sslcrl") {
            Some(path) => Some(path.to_owned()),
            None if self.sslcrldir().is_some() => None,
            None => self.home_file("root.crl"),
        }
    }

    /// The directory of revocation lists.
    pub fn sslcrldir(&self) -> Option<String> {
        self.non_empty("sslcrldir").map(str::to_owned)
    }

    /// The client certificate's file.
    pub fn sslcert(&self) -> Option<String> {
        self.file("sslcert", "postgresql.crt")
    }

    /// The client key's file.
    pub fn sslkey(&self) -> Option<String> {
        self.file("sslkey", "postgresql.key")
    }

    fn file(&self, keyword: &str, default: &str) -> Option<String> {
        match self.non_empty(keyword) {
            Some(path) => Some(cut(path).to_owned()),
            None => self.home_file(default),
        }
    }

    fn home_file(&self, name: &str) -> Option<String> {
        let home = cut(self.common.home.as_deref()?);
        Some(cut(&format!("{home}/.postgresql/{name}")).to_owned())
    }
}

/// The files to read before `parameters` can be judged.
pub fn tls_attempt_files(parameters: &Parameters) -> Vec<FileNeed> {
    let mut needs = Vec::new();
    let mut need = |path: Option<String>, kind| {
        needs.extend(path.map(|path| FileNeed { path, kind }));
    };
    match parameters.sslrootcert() {
        RootCertificates::System { file, directories } => {
            need(Some(file), FileKind::Certificates);
            for directory in directories
                .into_iter()
                .filter(|directory| !directory.is_empty())
            {
                need(Some(directory), FileKind::HashDirectory);
            }
        }
        RootCertificates::File(path) => {
            need(Some(path), FileKind::Certificates);
            need(parameters.sslcrl(), FileKind::RevocationLists);
            need(parameters.sslcrldir(), FileKind::HashDirectory);
        }
        RootCertificates::None => {}
    }
    if parameters.sslcertmode() != SslCertMode::Disable {
        need(parameters.sslcert(), FileKind::Certificates);
        need(parameters.sslkey(), FileKind::PrivateKey);
    }
    needs
}
