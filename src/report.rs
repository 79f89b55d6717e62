//! What pgprobe says of one target: the JSON contract, and all that the renderers see.
//!
//! The schema in `docs/report.schema.json` is made from these types, `docs/json.md` from the
//! schema; later versions add fields and never change one.

pub mod enumeration;
mod finding;
pub mod line;
mod profile;
mod shared;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use crate::emulates::Emulates;
use crate::libpq::authentication::Auth;
use crate::libpq::error::LibpqError;
use crate::libpq::parameters::SslMode;
use crate::observation::{Answer, Depth, Purpose};
pub use finding::{Finding, Known, Severity, Suggestion};
pub use profile::{ProfileResult, RuleOutcome, RuleResult, RuleSource};
pub use shared::Shared;

/// The version of this contract.
pub const SCHEMA_VERSION: u32 = 1;

/// One target: an object of `--format json`.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Report {
    /// Version of this contract: 1.
    pub schema: u32,
    /// What was asked for.
    pub target: TargetReport,
    /// When the probe began, RFC 3339 in UTC.
    pub probed_at: String,
    /// The time that validity was judged at, RFC 3339 in UTC.
    pub judged_at: String,
    /// The client whose behaviour the verdicts state.
    pub emulates: Emulates,
    /// How much was asked of the server.
    pub depth: Depth,
    /// What became of the target, in one word: that of the host in `host_index`.
    pub status: Status,
    /// How many connections were opened or tried.
    pub connections: usize,
    /// The element of `hosts` that `tls` and `certificates` were taken from; null if none.
    pub host_index: Option<usize>,
    /// libpq's answer for each sslmode, over the whole host list, in libpq's order.
    pub sslmodes: Shared<Vec<Verdict>>,
    /// The server's TLS; null if none was seen.
    pub tls: Option<Shared<TlsReport>>,
    /// The chain as sent, leaf first.
    pub certificates: Vec<Shared<CertificateReport>>,
    /// Whether it is the one of the file that `--expect-cert` named; null without that option.
    pub expected_certificate: Option<ExpectedCertificate>,
    /// The hosts of the list, in libpq's order.
    pub hosts: Vec<HostReport>,
    /// What the reader should know beside the answers, in sentences.
    pub notes: Vec<String>,
    /// What `pgprobe scan` adds; null in other reports.
    pub scan: Option<ScanReport>,
}

impl Report {
    /// Keeps the JSON of what stands several times in it, or in others, for [`crate::render::json`].
    pub(crate) fn keep_json(&self) {
        let tls = self.hosts.iter().filter_map(|host| host.tls.as_ref());
        for tls in tls.chain(&self.tls) {
            tls.offer.iter().for_each(Shared::keep_json);
            tls.keep_json();
        }
        let certificates = self.hosts.iter().flat_map(|host| &host.certificates);
        for certificate in certificates.chain(&self.certificates) {
            certificate.keep_json();
        }
        self.sslmodes.keep_json();
    }

    /// Whether libpq fails at SCRAM where this verdict of the whole target lets it connect; see
    /// [`HostReport::fails_at_scram`].
    pub fn fails_at_scram(&self, verdict: &Verdict) -> bool {
        let host = self.hosts.get(verdict.host_index.unwrap_or(0));
        host.is_some_and(|host| host.fails_at_scram(verdict))
    }
}

/// What a scan says of a record beside the report.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct ScanReport {
    /// The target in one form, `host:port` or a URI: a record's name, the same in every scan.
    pub target: String,
    /// How the scan got on with it.
    pub outcome: ScanOutcome,
    /// How often it was tried.
    pub tries: u32,
    /// How long all of it took, the waiting for its turn left out, in milliseconds.
    pub ms: f64,
    /// The file it stood in, `-` for standard input; null for an argument.
    pub file: Option<String>,
    /// The line it stood in, from 1; null for an argument.
    pub line: Option<u64>,
    /// The tag of a line of CSV (`ip,domain,tag,port`).
    pub tag: Option<String>,
    /// Whether it is one of the addresses of a network, and not named by itself.
    pub of_network: bool,
    /// Keywords of the line that were passed over, as a scan takes host, hostaddr, port, dbname
    /// and user from a line and nothing else.
    pub ignored: Vec<String>,
    /// The object of a line of JSON as it was; null for any other line.
    pub fields: Option<serde_json::Map<String, serde_json::Value>>,
}

/// How a scan got on with a target.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanOutcome {
    /// It was asked; `status` says what became of it.
    Probed,
    /// Its addresses are all excluded: nothing was sent.
    Excluded,
    /// This machine had no descriptors, ports or memory left, for longer than a scan waits.
    LocalError,
    /// A fault in pgprobe ended it; the report holds nothing.
    InternalError,
}

/// What was asked for.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct TargetReport {
    /// The target as typed; secrets are `***`.
    pub input: String,
    /// The user that the StartupMessage names.
    pub user: Option<String>,
    /// The database that the StartupMessage names.
    pub dbname: Option<String>,
    /// The sslmode that the user demanded, by the target, an option or the environment.
    pub sslmode: Option<SslMode>,
    /// What libpq says to the parameters whatever the mode, if it refuses them.
    pub error: Option<LibpqError>,
    /// What mends a target that libpq cannot read at all, in a sentence without a full stop; null
    /// where it can.
    pub hint: Option<String>,
}

/// What became of a target or host, in one word.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A TLS handshake was completed.
    Tls,
    /// The server answered `N` to SSLRequest.
    NoTls,
    /// TLS was begun and failed.
    TlsFailed,
    /// The server's answer is not one of PostgreSQL's.
    ProtocolError,
    /// The server closed or reset the connection before TLS.
    ConnectionClosed,
    /// No answer within pgprobe's deadline or libpq's connect_timeout.
    Timeout,
    /// TCP did not connect.
    ConnectFailed,
    /// The name has no address.
    NotResolved,
    /// It is a Unix socket: no TLS there.
    UnixSocket,
    /// Nothing was sent.
    NothingSent,
}

impl Report {
    /// The hosts of which it is not known what is wrong with them, for they have shown nothing; an
    /// address of a network at which nothing listens is no server.
    pub fn unobserved(&self) -> impl Iterator<Item = &HostReport> {
        let of_network = self.scan.as_ref().is_some_and(|scan| scan.of_network);
        let listens = |host: &HostReport| {
            let mut addresses = host.addresses.iter();
            addresses.any(|address| address.connected == Some(true))
        };
        let hosts = self.hosts.iter();
        hosts.filter(move |host| !host.status.is_observed() && (!of_network || listens(host)))
    }
}

impl Status {
    /// Whether the server has shown what it is: where not, that nothing was found says nothing.
    pub const fn is_observed(self) -> bool {
        match self {
            Self::Tls | Self::NoTls | Self::TlsFailed | Self::UnixSocket => true,
            Self::ProtocolError
            | Self::ConnectionClosed
            | Self::Timeout
            | Self::ConnectFailed
            | Self::NotResolved
            | Self::NothingSent => false,
        }
    }

    /// Its word in the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::NoTls => "no_tls",
            Self::TlsFailed => "tls_failed",
            Self::ProtocolError => "protocol_error",
            Self::ConnectionClosed => "connection_closed",
            Self::Timeout => "timeout",
            Self::ConnectFailed => "connect_failed",
            Self::NotResolved => "not_resolved",
            Self::UnixSocket => "unix_socket",
            Self::NothingSent => "nothing_sent",
        }
    }
}

/// libpq's answer for one sslmode.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Verdict {
    /// The sslmode.
    pub mode: SslMode,
    /// Whether libpq would reach the point where the server accepts it or asks for credentials.
    pub outcome: Outcome,
    /// Whether that connection is encrypted by TLS; null unless the outcome is `connects`.
    pub encrypted: Option<bool>,
    /// Whether libpq would take this server's TLS in this mode: protocol, chain, name.
    pub tls: TlsAnswer,
    /// What that TLS would prove to libpq.
    pub verifies: Verifies,
    /// Which element of `hosts` the answer came from; null if none was reached.
    pub host_index: Option<usize>,
    /// What the server asks for, where the outcome is `connects`.
    pub auth: Option<Auth>,
    /// The depth that would settle an `undetermined` outcome; null if no depth would.
    pub settled_by: Option<Depth>,
    /// Why the outcome is `undetermined`.
    pub reason: Option<String>,
    /// What libpq would try, in order.
    pub attempts: Vec<Attempt>,
    /// Why it fails.
    pub error: Option<LibpqError>,
}

/// Whether libpq gets in.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It reaches the point where the server accepts it or asks for credentials.
    Connects,
    /// It does not.
    Fails,
    /// The evidence does not tell.
    Undetermined,
}

/// Whether libpq takes the server's TLS.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub enum TlsAnswer {
    /// It does.
    #[serde(rename = "accepted")]
    Accepted,
    /// It does not, or the server offers none.
    #[serde(rename = "refused")]
    Refused,
    /// The mode never uses TLS.
    #[serde(rename = "not used")]
    NotUsed,
    /// The evidence does not tell.
    #[serde(rename = "unknown")]
    Unknown,
}

/// What an accepted TLS connection proves to libpq in a mode.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verifies {
    /// Nothing: whoever answers is taken.
    Nothing,
    /// The chain, because a root certificate file is there.
    Chain,
    /// The chain and the host name.
    ChainAndHostName,
}

/// One thing that libpq would try.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Attempt {
    /// The element of `hosts`.
    pub host_index: usize,
    /// The address, or the path of a Unix socket; null where there is none.
    pub address: Option<String>,
    /// How it would speak.
    pub transport: Transport,
    /// What it would do, in order: `connect`, `ssl_request`, `tls_handshake`,
    /// `verify_certificate`, `verify_host_name`, `startup`.
    pub steps: Vec<Step>,
    /// What it ended in.
    pub ended_in: Ending,
    /// libpq's message, where it failed.
    pub error: Option<LibpqError>,
}

/// How an attempt speaks to the server.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TLS after SSLRequest.
    Tls,
    /// TLS from the first byte.
    DirectTls,
    /// Plaintext over TCP.
    Plaintext,
    /// A Unix socket.
    UnixSocket,
    /// It did not come so far.
    #[default]
    None,
}

/// A step of an attempt.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Finding the address and connecting.
    Connect,
    /// SSLRequest and its answer.
    SslRequest,
    /// The TLS handshake.
    TlsHandshake,
    /// Checking the chain.
    VerifyCertificate,
    /// Checking the name.
    VerifyHostName,
    /// The StartupMessage and its answer.
    Startup,
}

/// What an attempt ended in.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The server accepted the client or asked for credentials.
    Reached,
    /// It failed and libpq tries the next encryption method.
    NextMethod,
    /// It failed and libpq tries the next address.
    NextAddress,
    /// It failed and libpq tries the next host.
    NextHost,
    /// It failed and libpq gives up.
    GivesUp,
    /// The evidence does not tell.
    Unknown,
}

/// One host of the list.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct HostReport {
    /// `host` as given; null if only hostaddr was.
    pub host: Option<String>,
    /// `hostaddr` as given.
    pub hostaddr: Option<String>,
    /// The port as given.
    pub port: String,
    /// What became of it.
    pub status: Status,
    /// Why, in words, where `status` is a failure.
    pub failure: Option<String>,
    /// The addresses in the order they were tried, then those that were not needed.
    pub addresses: Vec<AddressReport>,
    /// The answer to SSLRequest.
    pub ssl_request: Option<SslRequestReport>,
    /// What pg_hba.conf lets happen.
    pub startup: StartupReport,
    /// The server's TLS; null if none was seen.
    pub tls: Option<Shared<TlsReport>>,
    /// The chain as sent, leaf first.
    pub certificates: Vec<Shared<CertificateReport>>,
    /// libpq's answer for each sslmode if this host were the only one.
    pub sslmodes: Shared<Vec<Verdict>>,
    /// Direct TLS with ALPN (depth `full`).
    pub direct: Option<DirectReport>,
    /// Direct TLS without ALPN (depth `full`).
    pub direct_without_alpn: Option<DirectReport>,
    /// The handshake without server_name (`--compare-sni`); null without that option, and where
    /// libpq sends no name.
    pub without_server_name: Option<NamelessReport>,
    /// The answer to GSSENCRequest (depth `full`): `G`, `N`, `E` or another byte.
    pub gssenc_request: Option<String>,
    /// How long each step took.
    pub timings: Vec<Timing>,
    /// The first bytes of the server's answers; no part of the JSON.
    #[serde(skip)]
    pub answers: Vec<AnswerReport>,
    /// Why modes fail or protect less than they seem to, and what mends it; most urgent first.
    pub advice: Vec<Advice>,
    /// What is wrong with the server, the worst first; `pgprobe explain --list` has all lints.
    pub findings: Vec<Finding>,
    /// The lines of its configuration that would clear findings above `info`.
    pub suggestions: Vec<Suggestion>,
    /// How far it keeps to the profiles of `--profile`, in the order given.
    pub profiles: Vec<ProfileResult>,
    /// What clients other than libpq would refuse in this certificate, though libpq takes it.
    pub other_clients: Vec<OtherClient>,
    /// Every version, suite and group that it takes; null unless that was asked.
    pub enumeration: Option<enumeration::EnumerationReport>,
    /// Whether the server serves the certificate of the file that `--expect-cert` named; null
    /// without that option.
    pub expected_certificate: Option<ExpectedCertificate>,
}

impl HostReport {
    /// Whether libpq could hash the server's certificate for tls-server-end-point (RFC 5929, section
    /// 4.1): the digest is that of the certificate's signature, and EdDSA has none
    /// (`pgtls_get_peer_certificate_hash`).
    pub fn can_bind_channel(&self) -> bool {
        let leaf = self.certificates.first();
        !leaf.is_some_and(|leaf| matches!(&*leaf.signature_algorithm, "ED25519" | "ED448"))
    }

    /// Whether libpq, where this verdict lets it connect, fails at the server's SCRAM whatever the
    /// password.
    pub fn fails_at_scram(&self, verdict: &Verdict) -> bool {
        verdict.outcome == Outcome::Connects
            && verdict.auth == Some(Auth::ScramSha256Plus)
            && !self.can_bind_channel()
    }
}

/// How a failure begins that is a limit of pgprobe's and not the server's doing.
pub(crate) const UNSUPPORTED: &str = "not supported by pgprobe";

/// The beginning of an answer of the server's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AnswerReport {
    /// The connection that it came on.
    pub purpose: Purpose,
    /// The bytes, and to what they are the answer.
    pub answer: Answer,
}

/// The certificate of a file, as on the server's disk, beside the one that is served.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ExpectedCertificate {
    /// The file as it was named.
    pub file: String,
    /// What the comparison comes to.
    pub verdict: ExpectedVerdict,
    /// Whether both are for the same public key; null if none is served.
    pub same_key: Option<bool>,
    /// The first certificate of the file.
    pub expected: CertificateIdentity,
    /// The leaf that the server sends; null if none was seen.
    pub served: Option<CertificateIdentity>,
}

/// What the certificate of a file and the one that is served are to each other.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectedVerdict {
    /// The server serves it, and every other certificate of the file with it.
    Same,
    /// The server serves it, but not every other certificate of the file with it.
    OtherChain,
    /// The file has a newer certificate for the same subject, names or key: the server was not
    /// reloaded after the renewal.
    RenewedNotReloaded,
    /// The server serves a newer certificate for the same subject, names or key: the file is old.
    FileIsOlder,
    /// Another certificate of which neither can be said to be the renewal of the other.
    Other,
    /// No certificate was seen.
    NotSeen,
}

/// What tells a certificate from another.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct CertificateIdentity {
    /// RFC 4514 form. Untrusted: escape before showing.
    pub subject: String,
    /// Hexadecimal with sign, as `openssl x509 -serial` prints it.
    pub serial: String,
    /// RFC 3339; null if the time is malformed.
    pub not_before: Option<String>,
    /// RFC 3339; null if the time is malformed.
    pub not_after: Option<String>,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
}

/// One thing that the reader should understand, and what to do about it.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Advice {
    /// Which situation it is.
    pub about: AdviceKind,
    /// The modes it explains, in libpq's order; empty where it concerns the server as a whole.
    pub modes: Vec<SslMode>,
    /// Why, in a sentence without a full stop. The server's words in it are untrusted.
    pub why: String,
    /// What mends it: each by itself, the best first; may be empty.
    pub fixes: Vec<Fix>,
}

/// Which situation an advice is about.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdviceKind {
    /// libpq would give up TLS and go on in plaintext.
    PlaintextFallback,
    /// The server, or somebody on the way, answers `N` to SSLRequest.
    TlsOff,
    /// The root certificate file that the mode needs does not exist.
    RootFileMissing,
    /// The root certificate file is there and cannot be used.
    RootFileUnreadable,
    /// The server's certificate signed itself and is not among the roots.
    SelfSigned,
    /// A CA of the chain is neither sent nor among the roots.
    IssuerUnknown,
    /// The roots end in an intermediate CA, which OpenSSL does not take for a root.
    IntermediateAsRoot,
    /// The roots have a CA of the right name with another key.
    CaKeyDiffers,
    /// The server does not send an intermediate CA; it works only where the client has it.
    ChainIncomplete,
    /// `sslrootcert=system` does not do here, or not as the user thinks.
    SystemRoots,
    /// A certificate of the chain has expired.
    CertificateExpired,
    /// A certificate of the chain is not valid yet.
    CertificateNotYetValid,
    /// A revocation list names a certificate of the chain.
    CertificateRevoked,
    /// A revocation list that libpq would need is missing, out of date or of another CA.
    RevocationListUnusable,
    /// A key is too small for the TLS library's security level.
    KeyTooWeak,
    /// A signature's digest is too weak for the TLS library's security level.
    DigestTooWeak,
    /// A certificate of the chain is not made for its purpose.
    CertificateUnsuitable,
    /// The certificate is for another name.
    HostNameMismatch,
    /// There is no host name to compare: only `hostaddr` was given.
    HostNameMissing,
    /// libpq 14 and older, which do not know iPAddress names, would answer otherwise.
    OlderLibpqDiffers,
    /// Client and server have no TLS version in common.
    TlsVersionUnsupported,
    /// The TLS handshake fails for another reason.
    HandshakeFailed,
    /// The server does not do direct TLS, which came with PostgreSQL 17.
    DirectTlsUnsupported,
    /// The server does direct TLS without ALPN, which libpq refuses.
    AlpnMissing,
    /// The server lets nobody in without a client certificate.
    ClientCertificateRequired,
    /// The server does not take the client certificate.
    ClientCertificateRefused,
    /// The client certificate or its key cannot be loaded.
    ClientCertificateUnusable,
    /// The client key's permissions are too open for libpq.
    ClientKeyPermissions,
    /// pg_hba.conf was asked for the operating system's user, as none was given.
    UserNotGiven,
    /// pg_hba.conf refuses plaintext and lets TLS in.
    PlaintextRefused,
    /// pg_hba.conf refuses TLS and lets plaintext in.
    TlsRefused,
    /// pg_hba.conf refuses this user, database and address.
    HbaRefuses,
    /// The server's authentication cannot be bound to its TLS, or libpq cannot bind it.
    ChannelBindingMissing,
    /// The server asks for another authentication than `require_auth` allows.
    RequireAuthMismatch,
    /// `sslcertmode=require` and the server asks for no certificate.
    ClientCertificateNotRequested,
    /// There is no answer in time.
    ConnectTimeout,
    /// No TCP connection, or no address.
    NoConnection,
    /// The server closes the connection before an answer.
    ConnectionClosed,
    /// The answer to SSLRequest is an error, or not PostgreSQL's.
    ErrorBeforeTls,
    /// Bytes came in plaintext together with the answer to SSLRequest.
    DataInjected,
    /// The server wants a server name (SNI), and libpq sends none.
    ServerNameNeeded,
    /// The server refuses for a reason of its own.
    ServerError,
    /// libpq refuses a parameter in this mode.
    ParameterRefused,
    /// The mode encrypts and takes any certificate.
    RequireProvesNothing,
    /// A root certificate file makes weaker modes verify the chain.
    RequireVerifiesChain,
    /// pg_hba.conf lets plaintext in though the server speaks TLS.
    PlaintextAccepted,
    /// The server does GSS encryption, which libpq with a Kerberos ticket takes before TLS.
    GssFirst,
    /// TLS ends in a pooler or proxy, not in PostgreSQL.
    FrontEnd,
}

/// One way to mend something.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Fix {
    /// What to do, in a sentence without a full stop.
    pub text: String,
    /// Where the lines of `paste` belong.
    pub place: FixPlace,
    /// Lines ready to be pasted there; may be empty.
    pub paste: Vec<String>,
}

/// Where the lines of a fix belong.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FixPlace {
    /// The client's connection string or its environment.
    ConnectionString,
    /// `postgresql.conf` of the server.
    PostgresqlConf,
    /// `pg_hba.conf` of the server.
    PgHbaConf,
    /// A shell on the client.
    ClientShell,
    /// A shell on the server.
    ServerShell,
    /// Somewhere else; `text` says where.
    Elsewhere,
}

/// What another client makes of this server's certificate.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct OtherClient {
    /// The client or the family of clients.
    pub client: String,
    /// What it refuses, in words.
    pub refuses: String,
}

/// One address of a host.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct AddressReport {
    /// Address and port, or the path of a Unix socket.
    pub address: String,
    /// Whether it was tried, and if TCP connected.
    pub connected: Option<bool>,
    /// Why not.
    pub failure: Option<String>,
}

/// The answer to SSLRequest.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct SslRequestReport {
    /// `S`, `N`, `E`, another byte as `0x..`; null if the server closed or was silent.
    pub answer: Option<String>,
    /// How many bytes came together with the answer; more than 0 after `S` is an injection.
    pub trailing_bytes: usize,
    /// Why there is no answer.
    pub failure: Option<String>,
}

/// What pg_hba.conf lets happen to this user, database and address.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Serialize)]
pub struct StartupReport {
    /// The user that was named.
    pub user: Option<String>,
    /// The database that was named.
    pub dbname: Option<String>,
    /// The address that the server saw us come from, if it said so in an error.
    pub client_address: Option<String>,
    /// The answer over TLS.
    pub tls: Option<StartupAnswer>,
    /// The answer in plaintext.
    pub plaintext: Option<StartupAnswer>,
    /// The answer over TLS without the client certificate.
    pub tls_without_client_certificate: Option<StartupAnswer>,
}

/// The server's answer to a StartupMessage.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct StartupAnswer {
    /// What kind of answer it is.
    pub answer: StartupKind,
    /// What the server asks for.
    pub auth: Option<Auth>,
    /// The SASL mechanisms, in the server's order.
    pub mechanisms: Vec<String>,
    /// SQLSTATE of the error.
    pub sqlstate: Option<String>,
    /// The server's or pgprobe's words about the failure. Untrusted: escape before showing.
    pub message: Option<String>,
}

/// What kind of answer came to a StartupMessage.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StartupKind {
    /// The server asks for no credentials (AuthenticationOk). Where it does not let the client in all
    /// the same, `message` says why: the role may not log in, there is no such database.
    Accepted,
    /// It asks for credentials.
    Asked,
    /// It refuses by pg_hba.conf or because of the client certificate.
    Refused,
    /// Another error of the server.
    Error,
    /// It closed, reset, sent an alert, or something else than an answer.
    Failed,
    /// It said nothing in time.
    Timeout,
}

/// The server's TLS.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct TlsReport {
    /// The connection that showed it: `negotiated`, `direct` or `hello`.
    pub seen_by: Purpose,
    /// Whether the handshake was completed; with false the rest is as far as it came.
    pub completed: bool,
    /// Why it was not.
    pub failure: Option<String>,
    /// `TLSv1.3` and so on.
    pub protocol_version: Option<String>,
    /// IANA's name of the cipher suite.
    pub cipher_suite: Option<String>,
    /// OpenSSL's name of it, which psql shows.
    pub cipher_suite_openssl: Option<String>,
    /// Bits of its key.
    pub bits: Option<u16>,
    /// IANA's name of the key exchange group.
    pub group: Option<String>,
    /// Bits of the prime of a finite-field Diffie-Hellman exchange in TLS 1.2 or below.
    pub dh_bits: Option<u32>,
    /// Whether the server asked for another key share first.
    pub hello_retry_request: Option<bool>,
    /// The ALPN protocol that the server selected.
    pub alpn: Option<String>,
    /// IANA's name of the scheme of the handshake signature.
    pub signature_scheme: Option<String>,
    /// Whether the server proved that it has the private key of its certificate.
    pub key_possession: KeyPossession,
    /// Why not, or why that could not be checked.
    pub key_possession_reason: Option<String>,
    /// What the server wants of a client certificate.
    pub client_certificate: ClientCertificateReport,
    /// How many TLS 1.3 session tickets came with the handshake.
    pub session_tickets: u32,
    /// What the chain is worth, against each set of trust anchors.
    pub chain: Vec<ChainReport>,
    /// Whether the certificate is for the host, by libpq's rules.
    pub host_name: Option<HostNameReport>,
    /// What our ClientHello offered.
    pub offer: Option<Shared<OfferReport>>,
}

/// Whether the server proved that it has the private key of its certificate.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPossession {
    /// The handshake signature verifies.
    Proved,
    /// It does not verify.
    Refuted,
    /// It could not be checked.
    Unchecked,
    /// The handshake did not come to it.
    NotSeen,
}

/// What the server wants of a client certificate.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Serialize)]
pub struct ClientCertificateReport {
    /// Whether the handshake asked for one; null if it did not come so far.
    pub requested: Option<bool>,
    /// The names of the CAs that it lists.
    pub authorities: Vec<String>,
    /// Whether ours was sent.
    pub sent: bool,
    /// Whether the server lets nobody in without one; null if unknown.
    pub demanded: Option<bool>,
    /// Whether the server took ours; null if none was sent or it is unknown.
    pub accepted: Option<bool>,
}

/// What the chain is worth against one set of trust anchors, by OpenSSL's rules.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct ChainReport {
    /// Which set.
    pub anchors: Anchors,
    /// The file or directory it came from.
    pub source: Option<String>,
    /// The answer.
    pub status: ChainStatus,
    /// OpenSSL's error number (X509_V_ERR_...).
    pub error: Option<i32>,
    /// Where in the chain, 0 being the leaf.
    pub depth: Option<usize>,
    /// OpenSSL's words, or why it is undetermined or absent.
    pub message: Option<String>,
    /// The subjects from the leaf to the anchor, as far as the path came.
    pub path: Vec<String>,
    /// The earliest end of validity on that path, RFC 3339; null unless `status` is `ok`.
    pub not_after: Option<String>,
}

/// A set of trust anchors.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchors {
    /// The file of sslrootcert or its default, with the CRLs that libpq would use.
    RootFile,
    /// What `sslrootcert=system` means.
    System,
    /// Mozilla's roots as bundled with pgprobe.
    Mozilla,
}

/// Whether a chain ends in a set of anchors.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainStatus {
    /// It does, and every check passed.
    Ok,
    /// It does not, or a check failed.
    Failed,
    /// pgprobe cannot tell.
    Undetermined,
    /// There is no such set here.
    Absent,
    /// The set cannot be loaded.
    Unreadable,
}

/// Whether the certificate is for the host.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct HostNameReport {
    /// The host that was compared.
    pub host: String,
    /// The answer.
    pub matches: bool,
    /// The certificate's name that matched.
    pub matched_name: Option<String>,
    /// How: `dns_name`, `dns_wildcard`, `ip_address`, `common_name`, `common_name_wildcard`.
    pub rule: Option<String>,
    /// libpq's message where it does not.
    pub message: Option<String>,
}

/// What a ClientHello offered.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct OfferReport {
    /// Lowest and highest version.
    pub versions: [String; 2],
    /// IANA names, in order.
    pub cipher_suites: Vec<Cow<'static, str>>,
    /// IANA names, in order.
    pub groups: Vec<Cow<'static, str>>,
    /// IANA names, in order.
    pub signature_schemes: Vec<Cow<'static, str>>,
    /// ALPN protocol.
    pub alpn: Option<String>,
    /// server_name.
    pub sni: Option<String>,
    /// Whether a client certificate stood ready.
    pub client_certificate: bool,
}

/// Direct TLS.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct DirectReport {
    /// Whether the handshake was completed.
    pub completed: bool,
    /// Whether ALPN was offered; libpq does so since 17.
    pub alpn_offered: bool,
    /// The ALPN protocol that the server selected.
    pub alpn: Option<String>,
    /// `TLSv1.3` and so on.
    pub protocol_version: Option<String>,
    /// Whether the chain is the one that SSLRequest showed.
    pub same_chain: Option<bool>,
    /// SHA-256 of the server's certificate, hexadecimal; null if none was seen.
    pub sha256: Option<String>,
    /// Why the handshake failed.
    pub failure: Option<String>,
}

/// The handshake without server_name, as with `sslsni=0`.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct NamelessReport {
    /// Whether the handshake was completed.
    pub completed: bool,
    /// `TLSv1.3` and so on.
    pub protocol_version: Option<String>,
    /// Whether the chain is the one that was sent with the name.
    pub same_chain: Option<bool>,
    /// RFC 4514 form of the subject of the server's certificate; null if none was seen. Untrusted:
    /// escape before showing.
    pub subject: Option<String>,
    /// SHA-256 of the server's certificate, hexadecimal; null if none was seen.
    pub sha256: Option<String>,
    /// Why the handshake failed, or did not begin.
    pub failure: Option<String>,
}

/// How long a step took.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Timing {
    /// The connection; null for the name resolution.
    pub purpose: Option<Purpose>,
    /// `resolve`, `connect`, `negotiation`, `handshake`, `startup`, and `session` after
    /// AuthenticationOk.
    pub step: &'static str,
    /// Milliseconds.
    pub ms: f64,
}

/// One certificate.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct CertificateReport {
    /// Why it could not be read whole; the fields then hold what could.
    pub unparsed: Option<String>,
    /// RFC 4514 form. Untrusted: escape before showing.
    pub subject: String,
    /// RFC 4514 form. Untrusted: escape before showing.
    pub issuer: String,
    /// Whether subject and issuer are the same and its own key signed it.
    pub self_signed: bool,
    /// Hexadecimal with sign, as `openssl x509 -serial` prints it.
    pub serial: String,
    /// X.509 version: 1, 2, 3.
    pub version: u32,
    /// subjectAltName entries as `DNS:...`, `IP:...`, `email:...`, `URI:...` and so on, in order.
    pub subject_alt_names: Vec<String>,
    /// The common names of the subject, in order.
    pub common_names: Vec<String>,
    /// RFC 3339; null if the time is malformed.
    pub not_before: Option<String>,
    /// RFC 3339; null if the time is malformed.
    pub not_after: Option<String>,
    /// Whole days from `judged_at` to `not_after`, rounded down; negative when expired.
    pub days_left: Option<i64>,
    /// `RSA`, `EC prime256v1` (OpenSSL's name of the curve), `Ed25519` and so on.
    pub key_type: String,
    /// Bits of the key.
    pub key_bits: Option<u32>,
    /// Such as `sha256WithRSAEncryption`.
    pub signature_algorithm: String,
    /// Whether basicConstraints is there, and its `cA`.
    pub ca: Option<bool>,
    /// `pathLenConstraint`.
    pub path_length: Option<i64>,
    /// Names of the keyUsage bits; null if the extension is absent.
    pub key_usage: Option<Vec<String>>,
    /// Names or OIDs; null if the extension is absent.
    pub extended_key_usage: Option<Vec<String>>,
    /// Hexadecimal subjectKeyIdentifier.
    pub subject_key_identifier: Option<String>,
    /// Hexadecimal keyIdentifier of authorityKeyIdentifier.
    pub authority_key_identifier: Option<String>,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
    /// SHA-256 of its SubjectPublicKeyInfo, hexadecimal.
    pub spki_sha256: String,
    /// The certificate in base64.
    pub der: String,
    /// The form in which names are compared (RFC 5280 section 7.1); no part of the JSON.
    #[serde(skip)]
    pub compared: ComparedNames,
}

/// Subject and issuer in the form in which path validation compares them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ComparedNames {
    /// Of the subject.
    pub subject: Vec<u8>,
    /// Of the issuer.
    pub issuer: Vec<u8>,
}
