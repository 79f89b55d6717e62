//! A report as a monitoring plugin judges it: lines with a state each, the worst deciding.
//!
//! The form is that of the Monitoring Plugins Development Guidelines.

mod details;
mod expiry;
pub mod output;
pub mod policy;
pub mod threshold;

use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::observation::Purpose;
use crate::report::{
    Anchors, ChainReport, ChainStatus, HostNameReport, HostReport, KeyPossession, Outcome, Report,
    StartupKind, Status, TlsAnswer, TlsReport,
};
use policy::Policy;
use threshold::Range;

/// OpenSSL's X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT.
const SELF_SIGNED: i32 = 18;

/// What a plugin says by its exit status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// 0.
    Ok,
    /// 1.
    Warning,
    /// 2.
    Critical,
    /// 3.
    Unknown,
}

impl State {
    /// The exit status.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The word of the guidelines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// How bad it is, as `max_state_alt` of the Monitoring Plugins orders them: what is not known
    /// hides nothing that is.
    const fn weight(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Unknown => 1,
            Self::Warning => 2,
            Self::Critical => 3,
        }
    }

    /// The worse of two.
    pub const fn worse(self, other: Self) -> Self {
        if other.weight() > self.weight() {
            other
        } else {
            self
        }
    }
}

/// One thing that was judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// What came of it.
    pub state: State,
    /// What was judged: `validity`, `chain`, the name of an option.
    pub what: &'static str,
    /// In words. The server's among them are untrusted: [`output`] makes them harmless.
    pub text: String,
}

impl Line {
    fn new(state: State, what: &'static str, text: impl Into<String>) -> Self {
        Self {
            state,
            what,
            text: text.into(),
        }
    }
}

/// A number for graphs.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its label, without the host.
    pub label: String,
    /// Seconds.
    pub value: f64,
    /// How many decimal places are shown.
    pub places: usize,
    /// The range that warns, in seconds.
    pub warning: Option<Range>,
    /// The range that is critical, in seconds.
    pub critical: Option<Range>,
    /// Whether it can never be less than 0.
    pub from_zero: bool,
}

/// What was judged of one host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostResult {
    /// Host and port as they were given.
    pub name: String,
    /// What was judged, in the order of the connection.
    pub lines: Vec<Line>,
    /// What was not, and why.
    pub notes: Vec<String>,
    /// What `-v` shows too: each with the number of `-v` that it needs.
    pub details: Vec<(u8, String)>,
    /// What it comes to if all is well.
    pub summary: String,
    /// The numbers.
    pub metrics: Vec<Metric>,
}

impl HostResult {
    /// A result that is one line.
    pub fn of(name: impl Into<String>, line: Line) -> Self {
        Self {
            name: name.into(),
            lines: vec![line],
            notes: Vec::new(),
            details: Vec::new(),
            summary: String::new(),
            metrics: Vec::new(),
        }
    }

    /// A target of which nothing is known because the check itself cannot be done.
    pub fn unknown(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self::of(name, Line::new(State::Unknown, "arguments", why))
    }

    /// The worst of its lines.
    pub fn state(&self) -> State {
        self.lines
            .iter()
            .fold(State::Ok, |worst, line| worst.worse(line.state))
    }
}

/// The trust anchors that the chain is judged by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Trust {
    /// None were given or found: chain and name are not judged.
    None,
    /// These were given or found.
    Anchors(Anchors),
    /// They were given and are not there; libpq's words.
    Missing(String),
}

/// What the target says beside where it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asked {
    /// The trust anchors.
    pub trust: Trust,
    /// libpq's parameters that demand something of the server, keyword and value; not sslmode.
    pub parameters: Vec<(&'static str, String)>,
    /// What libpq passes over in silence.
    pub notes: Vec<String>,
}

/// Judges each host of a report.
pub fn judge(report: &Report, policy: &Policy, asked: &Asked) -> Vec<HostResult> {
    if report.hosts.is_empty() {
        let why = match &report.target.error {
            Some(error) => error.message.clone(),
            None => "nothing was sent".into(),
        };
        return vec![HostResult::unknown(report.target.input.clone(), why)];
    }
    let hosts = report.hosts.iter();
    hosts
        .map(|host| judge_host(report, host, policy, asked))
        .collect()
}

fn judge_host(report: &Report, host: &HostReport, policy: &Policy, asked: &Asked) -> HostResult {
    let mut result = HostResult {
        name: name(host),
        lines: Vec::new(),
        notes: Vec::new(),
        details: details::details(report, host),
        summary: String::new(),
        metrics: Vec::new(),
    };
    // Such as an sslmode that does not exist: libpq refuses what was asked for as a whole.
    if let Some(error) = &report.target.error {
        let line = Line::new(State::Unknown, "arguments", error.message.clone());
        result.lines.push(line);
    }
    let connected = connection(host);
    let reached = connected.state == State::Ok;
    result.lines.push(connected);
    if reached {
        result.lines.push(handshake(host));
    }
    let validity = expiry::judge(report, host, &policy.limits);
    if let Some((line, metrics)) = validity {
        result.summary = summary(host, &line);
        result.lines.push(line);
        result.metrics.extend(metrics);
    }
    if let Some(tls) = host.tls.as_ref().filter(|_| !host.certificates.is_empty()) {
        match &asked.trust {
            Trust::None => result.notes.push(
                "chain and host name are not judged: no root certificates were given \
                 (--sslrootcert, PGSSLROOTCERT) or found (~/.postgresql/root.crt)"
                    .into(),
            ),
            Trust::Missing(why) => result.lines.push(Line::new(State::Unknown, "chain", why)),
            Trust::Anchors(anchors) => {
                let found = tls.chain.iter().find(|chain| chain.anchors == *anchors);
                result.lines.push(chain(found, policy.allow_self_signed));
                let mode = policy.mode.or(report.target.sslmode);
                result.lines.push(host_name(tls, mode));
            }
        }
    }
    client_certificate(host, policy, asked, &mut result);
    result.lines.extend(policy.judge(host));
    // In TLS 1.3 a front end that demands one says so only after the handshake.
    let asks = host.tls.as_ref().is_some_and(|tls| {
        let certificate = &tls.client_certificate;
        certificate.requested == Some(true) && !certificate.sent
    });
    if asks && reached && !policy.needs_startup() {
        result.notes.push(
            "the server asks for a client certificate; whether it does without one is not asked \
             at this depth (--require-mode and --require-client-cert ask)"
                .into(),
        );
    }
    if let Some(mode) = report.target.sslmode.filter(|_| policy.mode.is_none()) {
        let mode = mode.name();
        result.notes.push(format!(
            "sslmode={mode} is not required to work; --require-mode {mode} does that"
        ));
    }
    result.notes.extend(asked.notes.iter().cloned());
    result.notes.extend(not_judged(host, policy, asked));
    result.metrics.extend(times(host));
    result
}

/// The parameters that libpq would go by and this check does not.
fn not_judged(host: &HostReport, policy: &Policy, asked: &Asked) -> Vec<String> {
    let asks = "--require-mode MODE asks";
    let answers = [&host.startup.tls, &host.startup.plaintext];
    let mut answers = answers.into_iter().flatten();
    let lets_in = answers.any(|answer| answer.answer == StartupKind::Accepted);
    let parameters = asked.parameters.iter().map(|(keyword, value)| {
        let how = match *keyword {
            "target_session_attrs" if policy.mode.is_some() && lets_in => return None,
            "target_session_attrs" => "what kind of server it is shows after a login only".into(),
            _ if policy.mode.is_some() => return None,
            "gssencmode" => format!("libpq would encrypt by GSSAPI and use no TLS; {asks}"),
            "channel_binding" if policy.channel_binding => return None,
            "channel_binding" => format!("{asks}, or --require-channel-binding"),
            "require_auth" => format!("{asks}, or --require-scram"),
            "sslcert" => {
                return Some(format!(
                    "whether the server takes the client certificate of sslcert is not judged; \
                     {asks}"
                ));
            }
            _ => asks.into(),
        };
        Some(format!("{keyword}={value} is not judged: {how}"))
    });
    parameters.flatten().collect()
}

/// What libpq says to a client certificate that it cannot use: it then does no TLS at all.
fn client_certificate(host: &HostReport, policy: &Policy, asked: &Asked, result: &mut HostResult) {
    let mut errors = host.sslmodes.iter().filter_map(|it| it.error.as_ref());
    let error = errors.find(|error| error.code == ErrorCode::ClientCertUnusable);
    let Some(error) = error.filter(|_| policy.mode.is_none()) else {
        return;
    };
    let why = error.message.lines().next().unwrap_or_default();
    if asked.parameters.iter().any(|(name, _)| *name == "sslcert") {
        let line = Line::new(State::Unknown, "client certificate", why);
        result.lines.push(line);
    } else {
        let note = format!("libpq would do no TLS here, for its client certificate: {why}");
        result.notes.push(note);
    }
}

/// Host and port as they were given.
fn name(host: &HostReport) -> String {
    let name = host.host.as_deref().or(host.hostaddr.as_deref());
    let name = name.unwrap_or("(no host)");
    if host.port.is_empty() || name.starts_with(['/', '@']) {
        name.to_owned()
    } else if name.contains(':') {
        format!("[{name}]:{}", host.port)
    } else {
        format!("{name}:{}", host.port)
    }
}

/// Whether the server is there and willing.
fn connection(host: &HostReport) -> Line {
    let say = |state, text: String| Line::new(state, "connection", text);
    let failure = host.failure.clone().unwrap_or_else(|| "failed".into());
    let name = host.host.as_deref().unwrap_or_default();
    match host.status {
        Status::UnixSocket | Status::ConnectFailed if name.starts_with(['/', '@']) => say(
            State::Unknown,
            "a Unix socket: libpq never uses TLS there".into(),
        ),
        Status::Tls | Status::TlsFailed => {
            let address = host
                .addresses
                .iter()
                .find(|address| address.connected == Some(true));
            let address = address.map_or("connected", |address| &address.address);
            say(State::Ok, address.to_owned())
        }
        Status::NoTls => say(
            State::Critical,
            "no TLS: the server answered N to SSLRequest".into(),
        ),
        // Such as no descriptor left: that says nothing of the server.
        Status::ConnectFailed if failure.starts_with("this machine could not") => {
            say(State::Unknown, failure)
        }
        Status::ConnectFailed => say(State::Critical, failure),
        Status::NotResolved => say(State::Critical, format!("no address: {failure}")),
        // In a handshake, too: the answer to SSLRequest is then there.
        Status::Timeout => say(State::Critical, format!("timeout: {failure}")),
        Status::ProtocolError => say(State::Critical, format!("not PostgreSQL: {failure}")),
        Status::ConnectionClosed => say(State::Critical, failure),
        Status::UnixSocket => say(
            State::Unknown,
            "a Unix socket: libpq never uses TLS there".into(),
        ),
        Status::NothingSent => {
            let verdict = host.sslmodes.iter().find_map(|it| it.error.as_ref());
            let why = verdict.map(|error| error.message.as_str());
            say(State::Unknown, why.unwrap_or("nothing was sent").to_owned())
        }
    }
}

/// The handshake, the proof of the key, and what libpq would say to both.
fn handshake(host: &HostReport) -> Line {
    let say = |state, text: String| Line::new(state, "TLS", text);
    let failed = |why: &Option<String>| {
        let why = why.as_deref().unwrap_or("it was not completed");
        format!("the handshake failed: {why}")
    };
    let Some(tls) = host.tls.as_ref().filter(|_| host.status == Status::Tls) else {
        return say(State::Critical, failed(&host.failure));
    };
    if !tls.completed {
        return say(State::Critical, failed(&tls.failure));
    }
    let request = host.ssl_request.as_ref();
    if request.is_some_and(|request| request.trailing_bytes > 0) {
        let text = "plaintext bytes came together with the answer to SSLRequest (CVE-2021-23222)";
        return say(State::Critical, text.into());
    }
    if tls.seen_by == Purpose::Direct && tls.alpn.is_none() {
        let text = "direct TLS without ALPN, which libpq refuses";
        return say(State::Critical, text.into());
    }
    let reason = tls.key_possession_reason.as_deref().unwrap_or_default();
    match tls.key_possession {
        KeyPossession::Proved => {}
        KeyPossession::Refuted => {
            let text = format!("the server did not prove that it has its key: {reason}");
            return say(State::Critical, text);
        }
        KeyPossession::Unchecked | KeyPossession::NotSeen => {
            let text = format!("the proof of the server's key could not be checked: {reason}");
            return say(State::Unknown, text.trim_end_matches(": ").to_owned());
        }
    }
    let require = host
        .sslmodes
        .iter()
        .find(|verdict| verdict.mode == SslMode::Require && verdict.outcome == Outcome::Fails);
    let refusal = require
        .filter(|verdict| verdict.tls == TlsAnswer::Refused)
        .and_then(|verdict| verdict.error.as_ref())
        .filter(|error| {
            matches!(
                error.code,
                ErrorCode::TlsHandshakeFailed
                    | ErrorCode::TlsVersionUnsupported
                    | ErrorCode::ProtocolError
                    | ErrorCode::AlpnMissing
                    | ErrorCode::UnencryptedDataInjected
                    | ErrorCode::ClientCertRequired
                    | ErrorCode::ClientCertRejected
            )
        });
    if let Some(error) = refusal {
        let text = format!("libpq does not take this TLS: {}", error.message);
        return say(State::Critical, text);
    }
    let facts = [
        tls.protocol_version.as_deref(),
        tls.cipher_suite.as_deref(),
        tls.group.as_deref(),
    ];
    let mut facts: Vec<&str> = facts.into_iter().flatten().collect();
    facts.push("key proved");
    say(State::Ok, facts.join(", "))
}

fn chain(found: Option<&ChainReport>, allow_self_signed: bool) -> Line {
    let say = |state, text: String| Line::new(state, "chain", text);
    let Some(found) = found else {
        return say(State::Unknown, "it was not judged".into());
    };
    let message = found.message.as_deref().unwrap_or("undetermined");
    let source = match (&found.source, found.anchors) {
        (Some(source), Anchors::RootFile) => source.clone(),
        (_, Anchors::RootFile) => "root file".into(),
        (_, Anchors::System) => "the system's store".into(),
        (_, Anchors::Mozilla) => "Mozilla's roots".into(),
    };
    match found.status {
        ChainStatus::Ok => {
            let end = found.path.last().map_or("", String::as_str);
            say(State::Ok, format!("ends in {end} ({source})"))
        }
        ChainStatus::Failed
            if allow_self_signed && found.error == Some(SELF_SIGNED) && found.depth == Some(0) =>
        {
            say(State::Ok, "self-signed, which is allowed".into())
        }
        ChainStatus::Failed => {
            let depth = found.depth.unwrap_or_default();
            let text = format!(
                "{message} (error {} at depth {depth}, {source})",
                found.error.unwrap_or_default()
            );
            say(State::Critical, text)
        }
        ChainStatus::Absent => say(State::Unknown, format!("{source} is not there")),
        ChainStatus::Undetermined | ChainStatus::Unreadable => {
            say(State::Unknown, message.to_owned())
        }
    }
}

/// The host name, unless verify-ca was asked for, which does not compare it.
fn host_name(tls: &TlsReport, mode: Option<SslMode>) -> Line {
    let say = |state, text: String| Line::new(state, "host name", text);
    // Whoever says verify-ca says that the chain is verified and the name is not. The weaker modes
    // say nothing of either, and a variable of the environment must not make this line green.
    let chain_alone = mode == Some(SslMode::VerifyCa);
    match (&tls.host_name, chain_alone) {
        (Some(found), true) if !found.matches => {
            let why = found.message.as_deref().unwrap_or("it does not match");
            say(
                State::Ok,
                format!("not compared with sslmode=verify-ca: {why}"),
            )
        }
        (found, _) => host_name_of_verify_full(found.as_ref(), say),
    }
}

fn host_name_of_verify_full(
    found: Option<&HostNameReport>,
    say: impl Fn(State, String) -> Line,
) -> Line {
    match found {
        Some(found) if found.matches => {
            let name = found.matched_name.as_deref().unwrap_or(&found.host);
            say(State::Ok, format!("matches {name}"))
        }
        Some(found) => {
            let why = found.message.as_deref().unwrap_or("does not match");
            say(State::Critical, why.to_owned())
        }
        None => say(State::Unknown, "it was not judged".into()),
    }
}

/// The first line's words where nothing is wrong.
fn summary(host: &HostReport, validity: &Line) -> String {
    let tls = host.tls.as_ref();
    let version = tls.and_then(|tls| tls.protocol_version.as_deref());
    let text = validity.text.trim_start_matches("certificate ");
    format!("{}, {text}", version.unwrap_or("TLS"))
}

/// How long connecting and TLS took, SSLRequest included.
fn times(host: &HostReport) -> Vec<Metric> {
    let main =
        |purpose: Option<Purpose>| matches!(purpose, Some(Purpose::Negotiated | Purpose::Direct));
    let took = |steps: &[&str]| {
        let timings = host.timings.iter();
        let mut found = timings
            .filter(|timing| main(timing.purpose) && steps.contains(&timing.step))
            .map(|timing| timing.ms)
            .peekable();
        found.peek()?;
        Some(found.sum::<f64>() / 1000.0)
    };
    let completed = host.status == Status::Tls;
    let all = [
        ("connect", took(&["connect"])),
        (
            "tls",
            took(&["negotiation", "handshake"]).filter(|_| completed),
        ),
    ];
    all.into_iter()
        .filter_map(|(label, value)| {
            Some(Metric {
                label: label.into(),
                value: value?,
                places: 6,
                warning: None,
                critical: None,
                from_zero: true,
            })
        })
        .collect()
}
