//! What was seen of a target: evidence only, plain data that can be saved and replayed.
//!
//! Nothing here says `valid`, `expired`, `trusted` or `weak`; [`crate::assess`] does.

pub mod enumeration;

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::emulates::{Emulates, OpenSsl};
use crate::memo::Memo;
use crate::pki::Certificate;

/// The version of the saved form; a reader refuses any other.
pub const OBSERVATION_VERSION: u32 = 1;

/// All that one probe of one target has seen.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Observation {
    /// [`OBSERVATION_VERSION`].
    pub observation: u32,
    /// When the probe began, in seconds since 1970-01-01 00:00:00 UTC.
    pub observed_at: i64,
    /// What the client side looked like: parameters, environment, files.
    pub client: Client,
    /// The client that was emulated: its offer went out, and it loaded the client's key.
    pub emulates: Emulates,
    /// How much was asked.
    pub depth: Depth,
    /// The protocol version of the StartupMessage.
    pub protocol_version: u32,
    /// The parameters of the StartupMessage, in order.
    pub startup_parameters: Vec<(String, String)>,
    /// The whole time the probe was allowed, in milliseconds.
    pub deadline_ms: u64,
    /// The hosts of the list, in libpq's order; empty if nothing was sent.
    pub hosts: Vec<HostObservation>,
}

/// How much a probe costs the server.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// One connection: SSLRequest, the TLS handshake, an orderly close.
    Handshake,
    /// Two connections an address: the StartupMessage over TLS and in plaintext; a third without
    /// the client certificate where one is given, or with what OpenSSL 3.5 offers where the server
    /// found nothing to take.
    #[default]
    Startup,
    /// Also GSSENCRequest and direct TLS with and without ALPN: at most six connections.
    Full,
}

/// One host of the list.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HostObservation {
    /// The place in the list, from 0.
    pub index: usize,
    /// `host` as it was.
    pub host: Option<String>,
    /// `hostaddr` as it was.
    pub hostaddr: Option<String>,
    /// The port as it was.
    pub port: u16,
    /// The name resolution, or the numeric address as it was read.
    pub resolve: Step<Vec<IpAddr>>,
    /// The addresses in the order they were tried.
    pub addresses: Vec<AddressObservation>,
}

/// One address of a host.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AddressObservation {
    /// Where to.
    pub address: Endpoint,
    /// Whether TCP connected at the first connection.
    pub connect: Step<()>,
    /// What was asked of it, a connection each; the first is the one of `connect`.
    pub connections: Vec<Connection>,
    /// Every version, suite and group it takes, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enumeration: Option<Box<enumeration::Enumeration>>,
}

/// What a connection goes to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// An address and port.
    Tcp(SocketAddr),
    /// The path of a Unix socket; a leading `@` stands for the abstract namespace.
    Unix(String),
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(out),
            Self::Unix(path) => path.fmt(out),
        }
    }
}

/// Whether a step was done, and what came of it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step<T> {
    /// It was not needed, or an earlier step made it impossible.
    #[default]
    NotAttempted,
    /// It was done.
    Observed {
        /// What was seen.
        value: T,
        /// How long it took, in milliseconds.
        ms: f64,
    },
    /// It did not come to an end.
    Failed {
        /// Why.
        failure: Failure,
        /// After how long, in milliseconds.
        ms: f64,
    },
}

impl<T> Step<T> {
    /// What was seen, if it was.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Observed { value, .. } => Some(value),
            Self::NotAttempted | Self::Failed { .. } => None,
        }
    }

    /// Whether it was not done.
    pub fn is_not_attempted(&self) -> bool {
        matches!(self, Self::NotAttempted)
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed { failure, .. } => Some(failure),
            Self::NotAttempted | Self::Observed { .. } => None,
        }
    }

    /// How long it took, in milliseconds, if it was done at all.
    pub fn ms(&self) -> Option<f64> {
        match self {
            Self::NotAttempted => None,
            Self::Observed { ms, .. } | Self::Failed { ms, .. } => Some(*ms),
        }
    }
}

/// Why a step did not come to an end.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The name did not resolve; the resolver's words.
    Unresolved(String),
    /// ECONNREFUSED.
    Refused,
    /// Another error of connect(2), such as "No route to host".
    Unreachable(String),
    /// pgprobe's deadline passed first.
    Deadline,
    /// libpq's connect_timeout passed first.
    ConnectTimeout,
    /// End of file.
    Closed,
    /// ECONNRESET or EPIPE.
    Reset,
    /// A fatal TLS alert (RFC 8446 section 6), by its number.
    Alert(u8),
    /// Bytes that the protocol does not allow here.
    Protocol(String),
    /// The server breaks a rule of TLS that every OpenSSL enforces; the reason in OpenSSL's words.
    TlsRule(String),
    /// The TLS library cannot go on although another might.
    Unsupported(String),
    /// The server selected an ALPN protocol that was not offered.
    UnofferedAlpn,
    /// This machine lacks something: descriptors, ports, memory.
    Local(String),
}

/// What a connection was made for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// SSLRequest, TLS, and the StartupMessage over it: libpq's usual way.
    Negotiated,
    /// The StartupMessage in plaintext.
    Plaintext,
    /// As `Negotiated`, without the client certificate.
    WithoutClientCertificate,
    /// As `Negotiated` up to the end of the handshake, without server_name.
    WithoutServerName,
    /// As the first connection up to the end of the handshake, with what OpenSSL 3.5 offers.
    #[serde(rename = "newer_openssl")]
    NewerOpenSsl,
    /// TLS from the first byte with ALPN (`sslnegotiation=direct`).
    Direct,
    /// TLS from the first byte without ALPN.
    DirectWithoutAlpn,
    /// GSSENCRequest.
    Gssenc,
    /// A Unix socket: StartupMessage only, libpq never does TLS there.
    Socket,
}

/// One connection.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Connection {
    /// What for.
    pub purpose: Purpose,
    /// How long TCP took to connect, or why it did not.
    pub connect: Step<()>,
    /// The answer to SSLRequest or GSSENCRequest.
    pub negotiation: Step<NegotiationReply>,
    /// What the ClientHello offered, if one was sent.
    pub offer: Option<Offer>,
    /// The TLS handshake.
    pub handshake: Step<()>,
    /// What the handshake showed, also where it failed later.
    pub tls: Option<Handshake>,
    /// Whether `startup` went over TLS.
    pub startup_encrypted: bool,
    /// The answer to the StartupMessage.
    pub startup: Step<StartupReply>,
    /// What came after an AuthenticationOk: libpq has connected at ReadyForQuery, and not before.
    #[serde(default, skip_serializing_if = "Step::is_not_attempted")]
    pub session: Step<SessionStart>,
    /// What the server said of itself before ReadyForQuery.
    #[serde(default, skip_serializing_if = "ServerKind::is_unknown")]
    pub server_kind: ServerKind,
    /// The beginnings of the server's answers as they came, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
}

impl Connection {
    /// A connection of which nothing was seen yet.
    pub fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            connect: Step::NotAttempted,
            negotiation: Step::NotAttempted,
            offer: None,
            handshake: Step::NotAttempted,
            tls: None,
            startup_encrypted: false,
            startup: Step::NotAttempted,
            session: Step::NotAttempted,
            server_kind: ServerKind::default(),
            answers: Vec::new(),
        }
    }
}

impl Connection {
    /// Whether libpq's connect_timeout struck on it.
    pub fn is_timed_out(&self) -> bool {
        let failures = [
            self.connect.failure(),
            self.negotiation.failure(),
            self.handshake.failure(),
            self.startup.failure(),
            self.session.failure(),
        ];
        failures.contains(&Some(&Failure::ConnectTimeout))
    }
}

/// What a server was sent, and the first bytes of what it sent back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Answer {
    /// What was sent.
    pub to: Request,
    /// How many bytes came back: of a handshake all that came until its end, of what follows it
    /// the one message.
    pub length: usize,
    /// The first of them, [`Self::KEPT`] at most; after the handshake as they are inside TLS.
    #[serde(with = "base64_bytes")]
    pub bytes: Vec<u8>,
}

impl Answer {
    /// How many bytes of an answer are kept: a whole ServerHello, most of any error.
    pub const KEPT: usize = 192;

    /// Nothing came yet.
    pub fn new(to: Request) -> Self {
        Self {
            to,
            length: 0,
            bytes: Vec::new(),
        }
    }

    /// More of it came.
    pub fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        let room = Self::KEPT.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

/// What an answer is to.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// SSLRequest, or GSSENCRequest where the connection is for that.
    Negotiation,
    /// The ClientHello, and the rest of the handshake.
    ClientHello,
    /// The StartupMessage.
    StartupMessage,
}

/// The answer to SSLRequest or GSSENCRequest.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NegotiationReply {
    /// The first byte: `S`, `G`, `N`, `E` or another.
    pub byte: u8,
    /// How many bytes came in the same read after the first.
    pub trailing: usize,
}

/// What a ClientHello offered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Offer {
    /// Lowest protocol version, such as 0x0303.
    pub min_version: u16,
    /// Highest protocol version.
    pub max_version: u16,
    /// Cipher suites, in order.
    pub cipher_suites: Vec<u16>,
    /// Groups, in order.
    pub groups: Vec<u16>,
    /// Signature schemes, in order.
    pub signature_schemes: Vec<u16>,
    /// The protocol of the ALPN extension.
    pub alpn: Option<String>,
    /// The name of the server_name extension.
    pub sni: Option<String>,
    /// The name that libpq would have sent, also where `sni` could not be made the same.
    pub sni_wanted: Option<String>,
    /// Whether a client certificate stood ready.
    pub client_certificate: bool,
    /// The library whose rules the client followed.
    #[serde(default)]
    pub openssl: OpenSsl,
}

/// What a server did in a handshake that some releases of OpenSSL refuse and others do not.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Irregularity {
    /// An extension where it does not belong that OpenSSL knows since 3.2 (RFC 7250, RFC 8879).
    NewerExtension,
    /// ec_point_formats without the format of the certificate's key (RFC 8422 section 5.1.2).
    PointFormat,
    /// A cookie with which the second ClientHello is longer than a record.
    LongCookie,
}

/// What a handshake showed; fields stay `None` where it did not come so far.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Handshake {
    /// Such as 0x0304.
    pub protocol_version: Option<u16>,
    /// What not every release of OpenSSL takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub irregularities: Vec<Irregularity>,
    /// IANA code point.
    pub cipher_suite: Option<u16>,
    /// IANA code point of the key exchange group.
    pub group: Option<u16>,
    /// Bits of the prime of a finite-field Diffie-Hellman exchange below TLS 1.3.
    #[serde(default)]
    pub dh_bits: Option<u32>,
    /// Whether the server asked for another key share first.
    pub hello_retry_request: Option<bool>,
    /// The protocol that the server selected.
    pub alpn: Option<String>,
    /// Whether the ServerHello has renegotiation_info (RFC 5746); `None` in TLS 1.3.
    pub renegotiation_info: Option<bool>,
    /// The server's handshake signature: the proof that it has its certificate's private key.
    pub signature: Option<HandshakeSignature>,
    /// Whether the Finished message is that proof, as with RSA key exchange (RFC 5246 section
    /// 7.4.7.1): it verified.
    #[serde(default)]
    pub finished_proves_key: bool,
    /// The chain as sent, leaf first, each in DER.
    #[serde(with = "base64_list")]
    pub certificates: Vec<Vec<u8>>,
    /// The first of them as it was read for the handshake, for whoever would read it again.
    #[serde(skip)]
    pub leaf: Memo<Certificate>,
    /// The server's CertificateRequest.
    pub certificate_request: Option<CertificateRequest>,
    /// Whether our certificate went out in answer to it.
    pub client_certificate_sent: bool,
    /// How many TLS 1.3 session tickets came.
    pub tickets: u32,
    /// Whether the server stapled an OCSP response, which no libpq asks for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ocsp_stapled: bool,
}

impl Handshake {
    /// Whether the server took what it was offered: it has shown a certificate, or its choice without
    /// a HelloRetryRequest, which comes before a certificate is chosen (RFC 8446 section 4.1.1).
    pub fn has_chosen(&self) -> bool {
        let retried = self.hello_retry_request == Some(true);
        !self.certificates.is_empty() || (self.protocol_version.is_some() && !retried)
    }
}

/// The server's signature over the handshake, and what it signs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HandshakeSignature {
    /// IANA code point of the scheme; 0x0001, RFC 5246's pair of no hash and RSA, is the signature
    /// by RSA of MD5 and SHA-1 side by side in TLS 1.0 and 1.1.
    pub scheme: u16,
    /// The signed bytes (RFC 8446 section 4.4.3, RFC 5246 section 7.4.3).
    #[serde(with = "base64_bytes")]
    pub message: Vec<u8>,
    /// The signature; empty where only the scheme was seen.
    #[serde(with = "base64_bytes")]
    pub signature: Vec<u8>,
}

/// The server's request for a client certificate.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct CertificateRequest {
    /// Whether signature_algorithms_cert says how certificates must be signed (RFC 8446 section
    /// 4.2.3).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limits_certificates: bool,
    /// The DER names of the CAs that it lists.
    #[serde(with = "base64_list")]
    pub authorities: Vec<Vec<u8>>,
    /// The signature schemes that it accepts.
    pub signature_schemes: Vec<u16>,
}

/// The first message after a StartupMessage.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StartupReply {
    /// An Authentication* message.
    Authentication(Authentication),
    /// An ErrorResponse.
    Error(ServerError),
    /// NegotiateProtocolVersion, and the message after it.
    NegotiateProtocolVersion {
        /// The newest version that the server will speak, as it stands in the message.
        newest: u32,
        /// The protocol options that it does not know.
        unrecognized: Vec<String>,
        /// What came next; `None` if nothing did.
        then: Option<Box<StartupReply>>,
    },
    /// A message of another type, or one of these with a length that cannot be.
    Unexpected {
        /// The type byte.
        kind: u8,
        /// What is wrong with it.
        why: String,
    },
}

impl StartupReply {
    /// Whether it is AuthenticationOk, also after a NegotiateProtocolVersion.
    pub fn is_authentication_ok(&self) -> bool {
        match self {
            Self::Authentication(request) => request.code == 0,
            Self::NegotiateProtocolVersion { then, .. } => then
                .as_ref()
                .is_some_and(|then| then.is_authentication_ok()),
            Self::Error(_) | Self::Unexpected { .. } => false,
        }
    }
}

/// How a session begins after AuthenticationOk; ParameterStatus, BackendKeyData and notices that
/// come before are passed over.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStart {
    /// ReadyForQuery.
    Ready,
    /// An ErrorResponse: the role may not log in, there is no such database, and so on.
    Error(ServerError),
    /// A message of another type, or one with a length that cannot be.
    Unexpected {
        /// The type byte.
        kind: u8,
        /// What is wrong with it.
        why: String,
    },
}

/// What ParameterStatus tells of a server, from PostgreSQL 14 on.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ServerKind {
    /// `in_hot_standby`.
    pub in_hot_standby: Option<bool>,
    /// `default_transaction_read_only`.
    pub default_transaction_read_only: Option<bool>,
}

impl ServerKind {
    /// Whether it told nothing.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// An Authentication* message.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Authentication {
    /// The request's number: 0 for AuthenticationOk, 3 cleartext, 5 MD5, 7 GSS, 9 SSPI, 10 SASL.
    pub code: u32,
    /// The SASL mechanisms, in the server's order.
    pub mechanisms: Vec<String>,
}

/// The fields of an ErrorResponse that pgprobe uses; all are the server's words.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ServerError {
    /// `S`, in the server's language, as libpq shows it.
    pub severity: String,
    /// `C`.
    pub sqlstate: String,
    /// `M`.
    pub message: String,
    /// `D`.
    pub detail: Option<String>,
    /// `H`.
    pub hint: Option<String>,
    /// `R`.
    pub routine: Option<String>,
    /// The text without fields that servers older than 7.4 sent, or one cut short.
    pub old_style: bool,
}

/// A byte string as base64.
mod base64_bytes {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        BASE64_STANDARD.encode(bytes).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        BASE64_STANDARD
            .decode(String::deserialize(deserializer)?)
            .map_err(D::Error::custom)
    }
}

/// Lists of byte strings as base64, the only form JSON can hold.
mod base64_list {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        list: &[Vec<u8>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        list.iter()
            .map(|bytes| BASE64_STANDARD.encode(bytes))
            .collect::<Vec<_>>()
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        Vec::<String>::deserialize(deserializer)?
            .iter()
            .map(|text| BASE64_STANDARD.decode(text).map_err(D::Error::custom))
            .collect()
    }
}
