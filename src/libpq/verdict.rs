//! The verdict for an sslmode: which attempts libpq would make against what was seen, and what
//! they end in. Mirrors `init_allowed_encryption_methods`, `select_next_encryption_method` and
//! `PQconnectPoll` in fe-connect.c, `initialize_SSL` and `open_client_SSL` in fe-secure-openssl.c.

use std::collections::BTreeSet;

use super::authentication::{Answer, Auth, Situation, judge_failure, judge_reply, judge_session};
use super::client_certificate::ClientCertificate;
use super::error::{ErrorCode, LibpqError};
use super::host_name::{Match, Mismatch};
use super::parameters::{
    GssEncMode, HostKind, HostSpec, LoadBalanceHosts, Parameters, PortError, ProtocolVersion,
    SslCertMode, SslMode, SslNegotiation, TargetSessionAttrs,
};
use super::tls_error;
use crate::emulates::{Libpq, OpenSsl};
use crate::observation::{
    AddressObservation, Connection, Depth, Endpoint, Failure, Handshake, HostObservation,
    Irregularity, Purpose, ServerKind, Step as Seen,
};
use crate::pki::Certificate;
use crate::report::{
    Attempt, ChainReport, Ending, Outcome, Step, TlsAnswer, Transport, Verdict, Verifies,
};
use crate::wire::postgres::{PROTOCOL_3_0, PROTOCOL_3_2};
use crate::wire::tls::openssl;

/// What libpq has of trusted roots when TLS starts (libpq-ssl, "Client Verification").
#[derive(Clone, Debug, PartialEq)]
pub enum Roots {
    /// They are loaded: the chain is verified in every mode.
    Loaded,
    /// There are none: verify-ca and verify-full fail with this, the others verify nothing.
    Missing(LibpqError),
    /// They are there and cannot be loaded: TLS fails to start in every mode.
    Unreadable(LibpqError),
    /// Whether they can be loaded is not known; why.
    Unknown(String),
}

/// What libpq's TLS library would say to a chain.
#[derive(Clone, Debug, PartialEq)]
pub enum ChainAnswer {
    /// It verifies.
    Verified,
    /// It does not; OpenSSL's words.
    Refused(String),
    /// That cannot be told; why.
    Unknown(String),
}

/// Whether the server proved that it has its certificate's key.
#[derive(Clone, Debug, PartialEq)]
pub enum Possession {
    /// The handshake signature verifies.
    Proved,
    /// It does not.
    Refuted(String),
    /// It could not be checked; why.
    Unchecked(String),
    /// The handshake did not come to it.
    NotSeen,
}

/// The certificate side of one connection, judged once for all modes.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedChain {
    /// The chain as sent.
    pub sent: Vec<Certificate>,
    /// Against each set of anchors.
    pub reports: Vec<ChainReport>,
    /// Why OpenSSL cannot decode a certificate of the chain: the handshake fails at it.
    pub undecodable: Option<String>,
    /// Whether the leaf's keyUsage forbids signatures, which OpenSSL wants of ECDSA in TLS 1.2.
    pub not_for_signing: bool,
    /// Whether a certificate has a time without seconds.
    pub short_time: bool,
    /// Against libpq's roots; `None` where libpq has none.
    pub chain: Option<ChainAnswer>,
    /// The host name.
    pub host_name: Result<Match, Mismatch>,
    /// The handshake signature.
    pub possession: Possession,
}

/// One address with its judged chains, by the connection that showed them.
#[derive(Clone, Debug)]
pub struct AddressFacts<'a> {
    /// The host it is an address of.
    pub spec: &'a HostSpec,
    /// Its words: each mode's attempts have them.
    pub text: String,
    /// What was seen.
    pub observation: &'a AddressObservation,
    /// A judged chain for each connection; `None` where it showed none.
    pub chains: Vec<Option<JudgedChain>>,
}

/// One host of the list.
#[derive(Clone, Debug)]
pub struct HostFacts<'a> {
    /// What libpq was told.
    pub spec: &'a HostSpec,
    /// What was seen; `None` if nothing was sent.
    pub observation: Option<&'a HostObservation>,
    /// Its addresses.
    pub addresses: Vec<AddressFacts<'a>>,
}

/// Everything that a verdict rests on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The parameters.
    pub parameters: &'a Parameters,
    /// What libpq says to them in each mode, in its order.
    pub refusals: [Option<LibpqError>; 6],
    /// The TLS library.
    pub openssl: OpenSsl,
    /// Its trusted roots.
    pub roots: Roots,
    /// The client certificate.
    pub client_certificate: Result<ClientCertificate, LibpqError>,
    /// How much was asked.
    pub depth: Depth,
    /// Whether the StartupMessage was the one that these parameters make.
    pub same_startup: bool,
    /// The connect_timeout with which the evidence was gathered, in seconds.
    pub struck_after: Option<u32>,
    /// The hosts.
    pub hosts: Vec<HostFacts<'a>>,
}

/// Why a verdict is open where the server has nothing newer than TLS 1.1 and libpq may speak that.
pub(crate) const ONLY_3_0_SPEAKS: &str =
    "OpenSSL 3.0 speaks TLS 1.0 and 1.1 where it is told to, 3.1 and later do not";

/// Why a verdict is open for each [`Irregularity`].
const NEWER_EXTENSION: &str =
    "OpenSSL 3.0 passes over an extension that 3.2 and later know and refuse";
const POINT_FORMAT: &str = "OpenSSL 3 wants the format of the certificate's key in ec_point_formats, \
                            its releases since August 2026 do not";
const LONG_COOKIE: &str =
    "the first OpenSSL 1.1.1 sends no ClientHello longer than a record, its last releases do";

/// The connection on which TLS was tried.
struct TlsSeen<'c, 'f> {
    connection: &'c Connection,
    chain: Option<&'f JudgedChain>,
    /// Whether more bytes came with `S`.
    injected: bool,
}

/// What an attempt, or all of them at one address, ended in.
#[derive(Clone, Debug)]
enum End {
    Reached(Auth, ServerKind),
    /// The server answered `N`.
    NoTls,
    NextMethod(LibpqError),
    NextAddress(LibpqError),
    NextHost(LibpqError),
    GivesUp(LibpqError),
    Unknown(Unknown),
}

#[derive(Clone, Debug)]
struct Unknown {
    reason: String,
    settled_by: Option<Depth>,
}

impl<'a> Facts<'a> {
    /// libpq's answer over the whole host list.
    pub fn verdict(&self, mode: SslMode) -> Verdict {
        let all: Vec<_> = (0..self.hosts.len()).collect();
        self.verdict_over(mode, &all)
    }

    /// libpq's answer if one host were the only one.
    pub fn verdict_of_host(&self, mode: SslMode, host: usize) -> Verdict {
        self.verdict_over(mode, &[host])
    }

    fn verdict_over(&self, mode: SslMode, hosts: &[usize]) -> Verdict {
        let mut verdict = Verdict {
            mode,
            outcome: Outcome::Undetermined,
            encrypted: None,
            tls: TlsAnswer::NotUsed,
            verifies: self.verifies(mode),
            host_index: None,
            auth: None,
            settled_by: None,
            reason: None,
            attempts: Vec::new(),
            error: None,
        };
        let refused = SslMode::ALL.iter().position(|other| *other == mode);
        let refused = refused.and_then(|place| self.refusals.get(place)?.clone());
        if let Some(error) = refused.or_else(|| self.parameters.connect_timeout().err()) {
            verdict.outcome = Outcome::Fails;
            verdict.error = Some(error);
            return verdict;
        }
        if self.parameters.load_balance_hosts() == LoadBalanceHosts::Random {
            return self.any_order(mode, hosts, verdict);
        }
        let mut run = Run::default();
        let mut end = unknown("no host", None);
        for attrs in self.passes() {
            run.attrs = Some(*attrs);
            end = self.hosts_in_order(mode, hosts, &mut run);
            if !matches!(end, End::NextHost(_) | End::NextAddress(_)) {
                break;
            }
        }
        self.conclude(verdict, hosts, run, end)
    }

    /// With load_balance_hosts=random the answer is certain only if every address gives the same,
    /// whichever comes first; those that libpq would pass over do not count.
    fn any_order(&self, mode: SslMode, hosts: &[usize], verdict: Verdict) -> Verdict {
        let mut deciding: Vec<Verdict> = Vec::new();
        let mut passed_over = None;
        let differ = |verdict: Verdict, reason: &str| Verdict {
            tls: TlsAnswer::Unknown,
            reason: Some(format!("load_balance_hosts=random: {reason}")),
            ..verdict
        };
        let asked = hosts.iter().copied().filter_map(|number| {
            let host = self.hosts.get(number)?;
            Some((number, host))
        });
        let asked: Vec<_> = asked.collect();
        if asked.iter().any(|(_, host)| host.has_untried_addresses()) {
            return differ(verdict, "not every address of the hosts was asked");
        }
        for attrs in self.passes() {
            for (number, host) in &asked {
                for start in 0..host.addresses.len().max(1) {
                    let mut run = Run {
                        index: host.spec.index,
                        host: Some(host.spec.index),
                        attrs: Some(*attrs),
                        ..Run::default()
                    };
                    let end = self.addresses_in_order(mode, host, start, &mut run);
                    let passes = matches!(end, End::NextAddress(_) | End::NextHost(_));
                    let one = self.conclude(verdict.clone(), &[*number], run, end);
                    if passes {
                        passed_over = Some(one);
                    } else {
                        deciding.push(one);
                    }
                }
            }
            if !deciding.is_empty() {
                break;
            }
        }
        let key = |one: &Verdict| {
            let code = one.error.as_ref().map(|error| error.code);
            (one.outcome, one.encrypted, code)
        };
        let Some(first) = deciding.first() else {
            return passed_over.unwrap_or(verdict);
        };
        if deciding.iter().all(|other| key(other) == key(first)) {
            return first.clone();
        }
        differ(verdict, "the hosts do not all answer alike")
    }

    fn conclude(&self, mut verdict: Verdict, hosts: &[usize], run: Run<'a>, end: End) -> Verdict {
        // The TLS of the host that decided; of the first that was reached where none did.
        let decided = self
            .hosts
            .iter()
            .position(|host| Some(host.spec.index) == run.host);
        let decided: Vec<usize> = decided.into_iter().collect();
        verdict.tls = match self.tls_answer(verdict.mode, &decided, &run) {
            TlsAnswer::Unknown => self.tls_answer(verdict.mode, hosts, &run),
            known => known,
        };
        verdict.host_index = run.host;
        verdict.attempts = run.attempts;
        match end {
            End::Reached(auth, _) => {
                verdict.outcome = Outcome::Connects;
                verdict.encrypted = Some(run.encrypted);
                verdict.auth = Some(auth);
            }
            End::Unknown(unknown) => {
                verdict.reason = Some(unknown.reason);
                verdict.settled_by = unknown.settled_by.filter(|depth| *depth > self.depth);
            }
            End::NextMethod(last)
            | End::NextAddress(last)
            | End::NextHost(last)
            | End::GivesUp(last) => {
                verdict.outcome = Outcome::Fails;
                if let Some(attempt) = verdict.attempts.last_mut() {
                    attempt.ended_in = Ending::GivesUp; // there was nothing more to try
                }
                // Of several errors the one over TLS says most.
                verdict.error = Some(run.tls_error.unwrap_or(last));
            }
            End::NoTls => {
                verdict.outcome = Outcome::Fails;
                verdict.error = Some(no_tls());
            }
        }
        verdict
    }

    fn verifies(&self, mode: SslMode) -> Verifies {
        match (mode, &self.roots) {
            (SslMode::Disable, _) => Verifies::Nothing,
            (SslMode::VerifyFull, _) => Verifies::ChainAndHostName,
            (SslMode::VerifyCa, _) | (_, Roots::Loaded) => Verifies::Chain,
            (_, Roots::Missing(_) | Roots::Unreadable(_) | Roots::Unknown(_)) => Verifies::Nothing,
        }
    }

    /// Whether libpq would take the TLS of the first host that was reached.
    fn tls_answer(&self, mode: SslMode, hosts: &[usize], run: &Run<'a>) -> TlsAnswer {
        if mode == SslMode::Disable {
            return TlsAnswer::NotUsed;
        }
        for host in hosts.iter().filter_map(|host| self.hosts.get(*host)) {
            if matches!(host.spec.kind(), HostKind::UnixSocket(_)) {
                return TlsAnswer::NotUsed;
            }
            for address in &host.addresses {
                if address.observation.connections.is_empty() {
                    continue;
                }
                // An attempt may have come to it already.
                return match run.tls {
                    Some((seen, answer)) if std::ptr::eq(seen, address.observation) => answer,
                    _ => {
                        let ready = self.tls_until_startup(mode, address, &mut Vec::new());
                        self.tls_answer_of(&ready)
                    }
                };
            }
        }
        TlsAnswer::Unknown
    }

    fn tls_answer_of(&self, ready: &Result<&Connection, End>) -> TlsAnswer {
        match ready {
            Ok(connection) if self.only_3_0_speaks(connection) => TlsAnswer::Unknown,
            Ok(_) => TlsAnswer::Accepted,
            Err(End::Unknown(_) | End::Reached(..)) => TlsAnswer::Unknown,
            Err(_) => TlsAnswer::Refused,
        }
    }

    /// What a server must be in each pass over the hosts (CONNECTION_CHECK_TARGET).
    fn passes(&self) -> &'static [TargetSessionAttrs] {
        use TargetSessionAttrs::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};
        match self.parameters.target_session_attrs() {
            Any => &[Any],
            ReadWrite => &[ReadWrite],
            ReadOnly => &[ReadOnly],
            Primary => &[Primary],
            Standby => &[Standby],
            PreferStandby => &[Standby, Any],
        }
    }

    fn hosts_in_order(&self, mode: SslMode, hosts: &[usize], run: &mut Run<'a>) -> End {
        let mut last = None;
        for host in hosts.iter().filter_map(|host| self.hosts.get(*host)) {
            run.index = host.spec.index;
            run.host = Some(host.spec.index);
            match self.addresses_in_order(mode, host, 0, run) {
                end @ (End::NextHost(_) | End::NextAddress(_)) => last = Some(end),
                end => return end,
            }
        }
        last.unwrap_or_else(|| unknown("no host", None))
    }

    /// The addresses of a host from one of them on.
    fn addresses_in_order(
        &self,
        mode: SslMode,
        host: &HostFacts<'a>,
        start: usize,
        run: &mut Run<'a>,
    ) -> End {
        let next_host = |error: LibpqError, run: &mut Run| {
            run.unreached(Ending::NextHost, Some(error.clone()));
            End::NextHost(error)
        };
        match host.spec.port() {
            Ok(_) => {}
            Err(PortError::NotAnInteger(error)) => {
                run.unreached(Ending::GivesUp, Some(error.clone()));
                return End::GivesUp(error);
            }
            Err(PortError::OutOfRange(error)) => return next_host(error, run),
        }
        let Some(observation) = host.observation else {
            return unknown("nothing was sent", None);
        };
        match observation.resolve.failure() {
            Some(Failure::Deadline) => {
                return unknown("the name did not resolve in time", None);
            }
            Some(failure) => {
                let why = match failure {
                    Failure::Unresolved(why) => why.clone(),
                    _ => "Name or service not known".into(),
                };
                let message = match host.spec.kind() {
                    HostKind::Address(address) => {
                        format!("could not parse network address \"{address}\": {why}")
                    }
                    HostKind::Name(name) | HostKind::UnixSocket(name) => {
                        format!("could not translate host name \"{name}\" to address: {why}")
                    }
                };
                return next_host(LibpqError::new(ErrorCode::ConnectFailed, message), run);
            }
            None => {}
        }
        let mut last = None;
        for address in host.addresses.get(start..).unwrap_or_default() {
            run.address = Some(address.text.clone());
            match self.address(mode, address, run) {
                end @ End::NextAddress(_) => last = Some(end),
                end => return end,
            }
        }
        if last.is_some() && host.has_untried_addresses() {
            return run.end(unknown(
                "libpq would go on to an address that was not asked",
                None,
            ));
        }
        last.unwrap_or_else(|| unknown("the name has no address", None))
    }

    fn address(&self, mode: SslMode, address: &AddressFacts<'a>, run: &mut Run<'a>) -> End {
        let unix = matches!(address.observation.address, Endpoint::Unix(_));
        if unix {
            run.transport = Transport::UnixSocket;
            if self.parameters.gssencmode() == GssEncMode::Require {
                return run.end(End::GivesUp(LibpqError::new(
                    ErrorCode::AuthRequirementFailed,
                    match self.parameters.libpq() {
                        Libpq::V15 | Libpq::V16 => {
                            "GSSAPI encryption required but was impossible (possibly no credential \
                             cache, no server support, or using a local socket)"
                        }
                        Libpq::V17 | Libpq::V18 => {
                            "GSSAPI encryption required but it is not supported over a local socket"
                        }
                    },
                )));
            }
        } else if let Err(error) = self.parameters.socket_options() {
            return run.end(End::NextAddress(error));
        } else if self.parameters.gssencmode() == GssEncMode::Require {
            return run.end(unknown(
                "gssencmode=require needs a Kerberos ticket, which pgprobe does not look for",
                None,
            ));
        }
        run.steps.push(Step::Connect);
        if let Some(failure) = address.observation.connect.failure() {
            return run.end(connect_failure(failure));
        }
        if unix {
            let requirepeer = self.parameters.requirepeer().is_some();
            let end = if requirepeer {
                unknown(
                    "requirepeer: pgprobe does not look at the socket's owner",
                    None,
                )
            } else {
                self.plaintext(address, Purpose::Socket)
            };
            return run.startup(end);
        }
        let methods: &[Method] = match mode {
            SslMode::Disable => &[Method::Plaintext],
            SslMode::Allow => &[Method::Plaintext, Method::Tls],
            SslMode::Prefer => &[Method::Tls, Method::Plaintext],
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Method::Tls],
        };
        let mut end = unknown("no method", None);
        let mut spent = 0.0;
        for (number, method) in methods.iter().enumerate() {
            if run.steps.is_empty() {
                run.steps.push(Step::Connect); // a new connection for the second method
            }
            let is_last = number + 1 == methods.len();
            end = match method {
                Method::Plaintext => {
                    run.transport = Transport::Plaintext;
                    let connection = find(address, Purpose::Plaintext);
                    spent += time_of(connection);
                    match self.out_of_time(connection, spent) {
                        Some(end) => run.end(end),
                        None => run.startup(self.plaintext(address, Purpose::Plaintext)),
                    }
                }
                Method::Tls => {
                    let connection = find(address, self.tls_purpose());
                    spent += time_of(connection);
                    match self.out_of_time(connection, spent) {
                        Some(end) => {
                            run.transport = Transport::Tls;
                            run.end(end)
                        }
                        None => self.tls(mode, address, run),
                    }
                }
            };
            if matches!(end, End::NoTls) {
                return self.after_no_tls(mode, address, run);
            }
            if !matches!(end, End::NextMethod(_)) || is_last {
                break;
            }
        }
        match end {
            // No method is left: libpq gives up, it does not go to another address.
            End::NextMethod(error) => End::GivesUp(error),
            end => end,
        }
    }

    fn tls_purpose(&self) -> Purpose {
        match self.parameters.sslnegotiation() {
            SslNegotiation::Direct => Purpose::Direct,
            SslNegotiation::Postgres => Purpose::Negotiated,
        }
    }

    /// connect_timeout runs on over all methods of an address (`pqConnectDBComplete`).
    fn out_of_time(&self, connection: Option<&Connection>, spent_ms: f64) -> Option<End> {
        // Where it struck, the step that it struck says so.
        if connection.is_some_and(Connection::is_timed_out) {
            return None;
        }
        let limit = f64::from(self.parameters.connect_timeout().ok()??) * 1000.0;
        if spent_ms <= limit - TIMEOUT_MARGIN_MS {
            None
        } else if spent_ms >= limit {
            Some(End::NextAddress(timed_out()))
        } else {
            Some(unknown(
                "the server answered just before connect_timeout",
                None,
            ))
        }
    }

    /// What it means that connect_timeout struck while the evidence was gathered: libpq may be one
    /// that waits longer.
    fn struck(&self) -> End {
        match (self.parameters.connect_timeout(), self.struck_after) {
            (Ok(Some(limit)), Some(after)) if limit <= after => End::NextAddress(timed_out()),
            _ => unknown(
                "the server was not given the time that libpq would give it",
                None,
            ),
        }
    }

    /// What libpq does on the connection on which the server said `N`.
    fn after_no_tls(&self, mode: SslMode, address: &AddressFacts<'a>, run: &mut Run<'a>) -> End {
        let goes_on = match mode {
            SslMode::Prefer => true,
            // Up to 16 the plaintext packet, refused before, is sent once more.
            SslMode::Allow => self.parameters.libpq() <= Libpq::V16,
            _ => false,
        };
        if !goes_on {
            return run.end(End::GivesUp(no_tls()));
        }
        run.transport = Transport::Plaintext;
        match run.startup(self.plaintext(address, Purpose::Negotiated)) {
            End::NextMethod(error) => End::GivesUp(error),
            end => end,
        }
    }

    /// The plaintext StartupMessage, as seen on the connection made for `purpose`.
    fn plaintext(&self, address: &AddressFacts<'a>, purpose: Purpose) -> End {
        let Some(connection) = find(address, purpose) else {
            return unknown(
                "what pg_hba.conf does in plaintext was not asked",
                Some(Depth::Startup),
            );
        };
        if let Some(failure) = connection.connect.failure() {
            return connect_failure(failure);
        }
        if connection.startup_encrypted {
            return unknown("no plaintext startup was seen", None);
        }
        self.startup_end(connection, None, "in plaintext")
    }

    /// What the answer to a StartupMessage means.
    fn startup_end(&self, connection: &Connection, tls: Option<&Handshake>, how: &str) -> End {
        if connection.startup.ms().is_some() && !self.same_startup {
            return unknown("the server was asked for another user or database", None);
        }
        match &connection.startup {
            Seen::NotAttempted => unknown(
                &format!("what pg_hba.conf does {how} was not asked"),
                Some(Depth::Startup),
            ),
            Seen::Observed { value, .. } => match judge_reply(value, &self.situation(tls)) {
                Answer::Reached(Auth::None) => self.session_end(connection),
                answer => end_of(answer),
            },
            Seen::Failed {
                failure: Failure::ConnectTimeout,
                ..
            } => self.struck(),
            Seen::Failed { failure, .. } => end_of(judge_failure(failure)),
        }
    }

    /// What came after AuthenticationOk means (`PQconnectPoll`, CONNECTION_AUTH_OK).
    fn session_end(&self, connection: &Connection) -> End {
        match &connection.session {
            Seen::NotAttempted => unknown(
                "AuthenticationOk came, and the pgprobe that saw it did not read on; probe again",
                None,
            ),
            Seen::Observed { value, .. } => match judge_session(value) {
                Answer::Reached(auth) => End::Reached(auth, connection.server_kind),
                answer => end_of(answer),
            },
            Seen::Failed {
                failure: Failure::ConnectTimeout,
                ..
            } => self.struck(),
            Seen::Failed {
                failure: Failure::Deadline,
                ..
            } => unknown("no ReadyForQuery after AuthenticationOk in time", None),
            Seen::Failed { failure, .. } => end_of(judge_failure(failure)),
        }
    }

    fn tls(&self, mode: SslMode, address: &AddressFacts<'a>, run: &mut Run<'a>) -> End {
        let direct = self.parameters.sslnegotiation() == SslNegotiation::Direct;
        run.transport = if direct {
            Transport::DirectTls
        } else {
            Transport::Tls
        };
        let mut steps = Vec::new();
        let ready = self.tls_until_startup(mode, address, &mut steps);
        run.steps.append(&mut steps);
        run.tls = Some((address.observation, self.tls_answer_of(&ready)));
        let connection = match ready {
            Ok(connection) => connection,
            Err(End::NoTls) => return End::NoTls,
            Err(end) => {
                if let End::NextMethod(error) | End::GivesUp(error) = &end {
                    run.tls_error = Some(error.clone());
                }
                return run.end(end);
            }
        };
        let mut end = self.startup_end(connection, connection.tls.as_ref(), "over TLS");
        if self.only_3_0_speaks(connection) {
            end = self.also_in_3_1(mode, end);
        }
        if let End::NextMethod(error) | End::GivesUp(error) = &end {
            run.tls_error = Some(error.clone());
        }
        run.encrypted = true;
        let end = run.startup(end);
        run.encrypted = matches!(end, End::Reached(..));
        end
    }

    /// TLS up to the point where the StartupMessage would go out.
    fn tls_until_startup<'c>(
        &self,
        mode: SslMode,
        address: &AddressFacts<'c>,
        steps: &mut Vec<Step>,
    ) -> Result<&'c Connection, End> {
        let purpose = self.tls_purpose();
        let Some((connection, chain)) = find_with_chain(address, purpose) else {
            return Err(unknown("TLS was not tried in this way", Some(Depth::Full)));
        };
        if let Some(failure) = connection.connect.failure() {
            return Err(connect_failure(failure));
        }
        let mut injected = false;
        if purpose != Purpose::Direct {
            steps.push(Step::SslRequest);
            injected = self.ssl_request(connection)?;
        }
        steps.push(Step::TlsHandshake);
        self.start_tls(mode, address.spec)?;
        let seen = TlsSeen {
            connection,
            chain,
            injected,
        };
        let end = self.handshake_end(mode, address, &seen, steps);
        match end {
            Err(end) if self.only_3_0_speaks(connection) => Err(self.also_in_3_1(mode, end)),
            Err(end) => Err(end),
            Ok(()) => match self.irregular(connection) {
                Some(why) => Err(unknown(why, None)),
                None => Ok(connection),
            },
        }
    }

    /// Why it is open whether libpq's TLS library takes what the server did, where its releases
    /// differ.
    fn irregular(&self, connection: &Connection) -> Option<&'static str> {
        let seen = connection.tls.as_ref()?.irregularities.iter();
        seen.filter_map(|what| match (what, self.openssl) {
            (Irregularity::LongCookie, OpenSsl::V111) => Some(LONG_COOKIE),
            (Irregularity::LongCookie, _)
            | (Irregularity::NewerExtension | Irregularity::PointFormat, OpenSsl::V111) => None,
            (Irregularity::NewerExtension, _) => Some(NEWER_EXTENSION),
            (Irregularity::PointFormat, _) => Some(POINT_FORMAT),
        })
        .next()
    }

    /// Whether the version is one that of OpenSSL 3 only 3.0 speaks at the levels 1 and 2; where the
    /// server chose none, whether all that was offered are.
    fn only_3_0_speaks(&self, connection: &Connection) -> bool {
        let is_old = |version| version < 0x0303;
        let tls = connection.tls.as_ref();
        let chosen = tls.and_then(|tls| tls.protocol_version);
        if self.openssl == OpenSsl::V111 || !chosen.is_none_or(is_old) {
            return false;
        }
        let (low, high) = self.version_range();
        is_old(low) && is_old(chosen.unwrap_or(high))
    }

    /// What an end that OpenSSL 3.0 comes to means where 3.1 and later have no version in common with
    /// the server.
    fn also_in_3_1(&self, mode: SslMode, end: End) -> End {
        let (_, high) = self.version_range();
        let no_version = || {
            let message = match high < 0x0303 {
                true => "SSL error: no protocols available",
                false => "SSL error: unsupported protocol",
            };
            LibpqError::new(ErrorCode::TlsVersionUnsupported, message)
        };
        match end {
            End::NextMethod(_) => End::NextMethod(no_version()),
            // There is no method after TLS in these modes.
            End::GivesUp(_) if mode >= SslMode::Require => End::NextMethod(no_version()),
            End::Unknown(_) => end,
            _ => unknown(ONLY_3_0_SPEAKS, None),
        }
    }

    /// What the handshake comes to, and all that libpq looks at then.
    fn handshake_end(
        &self,
        mode: SslMode,
        address: &AddressFacts<'a>,
        seen: &TlsSeen<'_, '_>,
        steps: &mut Vec<Step>,
    ) -> Result<(), End> {
        let TlsSeen {
            connection,
            chain,
            injected,
        } = *seen;
        let direct = connection.purpose == Purpose::Direct;
        self.same_offer(connection)?;
        self.same_name(connection, address)?;
        let verify = matches!(self.roots, Roots::Loaded);
        if let Some(end) = self
            .old_renegotiation(connection)
            .or_else(|| self.unoffered_alpn(connection))
        {
            return Err(end);
        }
        let chain_refusal = |chain: Option<&JudgedChain>| match chain {
            Some(JudgedChain {
                undecodable: Some(why),
                ..
            }) => Some(End::NextMethod(LibpqError::new(
                ErrorCode::TlsHandshakeFailed,
                format!("SSL error: {why}"),
            ))),
            Some(JudgedChain {
                chain: Some(ChainAnswer::Refused(_)),
                ..
            }) if verify => Some(End::NextMethod(LibpqError::new(
                ErrorCode::CertUntrusted,
                "SSL error: certificate verify failed",
            ))),
            _ => None,
        };
        match &connection.handshake {
            Seen::Observed { .. } => {}
            Seen::NotAttempted => {
                return Err(unknown("no TLS handshake was tried", Some(Depth::Startup)));
            }
            Seen::Failed { failure, .. } => {
                // OpenSSL judges the chain as soon as it is there, before what failed later.
                if let Some(end) = chain_refusal(chain) {
                    steps.push(Step::VerifyCertificate);
                    return Err(end);
                }
                if let Some(end) = self.small_group(connection) {
                    return Err(end);
                }
                if let Some(end) = self.newer_openssl(address, connection, failure) {
                    return Err(end);
                }
                return Err(self.handshake_failure(failure));
            }
        }
        let tls = connection.tls.as_ref();
        let Some(chain) = chain else {
            return Err(unknown("the server sent no certificate", None));
        };
        if let Some(end) = chain_refusal(Some(chain)) {
            steps.push(Step::VerifyCertificate);
            return Err(end);
        }
        let irregularities = tls.map(|tls| tls.irregularities.as_slice());
        let irregularities = irregularities.unwrap_or_default();
        if self.openssl == OpenSsl::V111 && irregularities.contains(&Irregularity::PointFormat) {
            return Err(End::NextMethod(LibpqError::new(
                ErrorCode::TlsHandshakeFailed,
                "SSL error: illegal point compression",
            )));
        }
        if self.signs_with_md5(connection) {
            return Err(End::NextMethod(LibpqError::new(
                ErrorCode::TlsHandshakeFailed,
                "SSL error: legacy sigalg disallowed or unsupported",
            )));
        }
        let group = tls.and_then(|tls| tls.group);
        if self.openssl != OpenSsl::V111
            && group.is_some_and(|group| openssl::GROUPS_GONE_IN_3_5.contains(&group))
        {
            return Err(unknown(
                "the server takes a group that OpenSSL 3.0 to 3.4 offer and 3.5 does not",
                None,
            ));
        }
        if chain.short_time && self.openssl != OpenSsl::V111 {
            return Err(unknown(
                "OpenSSL 3.0 decodes a certificate time without seconds, 3.3 and later do not",
                None,
            ));
        }
        let suite = tls.and_then(|tls| tls.cipher_suite);
        let ecdsa = suite
            .and_then(crate::wire::tls::names::suite_of)
            .is_some_and(|suite| suite.openssl.contains("ECDSA"));
        if chain.not_for_signing && ecdsa {
            return Err(End::NextMethod(LibpqError::new(
                ErrorCode::TlsHandshakeFailed,
                "SSL error: ecc cert not for signing",
            )));
        }
        if let Some(end) = self.small_group(connection) {
            return Err(end);
        }
        match &chain.possession {
            Possession::Proved => {}
            Possession::Refuted(_) => {
                return Err(End::NextMethod(LibpqError::new(
                    ErrorCode::TlsHandshakeFailed,
                    "SSL error: bad signature",
                )));
            }
            Possession::Unchecked(why) => return Err(unknown(why, None)),
            Possession::NotSeen => {
                return Err(unknown("the handshake signature was not seen", None));
            }
        }
        if verify {
            steps.push(Step::VerifyCertificate);
            if let Some(ChainAnswer::Unknown(why)) = &chain.chain {
                return Err(unknown(why, None));
            }
        }
        if direct {
            let wrong = match tls.and_then(|tls| tls.alpn.as_deref()) {
                None => Some(
                    "direct SSL connection was established without ALPN protocol negotiation \
                     extension",
                ),
                Some("postgresql") => None,
                Some(_) => Some("SSL connection was established with unexpected ALPN protocol"),
            };
            if let Some(message) = wrong {
                return Err(End::NextMethod(LibpqError::new(
                    ErrorCode::AlpnMissing,
                    message,
                )));
            }
        }
        if mode == SslMode::VerifyFull {
            steps.push(Step::VerifyHostName);
            if let Err(mismatch) = &chain.host_name {
                return Err(End::NextMethod(of_mismatch(mismatch)));
            }
        }
        if injected {
            return Err(End::GivesUp(LibpqError::new(
                ErrorCode::UnencryptedDataInjected,
                "received unencrypted data after SSL response",
            )));
        }
        Ok(())
    }

    /// Below TLS 1.2 a key exchange is signed with MD5 and SHA-1, which OpenSSL 3.0 forbids at the
    /// levels 1 and 2 (`tls1_get_legacy_sigalg`).
    fn signs_with_md5(&self, connection: &Connection) -> bool {
        self.openssl != OpenSsl::V111
            && connection.tls.as_ref().is_some_and(|tls| {
                tls.signature.is_some()
                    && tls.protocol_version.is_some_and(|version| version < 0x0303)
            })
    }

    /// What it means that the server found nothing to take, where OpenSSL 3.5 offers more than 3.0
    /// does; `None` where that changes nothing.
    fn newer_openssl(
        &self,
        address: &AddressFacts<'a>,
        connection: &Connection,
        failure: &Failure,
    ) -> Option<End> {
        let Failure::Alert(alert) = failure else {
            return None;
        };
        let chose = |connection: &Connection| {
            let tls = connection.tls.as_ref();
            tls.is_some_and(Handshake::has_chosen)
        };
        let (_, high) = self.version_range();
        if self.openssl == OpenSsl::V111
            || high < 0x0304
            || !openssl::may_miss_something(*alert)
            || chose(connection)
        {
            return None;
        }
        let Some(newer) = find(address, Purpose::NewerOpenSsl) else {
            return Some(unknown(
                "OpenSSL 3.5 offers more than 3.0, and the server was not asked with it",
                Some(Depth::Startup),
            ));
        };
        if chose(newer) {
            return Some(unknown(
                "the server takes what OpenSSL 3.5 offers, and nothing of what 3.0 does",
                None,
            ));
        }
        match newer.handshake.failure() {
            Some(Failure::Alert(_) | Failure::Closed | Failure::Reset) => None,
            _ => Some(unknown(
                "OpenSSL 3.5 offers more than 3.0, and the server did not answer to it",
                None,
            )),
        }
    }

    /// OpenSSL 3 refuses an ALPN protocol that was not offered; the client that was emulated when
    /// the evidence was gathered may have gone on.
    fn unoffered_alpn(&self, connection: &Connection) -> Option<End> {
        let chosen = connection.tls.as_ref()?.alpn.as_ref()?;
        let offered = connection.offer.as_ref()?.alpn.as_ref();
        (self.openssl != OpenSsl::V111 && offered != Some(chosen))
            .then(|| self.handshake_failure(&Failure::UnofferedAlpn))
    }

    /// The steps of `initialize_SSL` that need no server.
    fn start_tls(&self, mode: SslMode, spec: &HostSpec) -> Result<(), End> {
        let fails = |error: &LibpqError| Err(End::NextMethod(error.clone()));
        match &self.roots {
            Roots::Loaded => {}
            Roots::Missing(error) if mode >= SslMode::VerifyCa => return fails(error),
            Roots::Missing(_) => {}
            Roots::Unreadable(error) => return fails(error),
            Roots::Unknown(why) => return Err(unknown(why, None)),
        }
        match &self.client_certificate {
            Ok(ClientCertificate::None | ClientCertificate::Usable) => {}
            Ok(ClientCertificate::Unknown) => {
                return Err(unknown(
                    "whether libpq can use the client certificate is not known",
                    None,
                ));
            }
            Err(error) => return fails(error),
        }
        if self
            .parameters
            .sni(spec)
            .is_some_and(|name| name.len() > 255)
        {
            return fails(&LibpqError::bad_parameter(
                "could not set SSL Server Name Indication (SNI): ssl3 ext invalid servername",
            ));
        }
        let (low, high) = self.version_range();
        if low > high {
            return fails(&LibpqError::new(
                ErrorCode::TlsVersionUnsupported,
                "SSL error: no protocols available",
            ));
        }
        Ok(())
    }

    /// OpenSSL 3 refuses servers that do not know RFC 5746 (SSL_OP_LEGACY_SERVER_CONNECT is off).
    fn old_renegotiation(&self, connection: &Connection) -> Option<End> {
        let seen = connection.tls.as_ref()?;
        let refuses = match self.openssl {
            OpenSsl::V3Level2 | OpenSsl::V3Level1 => true,
            OpenSsl::V111 => false,
        };
        (refuses && seen.renegotiation_info == Some(false)).then(|| {
            End::NextMethod(LibpqError::new(
                ErrorCode::TlsHandshakeFailed,
                "SSL error: unsafe legacy renegotiation disabled",
            ))
        })
    }

    /// OpenSSL refuses Diffie-Hellman groups that fall short of its security level
    /// (`ssl_security_default_callback`, SSL_SECOP_TMP_DH; the bits are those of
    /// `BN_security_bits`).
    fn small_group(&self, connection: &Connection) -> Option<End> {
        let bits = connection.tls.as_ref()?.dh_bits?;
        let least = match self.openssl.security_level() {
            0 | 1 => 1024,
            _ => 2048,
        };
        (bits < least).then(|| {
            End::NextMethod(LibpqError::new(
                ErrorCode::TlsHandshakeFailed,
                "SSL error: dh key too small",
            ))
        })
    }

    /// The TLS versions that libpq and its TLS library offer.
    pub fn version_range(&self) -> (u16, u16) {
        version_range(self.parameters)
    }

    /// Whether what was offered is what this libpq would have offered, as far as the server's
    /// answer can depend on it.
    fn same_offer(&self, connection: &Connection) -> Result<(), End> {
        let Some(offer) = &connection.offer else {
            return Ok(());
        };
        let failures = [
            connection.handshake.failure(),
            connection.startup.failure(),
            connection.session.failure(),
        ];
        let is_old = |openssl: OpenSsl| openssl == OpenSsl::V111;
        if is_old(self.openssl) != is_old(offer.openssl)
            && failures.into_iter().flatten().any(is_of_library)
        {
            return Err(unknown(
                "OpenSSL 1.1.1 and 3 do not refuse the same; probe again with these options",
                None,
            ));
        }
        let (low, high) = self.version_range();
        let seen = connection.tls.as_ref();
        let completed = connection.handshake.value().is_some();
        let different = |what: &str| {
            Err(unknown(
                &format!("libpq would have offered {what}; probe again with these options"),
                None,
            ))
        };
        if high != offer.max_version {
            // A server that chose less than it was offered chooses the same of a longer offer.
            let version = seen.and_then(|seen| seen.protocol_version);
            let same = |version| {
                (low..=high).contains(&version)
                    && (high < offer.max_version || completed && version < offer.max_version)
            };
            if !version.is_some_and(same) {
                return different("other TLS versions");
            }
        }
        if low < offer.min_version && !completed && low < 0x0303 {
            return different("TLS versions below 1.2");
        }
        if low > offer.min_version
            && !seen
                .and_then(|seen| seen.protocol_version)
                .is_some_and(|version| (low..=high).contains(&version))
        {
            return different("other TLS versions");
        }
        if self.parameters.offers_alpn() != offer.alpn.is_some() {
            let chosen = seen.and_then(|seen| seen.alpn.as_deref());
            let harmless = completed && matches!(chosen, None | Some("postgresql"));
            if !harmless {
                return different("ALPN otherwise");
            }
        }
        let groups = openssl::groups(self.openssl, high);
        let schemes = openssl::signature_schemes(self.openssl, low);
        // Nothing hangs on those of DSA, nor in TLS 1.3 on those of TLS 1.2; an older pgprobe did not
        // offer the former and always the latter.
        let set = |schemes: &[u16]| {
            let idle = |scheme: &u16| {
                openssl::is_dsa(*scheme) || low >= 0x0304 && openssl::is_of_tls_1_2(*scheme)
            };
            let schemes = schemes.iter().copied();
            let schemes = schemes.filter(|scheme| !idle(scheme));
            schemes.collect::<BTreeSet<u16>>()
        };
        let other =
            offer.signature_schemes != schemes && set(&offer.signature_schemes) != set(schemes);
        let chose =
            |code: Option<u16>, offered: &[u16]| code.is_none_or(|code| offered.contains(&code));
        let scheme = seen
            .and_then(|seen| seen.signature.as_ref())
            .map(|signature| signature.scheme);
        if other && (!completed || !chose(scheme, schemes)) {
            return different("other signature schemes");
        }
        // A group that was not offered to it either is the server's mistake.
        let group = seen.and_then(|seen| seen.group);
        let group = group.filter(|group| offer.groups.contains(group));
        if !chose(group, groups) {
            return different("other groups");
        }
        let ready = matches!(self.client_certificate, Ok(ClientCertificate::Usable));
        let asked = seen.is_none_or(|seen| seen.certificate_request.is_some());
        if ready != offer.client_certificate && asked {
            return different(if ready {
                "the client certificate"
            } else {
                "no client certificate"
            });
        }
        Ok(())
    }

    /// Whether the server name that was sent is libpq's.
    fn same_name(&self, connection: &Connection, address: &AddressFacts<'a>) -> Result<(), End> {
        let Some(offer) = &connection.offer else {
            return Ok(());
        };
        let wanted = self.parameters.sni(address.spec);
        if offer.sni.as_deref() == wanted {
            return Ok(());
        }
        Err(unknown(
            "libpq would have sent another server name, or none; probe again with these options",
            None,
        ))
    }

    /// Whether more bytes came with `S`.
    fn ssl_request(&self, connection: &Connection) -> Result<bool, End> {
        let protocol = |message: String| {
            Err(End::GivesUp(LibpqError::new(
                ErrorCode::ProtocolError,
                message,
            )))
        };
        match &connection.negotiation {
            Seen::Observed { value, .. } => match value.byte {
                b'S' => Ok(value.trailing > 0),
                b'N' => Err(End::NoTls),
                b'E' => protocol("server sent an error response during SSL exchange".into()),
                byte => protocol(format!(
                    "received invalid response to SSL negotiation: {}",
                    char::from(byte)
                )),
            },
            Seen::Failed {
                failure: Failure::ConnectTimeout,
                ..
            } => Err(self.struck()),
            Seen::Failed {
                failure: Failure::Deadline,
                ..
            } => Err(unknown("no answer to SSLRequest in time", None)),
            Seen::Failed { .. } => Err(End::GivesUp(LibpqError::new(
                ErrorCode::ConnectionClosed,
                "server closed the connection unexpectedly",
            ))),
            Seen::NotAttempted => Err(unknown("SSLRequest was not sent", None)),
        }
    }

    /// What a failed handshake means.
    fn handshake_failure(&self, failure: &Failure) -> End {
        if *failure == Failure::ConnectTimeout {
            return self.struck();
        }
        match tls_error::of_handshake(failure) {
            Ok(error) => End::NextMethod(error),
            Err(reason) => unknown(&reason, None),
        }
    }

    /// What decides about the server's answer to a StartupMessage, over this TLS or in plaintext.
    pub fn situation(&self, tls: Option<&Handshake>) -> Situation<'_> {
        let parameters = self.parameters;
        let code = |version| match version {
            ProtocolVersion::V3_0 => PROTOCOL_3_0,
            ProtocolVersion::V3_2 => PROTOCOL_3_2,
        };
        Situation {
            libpq: parameters.libpq(),
            encrypted: tls.is_some(),
            channel_binding: parameters.channel_binding(),
            require_auth: parameters.value("require_auth").unwrap_or_default(),
            required_methods: parameters.require_auth(),
            certificate_required: parameters.sslcertmode() == SslCertMode::Require,
            certificate_requested: tls.is_some_and(|tls| tls.certificate_request.is_some()),
            certificate_sent: tls.is_some_and(|tls| tls.client_certificate_sent),
            requested_version: code(parameters.max_protocol_version()),
            min_version: code(parameters.min_protocol_version()),
        }
    }
}

/// The TLS versions that libpq and its TLS library offer, lowest and highest; none if the first is
/// above the second. Of OpenSSL 3 it is what 3.0 offers.
pub fn version_range(parameters: &Parameters) -> (u16, u16) {
    use super::parameters::TlsVersion;
    let code = |version| match version {
        TlsVersion::V1_0 => 0x0301,
        TlsVersion::V1_1 => 0x0302,
        TlsVersion::V1_2 => 0x0303,
        TlsVersion::V1_3 => 0x0304,
    };
    let low = parameters
        .ssl_min_protocol_version()
        .map_or(openssl::LOWEST_VERSION, code);
    let high = parameters.ssl_max_protocol_version().map_or(0x0304, code);
    (low, high)
}

#[derive(Clone, Copy)]
enum Method {
    Plaintext,
    Tls,
}

/// The attempts as they are made.
#[derive(Default)]
struct Run<'a> {
    index: usize,
    host: Option<usize>,
    address: Option<String>,
    transport: Transport,
    steps: Vec<Step>,
    attempts: Vec<Attempt>,
    encrypted: bool,
    tls_error: Option<LibpqError>,
    /// What the last TLS came to, and at which address.
    tls: Option<(&'a AddressObservation, TlsAnswer)>,
    /// What the server must be; `None`: anything.
    attrs: Option<TargetSessionAttrs>,
}

impl Run<'_> {
    fn startup(&mut self, end: End) -> End {
        self.steps.push(Step::Startup);
        let end = match end {
            End::Reached(Auth::None, state) => match unsuitable(self.attrs, state) {
                Some(unsuitable) => unsuitable,
                None => End::Reached(Auth::None, state),
            },
            end => end,
        };
        self.end(end)
    }

    /// Writes the attempt down.
    fn end(&mut self, end: End) -> End {
        let (ended_in, error) = match &end {
            End::Reached(..) => (Ending::Reached, None),
            End::NoTls => (Ending::NextMethod, Some(no_tls())),
            End::NextMethod(error) => (Ending::NextMethod, Some(error.clone())),
            End::NextAddress(error) => (Ending::NextAddress, Some(error.clone())),
            End::NextHost(error) => (Ending::NextHost, Some(error.clone())),
            End::GivesUp(error) => (Ending::GivesUp, Some(error.clone())),
            End::Unknown(_) => (Ending::Unknown, None),
        };
        self.attempts.push(Attempt {
            host_index: self.index,
            address: self.address.clone(),
            transport: self.transport,
            steps: std::mem::take(&mut self.steps),
            ended_in,
            error,
        });
        end
    }

    fn unreached(&mut self, ended_in: Ending, error: Option<LibpqError>) {
        self.attempts.push(Attempt {
            host_index: self.index,
            address: None,
            transport: Transport::None,
            steps: Vec::new(),
            ended_in,
            error,
        });
    }
}

/// Evidence this close to connect_timeout may come out otherwise the next time.
const TIMEOUT_MARGIN_MS: f64 = 50.0;

/// The time of all steps of a connection, in milliseconds.
fn time_of(connection: Option<&Connection>) -> f64 {
    let Some(connection) = connection else {
        return 0.0;
    };
    let steps = [
        connection.connect.ms(),
        connection.negotiation.ms(),
        connection.handshake.ms(),
        connection.startup.ms(),
        connection.session.ms(),
    ];
    steps.into_iter().flatten().sum()
}

impl HostFacts<'_> {
    /// Whether the name has addresses that were not asked.
    fn has_untried_addresses(&self) -> bool {
        let found = self.observation.and_then(|seen| seen.resolve.value());
        found.is_some_and(|found| found.len() > self.addresses.len())
    }
}

fn find<'c>(address: &AddressFacts<'c>, purpose: Purpose) -> Option<&'c Connection> {
    let mut connections = address.observation.connections.iter();
    connections.find(|connection| connection.purpose == purpose)
}

fn find_with_chain<'c, 'f>(
    address: &'f AddressFacts<'c>,
    purpose: Purpose,
) -> Option<(&'c Connection, Option<&'f JudgedChain>)> {
    let connections = address.observation.connections.iter();
    connections
        .zip(&address.chains)
        .find(|(connection, _)| connection.purpose == purpose)
        .map(|(connection, chain)| (connection, chain.as_ref()))
}

/// Whether a connection failed by the rules of the TLS library.
fn is_of_library(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::TlsRule(_) | Failure::UnofferedAlpn | Failure::Unsupported(_)
    )
}

/// Why a server is not the one that target_session_attrs wants; libpq goes to the next host
/// (CONNECTION_CHECK_TARGET in `PQconnectPoll`).
fn unsuitable(attrs: Option<TargetSessionAttrs>, state: ServerKind) -> Option<End> {
    use TargetSessionAttrs::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};
    let read_only = match (state.default_transaction_read_only, state.in_hot_standby) {
        (Some(default), Some(standby)) => Some(default || standby),
        _ => None,
    };
    let (is, wanted, message) = match attrs? {
        Any | PreferStandby => return None,
        ReadWrite => (read_only, false, "session is read-only"),
        ReadOnly => (read_only, true, "session is not read-only"),
        Primary => (state.in_hot_standby, false, "server is in hot standby mode"),
        Standby => (
            state.in_hot_standby,
            true,
            "server is not in hot standby mode",
        ),
    };
    match is {
        Some(is) if is == wanted => None,
        Some(_) => Some(End::NextHost(LibpqError::new(
            ErrorCode::ServerError,
            message,
        ))),
        None => Some(unknown(
            "libpq would ask a server before PostgreSQL 14 what kind it is, and pgprobe does not",
            None,
        )),
    }
}

fn end_of(answer: Answer) -> End {
    match answer {
        Answer::Reached(auth) => End::Reached(auth, ServerKind::default()),
        Answer::Refused(error) => End::NextMethod(error),
        Answer::CannotConnectNow(error) => End::NextHost(error),
        Answer::Fatal(error) => End::GivesUp(error),
        Answer::TimedOut(error) => End::NextAddress(error),
        Answer::Unknown(reason) => unknown(&reason, None),
    }
}

fn connect_failure(failure: &Failure) -> End {
    let message = match failure {
        Failure::ConnectTimeout => return End::NextAddress(timed_out()),
        Failure::Deadline => return unknown("no TCP connection in time", None),
        Failure::Local(why) => {
            return unknown(
                &format!("pgprobe could not connect for want of its own: {why}"),
                None,
            );
        }
        Failure::Refused => "Connection refused".to_owned(),
        Failure::Unreachable(why) | Failure::Unresolved(why) => why.clone(),
        _ => {
            return End::GivesUp(LibpqError::new(
                ErrorCode::ConnectionClosed,
                "server closed the connection unexpectedly",
            ));
        }
    };
    End::NextAddress(LibpqError::new(ErrorCode::ConnectFailed, message))
}

fn timed_out() -> LibpqError {
    LibpqError::new(ErrorCode::Timeout, "timeout expired")
}

fn no_tls() -> LibpqError {
    LibpqError::new(
        ErrorCode::ServerRefusedSsl,
        "server does not support SSL, but SSL was required",
    )
}

fn of_mismatch(mismatch: &Mismatch) -> LibpqError {
    let code = if mismatch.host_missing {
        ErrorCode::BadParameter
    } else {
        ErrorCode::HostnameMismatch
    };
    LibpqError::new(code, mismatch.message.clone())
}

fn unknown(reason: &str, settled_by: Option<Depth>) -> End {
    End::Unknown(Unknown {
        reason: reason.to_owned(),
        settled_by,
    })
}
