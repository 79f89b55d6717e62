//! The client's side of the evidence: what was typed, the environment, and the files libpq reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conninfo::{self, ConninfoError, HIDDEN, Keyword, Setting};
use crate::emulates::Libpq;

/// Everything libpq would take from this machine, gathered once and saved with an observation.
///
/// No secret is in it: passwords are `***` and of private keys only whether they load is known.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Client {
    /// The target as typed, its secrets hidden; empty if none was given.
    pub input: String,
    /// What each libpq reads in the target as typed.
    ///
    /// Kept beside `input` because that cannot be read again once its secrets are hidden.
    pub given: BTreeMap<Libpq, Given>,
    /// Keywords and values given as command line options: they win over the target.
    pub options: Vec<(String, String)>,
    /// The environment variables libpq looks at, those that exist.
    pub environment: BTreeMap<String, String>,
    /// The name of the effective user, for `user`.
    pub os_user: Option<String>,
    /// The home directory in the effective user's passwd entry, for when `HOME` is unset or empty.
    pub home_of_user: Option<String>,
    /// The effective user's number.
    pub effective_uid: u32,
    /// The files libpq would look at, by the path it would use.
    pub files: BTreeMap<String, FileFact>,
    /// The private keys among them, apart because one file can hold a certificate and its key.
    pub private_keys: BTreeMap<String, FileFact>,
    /// What the user expects the server to serve; nothing of libpq's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<ExpectedFile>,
    /// The client whose files these are as well: those of many targets are gathered once.
    #[schemars(skip)]
    #[serde(skip)]
    pub shared: Option<Arc<Client>>,
}

/// A file with the certificate that the server should serve, as on the server's disk.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ExpectedFile {
    /// The file as it was named.
    pub path: String,
    /// Its certificates in order, each in DER; at least one.
    pub certificates: Vec<Bytes>,
}

/// What one libpq reads in a target.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// Its settings in order.
    Settings(Vec<Setting>),
    /// Its refusal.
    Refused(ConninfoError),
}

impl Client {
    /// A client with `target` and options, secrets hidden, but no environment and no files yet.
    pub fn new(target: Option<&str>, options: &[(String, String)]) -> Self {
        let target = target.unwrap_or_default();
        let given = |libpq| match conninfo::parse_settings(target, libpq) {
            Ok(settings) => Given::Settings(settings.into_iter().map(hide).collect()),
            Err(error) => Given::Refused(error),
        };
        Self {
            input: conninfo::redact(target),
            given: Libpq::ALL
                .into_iter()
                .map(|libpq| (libpq, given(libpq)))
                .collect(),
            options: options
                .iter()
                .map(|(keyword, value)| (keyword.clone(), hide_value(keyword, value)))
                .collect(),
            ..Self::default()
        }
    }

    /// Adds an environment variable, its value hidden where it is a secret.
    pub fn set_environment(&mut self, name: &str, value: &str) {
        let keyword = conninfo::KEYWORDS
            .iter()
            .find(|keyword| keyword.environment == Some(name));
        let value = match keyword {
            Some(keyword) => hide_value(keyword.name, value),
            None => value.to_owned(),
        };
        self.environment.insert(name.to_owned(), value);
    }

    /// Whether libpq looks at the environment variable `name`.
    pub fn is_libpq_variable(name: &str) -> bool {
        const OTHERS: [&str; 6] = [
            "HOME",
            "PGREQUIRESSL",
            "PGSERVICEFILE",
            "PGSYSCONFDIR",
            "SSL_CERT_DIR",
            "SSL_CERT_FILE",
        ];
        OTHERS.contains(&name)
            || conninfo::KEYWORDS
                .iter()
                .any(|keyword| keyword.environment == Some(name))
    }

    /// The home directory. Mirrors `pqGetHomeDirectory`.
    pub fn home(&self) -> Option<&str> {
        match self.environment.get("HOME").map(String::as_str) {
            None | Some("") => self.home_of_user.as_deref(),
            home => home,
        }
    }

    /// What is known of the file at `path`; a file nobody gathered does not exist.
    pub fn file(&self, path: &str) -> &FileFact {
        let shared = || self.shared.as_ref()?.files.get(path);
        self.files
            .get(path)
            .or_else(shared)
            .unwrap_or(&NOT_GATHERED)
    }

    /// What is known of the private key at `path`.
    pub fn private_key(&self, path: &str) -> &FileFact {
        let shared = || self.shared.as_ref()?.private_keys.get(path);
        self.private_keys
            .get(path)
            .or_else(shared)
            .unwrap_or(&NOT_GATHERED)
    }
}

static NOT_GATHERED: FileFact = FileFact::Absent {
    errno: StatError::NotFound,
    error: String::new(),
};

fn hide(setting: Setting) -> Setting {
    let value = match setting.secret {
        true if Keyword::find(&setting.keyword).is_some_and(|keyword| !keyword.secret) => {
            HIDDEN.to_owned()
        }
        true => conninfo::hidden_value(&setting.keyword, &setting.value),
        false => setting.value,
    };
    Setting { value, ..setting }
}

fn hide_value(keyword: &str, value: &str) -> String {
    // No host has both; it is a URI's `user:password@host` in the wrong place.
    if keyword.starts_with("host") && value.contains(':') && value.contains('@') {
        return HIDDEN.to_owned();
    }
    match Keyword::find(keyword).is_none_or(|keyword| keyword.secret) {
        true => conninfo::hidden_value(keyword, value),
        false if conninfo::holds_secret(value) => HIDDEN.to_owned(),
        false => value.to_owned(),
    }
}

/// What is known of one file.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum FileFact {
    /// `stat` fails.
    Absent {
        /// How.
        errno: StatError,
        /// The system's words, "No such file or directory".
        error: String,
    },
    /// It is there, but opening or reading it fails.
    Unreadable {
        /// Its mode, owner and kind.
        #[serde(flatten)]
        stat: Stat,
        /// The system's words, "Permission denied".
        error: String,
    },
    /// It is there, and pgprobe did not read it to the end: what libpq makes of it is not known.
    NotRead {
        /// Its mode, owner and kind.
        #[serde(flatten)]
        stat: Stat,
        /// Why.
        why: String,
    },
    /// A directory; of its files those whose names are OpenSSL's hashes (`0a1b2c3d.0`, `.r0`).
    Directory {
        /// Its mode, owner and kind.
        #[serde(flatten)]
        stat: Stat,
        /// The files by name.
        entries: BTreeMap<String, Bytes>,
    },
    /// It can be read.
    Present {
        /// Its mode, owner and kind.
        #[serde(flatten)]
        stat: Stat,
        /// What is in it, up to the limit of what is read of a file.
        bytes: Bytes,
    },
    /// A private key, of which nothing is kept.
    PrivateKey {
        /// Its mode, owner and kind.
        #[serde(flatten)]
        stat: Stat,
        /// Whether it loads.
        load: KeyLoad,
    },
}

impl FileFact {
    /// Whether `stat` succeeds.
    pub fn exists(&self) -> bool {
        !matches!(self, Self::Absent { .. })
    }

    /// What `stat` says.
    pub fn stat(&self) -> Option<Stat> {
        match self {
            Self::Absent { .. } => None,
            Self::Unreadable { stat, .. }
            | Self::NotRead { stat, .. }
            | Self::Directory { stat, .. }
            | Self::Present { stat, .. }
            | Self::PrivateKey { stat, .. } => Some(*stat),
        }
    }
}

/// The part of `struct stat` that libpq looks at.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Stat {
    /// The permission bits, `0o600`.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// Whether it is a regular file.
    pub regular: bool,
}

/// How `stat` failed, as far as libpq cares.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatError {
    /// ENOENT.
    NotFound,
    /// ENOTDIR.
    NotADirectory,
    /// Any other, as EACCES.
    Other,
}

/// Whether a private key can be used with its certificate.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyLoad {
    /// It loads and matches the certificate.
    Loads,
    /// It does not; libpq's message.
    Fails(String),
    /// Nobody tried, because libpq would not.
    NotTried,
}

/// Bytes of a file, base64 in JSON.
#[derive(Clone, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(#[schemars(with = "String")] pub Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        STANDARD.encode(bytes.0)
    }
}

impl TryFrom<String> for Bytes {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_client_reads_the_same_without_its_secrets() {
        let options = [("sslpassword".to_owned(), "hunter2".to_owned())];
        for target in [
            "",
            "host=h password=hunter2",
            "host=h password=hunter2 hunter2",
            "postgres://u:hunter2@h/d?sslcertmode=allow",
            "postgres://u:%zzhunter2@h",
            "postgres://u:hun/ter2@h",
            "u:hunter2@h",
        ] {
            let mut client = Client::new(Some(target), &options);
            client.set_environment("PGPASSWORD", "hunter2");
            client.files.insert(
                "f".to_owned(),
                FileFact::Present {
                    stat: Stat::default(),
                    bytes: Bytes(vec![0, 255]),
                },
            );
            let saved = serde_json::to_string(&client).unwrap();
            assert!(
                !saved.contains("hunter2") && !saved.contains("ter2"),
                "{saved}"
            );
            assert_eq!(serde_json::from_str::<Client>(&saved).unwrap(), client);
        }
    }

    #[test]
    fn a_scram_key_is_judged_though_it_is_not_kept() {
        let good = "A".repeat(43) + "=";
        for (key, said) in [
            (&*good, None),
            ("AAAA", Some("invalid SCRAM client key length: 3")),
            ("***", Some("invalid SCRAM client key")),
            ("", Some("invalid SCRAM client key length: 0")),
        ] {
            let client = Client::new(Some(&format!("user=u scram_client_key='{key}'")), &[]);
            let parameters = crate::libpq::parameters::resolve(&client, Libpq::V18).unwrap();
            let mode = crate::libpq::parameters::SslMode::Prefer;
            let error = parameters.validate(mode).err().map(|error| error.message);
            assert_eq!(error.as_deref(), said);
        }
    }

    #[test]
    fn the_environment_is_only_what_libpq_looks_at() {
        for (name, wanted) in [
            ("PGHOST", true),
            ("PGPASSWORD", true),
            ("PGSERVICEFILE", true),
            ("SSL_CERT_DIR", true),
            ("HOME", true),
            ("PGDATA", false),
            ("PGSSLPASSWORD", false),
            ("PATH", false),
        ] {
            assert_eq!(Client::is_libpq_variable(name), wanted, "{name}");
        }
    }
}
