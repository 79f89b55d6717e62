//! What an enumeration found: every version, suite and group, and what follows from them.

use schemars::JsonSchema;
use serde::Serialize;

use super::Severity;
use crate::emulates::OpenSsl;

/// Every version, suite and group that the server takes.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct EnumerationReport {
    /// How many connections it took.
    pub connections: usize,
    /// The most that it could have taken.
    pub max_connections: usize,
    /// How often the server had no room for a connection and was asked again later.
    pub turned_away: usize,
    /// Whether every question was answered.
    pub finished: bool,
    /// Why not.
    pub unfinished: Option<String>,
    /// SSL 3.0 to TLS 1.3, lowest first.
    pub versions: Vec<VersionReport>,
    /// What libpq would get with each TLS library, with the versions that the parameters allow.
    pub profiles: Vec<ProfileReport>,
    /// The certificates by the type of their key.
    pub keys: Vec<KeyReport>,
    /// The finite fields of DHE.
    pub dh: Vec<DhReport>,
    /// Whether another certificate or suite comes without server_name; null if that was not asked.
    pub server_name_matters: Option<bool>,
    /// Whether the server refuses a needlessly low version that says so (TLS_FALLBACK_SCSV,
    /// RFC 7507); null if that was not asked or not answered.
    pub fallback_refused: Option<bool>,
    /// How many session tickets came with a whole handshake of TLS 1.3.
    pub tls_1_3_tickets: Option<u32>,
    /// What is known to be weak, and whether this server has it.
    pub checks: Vec<Check>,
    /// Who terminates the TLS.
    pub front_end: FrontEndReport,
}

/// One protocol version.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct VersionReport {
    /// `SSLv3` to `TLSv1.3`.
    pub protocol_version: String,
    /// Whether the server speaks it.
    pub state: VersionState,
    /// How it refused, or why it is not known.
    pub reason: Option<String>,
    /// The suites, in the order in which the server takes them.
    pub cipher_suites: Vec<SuiteReport>,
    /// Whether these are all; with false there may be more.
    pub cipher_suites_complete: bool,
    /// Who decides the order of the suites; null if there are not two, or it is not known.
    pub cipher_suite_order: Option<OrderReport>,
    /// IANA names of the groups, in the order in which the server takes them; below TLS 1.3 they are
    /// asked for in the highest version only.
    pub groups: Vec<String>,
    /// Whether these are all; with false there may be more.
    pub groups_complete: bool,
    /// Who decides the order of the groups; null if there are not two, or it is not known.
    pub group_order: Option<OrderReport>,
    /// IANA names of the schemes of the server's signature, in TLS 1.2 and 1.3.
    pub signature_schemes: Vec<String>,
    /// Whether these are all; with false there may be more.
    pub signature_schemes_complete: bool,
    /// What the server's hello says beside the choice.
    pub extensions: ExtensionsReport,
}

/// Whether a server speaks a version.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// It does.
    Accepted,
    /// It does not.
    Refused,
    /// It could not be found out.
    Unknown,
}

/// One cipher suite.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct SuiteReport {
    /// The code point, such as `0xc030`.
    pub code: String,
    /// IANA's name; of one that IANA never registered, the name it was used under.
    pub name: String,
    /// OpenSSL's name; null if it never had the suite.
    pub openssl: Option<String>,
    /// `ECDHE`, `DHE`, `RSA` and so on; `any` in TLS 1.3.
    pub key_exchange: String,
    /// `RSA`, `ECDSA`, `none` and so on; `any` in TLS 1.3.
    pub authentication: String,
    /// The cipher, such as `AES_256_GCM`.
    pub encryption: String,
    /// Its strength in bits, as OpenSSL counts.
    pub bits: u16,
    /// IANA name of the group that came with it when all were offered, or were left.
    pub group: Option<String>,
    /// Bits of the prime that came with it.
    pub dh_bits: Option<usize>,
}

/// Who decides which of several things that both sides have is taken.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderReport {
    /// The server goes by its own order.
    Server,
    /// It takes the first of the client's that it has.
    Client,
    /// Neither order explains its answers.
    Neither,
}

/// What the ServerHellos of a version say; null where the version has no such thing or keeps it
/// encrypted.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Serialize)]
pub struct ExtensionsReport {
    /// renegotiation_info (RFC 5746).
    pub renegotiation_info: Option<bool>,
    /// extended_master_secret (RFC 7627).
    pub extended_master_secret: Option<bool>,
    /// encrypt_then_mac (RFC 7366).
    pub encrypt_then_mac: Option<bool>,
    /// session_ticket (RFC 5077).
    pub session_ticket: Option<bool>,
    /// A session id, so that the session could be resumed.
    pub session_id: Option<bool>,
    /// heartbeat (RFC 6520).
    pub heartbeat: Option<bool>,
    /// A compression method other than null (RFC 3749).
    pub compression: Option<bool>,
    /// A stapled OCSP response (RFC 6066).
    pub ocsp_stapling: Option<bool>,
    /// signed_certificate_timestamp (RFC 6962).
    pub certificate_timestamps: Option<bool>,
    /// The protocol selected by ALPN (RFC 7301).
    pub alpn: Option<String>,
    /// The point formats that it lists (RFC 8422), by their numbers.
    pub point_formats: Vec<u8>,
    /// The downgrade sentinel (RFC 8446 section 4.1.3): the highest version that the server really
    /// has is above this one.
    pub downgrade_sentinel: Option<bool>,
}

/// What libpq would get with one TLS library.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct ProfileReport {
    /// The TLS library.
    pub openssl: OpenSsl,
    /// Whether client and server come to terms.
    pub outcome: ProfileOutcome,
    /// `TLSv1.3` and so on.
    pub protocol_version: Option<String>,
    /// IANA's name of the suite.
    pub cipher_suite: Option<String>,
    /// OpenSSL's name of it.
    pub cipher_suite_openssl: Option<String>,
    /// The group, where client and server have only one in common.
    pub group: Option<String>,
    /// Why they do not, or why it is not known.
    pub reason: Option<String>,
}

/// Whether a client and the server come to terms on version, suite and group.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileOutcome {
    /// They do.
    Agrees,
    /// They do not: the handshake fails.
    Fails,
    /// The evidence does not tell.
    Undetermined,
}

/// A certificate of the server, by the type of its key.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct KeyReport {
    /// `RSA`, `EC prime256v1` and so on.
    pub key_type: String,
    /// Bits of the key.
    pub key_bits: Option<u32>,
    /// RFC 4514 form. Untrusted: escape before showing.
    pub subject: String,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
    /// The versions it came in; TLS 1.3 where a whole handshake was possible.
    pub protocol_versions: Vec<String>,
}

/// A finite field of DHE.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct DhReport {
    /// Bits of the prime.
    pub bits: usize,
    /// SHA-256 of the prime, big end first without leading zeros, hexadecimal.
    pub prime_sha256: String,
    /// Whose prime it is, where it is one that many servers share.
    pub known_as: Option<String>,
    /// The versions it came in.
    pub protocol_versions: Vec<String>,
}

/// One thing that is known to be weak.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Check {
    /// Its name, which says what is bad.
    pub name: String,
    /// How bad it would be.
    pub severity: Severity,
    /// Where it is written.
    pub citation: String,
    /// Whether this server has it.
    pub state: CheckState,
    /// What of the evidence says so. Untrusted: escape before showing.
    pub evidence: String,
}

/// Whether a server has a weakness.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It has.
    Present,
    /// It has not.
    Absent,
    /// The evidence does not tell.
    NotObserved,
}

/// Who terminates the TLS, as far as its answers tell.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct FrontEndReport {
    /// The conclusion.
    pub conclusion: FrontEnd,
    /// The product, by a rule of docs/front-ends.md; null if no rule fits.
    pub product: Option<String>,
    /// What speaks for it, in sentences.
    pub evidence: Vec<String>,
}

/// Who terminates the TLS.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FrontEnd {
    /// Nothing speaks against PostgreSQL itself.
    NoSign,
    /// A proxy, or a PostgreSQL older than its minor releases of 2021.
    ProxyOrOld,
    /// A proxy.
    Proxy,
    /// Too little was seen.
    NotObserved,
}
