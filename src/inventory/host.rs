//! What page and comparison keep of a record: a host in few, harmless words.

use std::cmp::Ordering;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::record::{Answer, Certificate, Record};
use super::shown;

/// libpq's modes, in its order.
pub const MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// More names than these of a certificate are counted, not listed.
const MOST_NAMES: usize = 30;

/// More certificates than these of a chain are left out.
const MOST_CERTIFICATES: usize = 10;

/// A host, as a scan saw it. All text is escaped and bounded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Host {
    /// What it is called in every scan.
    pub name: String,
    /// The tag of its line, if it had one.
    pub tag: String,
    /// The address that was spoken to.
    pub address: String,
    /// When, in seconds since 1970; 0 if not known.
    pub probed_at: i64,
    /// The contract's word for what became of it.
    pub status: String,
    /// Why there is no TLS.
    pub failure: String,
    /// `TLSv1.3` ...; empty if none was seen.
    pub protocol_version: String,
    /// OpenSSL's name.
    pub cipher_suite: String,
    /// The key exchange group.
    pub group: String,
    /// Whether the handshake was completed.
    pub completed: bool,
    /// The contract's word for the proof that the server has its key.
    pub key_possession: String,
    /// Whether a client certificate is asked for, and demanded.
    pub client_certificate: ClientCertificate,
    /// The verdict of each mode, in libpq's order; of a mode that the record lacks: empty words.
    pub modes: [Mode; 6],
    /// What pg_hba.conf does over TLS.
    pub tls_startup: Startup,
    /// What it does in plaintext.
    pub plaintext_startup: Startup,
    /// Sets of trust anchors and whether they verify the chain: `system: ok`.
    pub trust: Vec<String>,
    /// The chain, leaf first.
    pub certificates: Vec<Chained>,
}

/// What the server wants of a client certificate.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClientCertificate {
    /// Nothing, or it is not known.
    #[default]
    NotRequested,
    /// It asks for one.
    Requested,
    /// It does not go on without one.
    Demanded,
}

/// A verdict.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Mode {
    /// `connects`, `fails`, `undetermined`.
    pub outcome: String,
    /// Whether by TLS, where it connects.
    pub encrypted: Option<bool>,
    /// `accepted`, `refused`, `not used`, `unknown`.
    pub tls: String,
    /// libpq's error or what the evidence lacks.
    pub why: String,
    /// The class of the error.
    pub code: String,
}

/// What pg_hba.conf does on a transport.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Startup {
    /// It was not asked, or gave no answer.
    #[default]
    NotKnown,
    /// It lets the client in or asks for credentials, this kind.
    Open(String),
    /// It refuses.
    Refused,
}

/// A certificate of the chain.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Chained {
    /// Subject, or its names where it has no subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// Whether it signed itself.
    pub self_signed: bool,
    /// Serial number.
    pub serial: String,
    /// Subject alternative names; the common names where there are none.
    pub names: String,
    /// Seconds since 1970.
    pub not_before: Option<i64>,
    /// Seconds since 1970.
    pub not_after: Option<i64>,
    /// `RSA 2048`, `EC prime256v1`.
    pub key: String,
    /// Kind of key alone.
    pub key_type: String,
    /// Its size.
    pub key_bits: Option<u64>,
    /// How it is signed.
    pub signature_algorithm: String,
    /// SHA-256 of it, hexadecimal.
    pub sha256: String,
}

impl From<&Record> for Host {
    fn from(record: &Record) -> Self {
        let host = record.host();
        let tls = record.tls.as_ref();
        let startup = host.map(|host| &host.startup);
        Self {
            name: shown(record.name()),
            tag: (record.scan.as_ref())
                .and_then(|scan| scan.tag.as_deref())
                .map(shown)
                .unwrap_or_default(),
            address: host
                .and_then(|host| {
                    let mut addresses = host.addresses.iter();
                    let connected = addresses.find(|one| one.connected == Some(true));
                    connected.or_else(|| host.addresses.first())
                })
                .map(|one| shown(&one.address))
                .unwrap_or_default(),
            probed_at: seconds(&record.probed_at).unwrap_or_default(),
            status: shown(&record.status),
            failure: host
                .and_then(|host| host.failure.as_deref())
                .map(shown)
                .unwrap_or_default(),
            protocol_version: optional(tls.and_then(|tls| tls.protocol_version.as_ref())),
            cipher_suite: optional(tls.and_then(|tls| {
                let registered = tls.cipher_suite.as_ref();
                tls.cipher_suite_openssl.as_ref().or(registered)
            })),
            group: optional(tls.and_then(|tls| tls.group.as_ref())),
            completed: tls.is_some_and(|tls| tls.completed),
            key_possession: tls
                .map(|tls| shown(&tls.key_possession))
                .unwrap_or_default(),
            client_certificate: match tls.map(|tls| &tls.client_certificate) {
                Some(one) if one.demanded == Some(true) => ClientCertificate::Demanded,
                Some(one) if one.requested => ClientCertificate::Requested,
                _ => ClientCertificate::NotRequested,
            },
            modes: MODES.map(|name| {
                let found = record.sslmodes.iter().find(|mode| mode.mode == name);
                found.map(Mode::from).unwrap_or_default()
            }),
            tls_startup: startup
                .map(|both| both.tls.as_ref().into())
                .unwrap_or_default(),
            plaintext_startup: startup
                .map(|both| both.plaintext.as_ref().into())
                .unwrap_or_default(),
            trust: tls
                .map(|tls| {
                    tls.chain
                        .iter()
                        .take(MOST_CERTIFICATES)
                        .map(|chain| {
                            let why = chain.message.as_deref().unwrap_or(&chain.status);
                            shown(&format!("{}: {why}", chain.anchors.replace('_', " ")))
                        })
                        .collect()
                })
                .unwrap_or_default(),
            certificates: record
                .certificates
                .iter()
                .take(MOST_CERTIFICATES)
                .map(Chained::from)
                .collect(),
        }
    }
}

impl From<&super::record::Mode> for Mode {
    fn from(mode: &super::record::Mode) -> Self {
        let message = mode.error.as_ref().map(|error| &error.message);
        Self {
            outcome: shown(&mode.outcome),
            encrypted: mode.encrypted,
            tls: shown(&mode.tls),
            why: optional(message.or(mode.reason.as_ref())),
            code: optional(mode.error.as_ref().map(|error| &error.code)),
        }
    }
}

impl From<Option<&Answer>> for Startup {
    fn from(answer: Option<&Answer>) -> Self {
        let Some(answer) = answer else {
            return Self::NotKnown;
        };
        match answer.answer.as_str() {
            "accepted" => Self::Open("no credentials".to_owned()),
            "asked" => Self::Open(match &answer.auth {
                Some(auth) => shown(auth),
                None => "credentials".to_owned(),
            }),
            "refused" => Self::Refused,
            _ => Self::NotKnown,
        }
    }
}

impl Startup {
    /// In words.
    pub fn words(&self) -> &str {
        match self {
            Self::NotKnown => "",
            Self::Open(auth) => auth,
            Self::Refused => "refused",
        }
    }
}

impl From<&Certificate> for Chained {
    fn from(certificate: &Certificate) -> Self {
        let names = match certificate.subject_alt_names.is_empty() {
            true => &certificate.common_names,
            false => &certificate.subject_alt_names,
        };
        let mut listed = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>();
        if names.len() > MOST_NAMES {
            listed.push(format!("and {} more", names.len() - MOST_NAMES));
        }
        let key_type = optional(certificate.key_type.as_ref());
        Self {
            subject: match certificate.subject.as_str() {
                "" => "(no subject)".to_owned(),
                subject => shown(subject),
            },
            issuer: shown(&certificate.issuer),
            self_signed: certificate.self_signed,
            serial: shown(&certificate.serial),
            names: shown(&listed.join(", ")),
            not_before: certificate.not_before.as_deref().and_then(seconds),
            not_after: certificate.not_after.as_deref().and_then(seconds),
            key: match certificate.key_bits {
                // A curve's name says its size.
                Some(bits) if !key_type.starts_with("EC") => format!("{key_type} {bits}"),
                _ => key_type.clone(),
            },
            key_type,
            key_bits: certificate.key_bits,
            signature_algorithm: optional(certificate.signature_algorithm.as_ref()),
            sha256: shown(&certificate.sha256),
        }
    }
}

impl Host {
    /// Whether something answered as PostgreSQL does; on a socket there is no TLS to answer about.
    pub fn answered(&self) -> bool {
        matches!(
            self.status.as_str(),
            "tls" | "no_tls" | "tls_failed" | "unix_socket"
        )
    }

    /// The certificate of the server itself.
    pub fn leaf(&self) -> Option<&Chained> {
        self.certificates.first()
    }

    /// When the first certificate of the chain expires, in seconds since 1970.
    pub fn expires(&self) -> Option<i64> {
        self.certificates
            .iter()
            .filter_map(|one| one.not_after)
            .min()
    }

    /// The verdict of a mode.
    pub fn mode(&self, name: &str) -> Option<&Mode> {
        let at = MODES.iter().position(|mode| *mode == name)?;
        self.modes.get(at).filter(|mode| !mode.outcome.is_empty())
    }

    /// Which of two records of the same target is the later one.
    pub fn by_time(&self, other: &Self) -> Ordering {
        self.probed_at.cmp(&other.probed_at)
    }
}

fn optional(text: Option<&String>) -> String {
    text.map(|text| shown(text)).unwrap_or_default()
}

/// A time of the contract, in seconds since 1970.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(time.unix_timestamp())
}

/// The day of a time, `2027-01-31`.
pub(super) fn day(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .map(|time| time.date().to_string())
        .unwrap_or_default()
}
