//! What a report says of one host: the summary of its connections.

use std::borrow::Cow;
use std::cell::RefCell;

use super::trust::Trust;
use super::{certificate, expected};
use crate::advice;
use crate::client::Client;
use crate::emulates::Emulates;
use crate::libpq::authentication::{Answer, Auth, judge_failure, judge_reply, judge_session};
use crate::libpq::error::ErrorCode;
use crate::libpq::host_name::Rule;
use crate::libpq::parameters::{HostKind, RootCertificates};
use crate::libpq::verdict::{Facts, HostFacts, JudgedChain, Possession, Roots};
use crate::lints;
use crate::observation::{
    AddressObservation, Connection, Endpoint, Failure, Handshake, Observation, Offer, Purpose,
    SessionStart, StartupReply, Step,
};
use crate::pki::Certificate;
use crate::pki::name::Name;
use crate::report::{
    AddressReport, AdviceKind, AnswerReport, ClientCertificateReport, DirectReport, HostNameReport,
    HostReport, KeyPossession, NamelessReport, OfferReport, Outcome, Report, Shared,
    SslRequestReport, StartupAnswer, StartupKind, StartupReport, Status, Timing, TlsReport,
    UNSUPPORTED, Verdict,
};
use crate::wire::tls::names;

/// How many connections a probe opened or tried.
pub(super) fn connections(observation: &Observation) -> usize {
    let addresses = observation.hosts.iter().flat_map(|host| &host.addresses);
    addresses
        .map(|address| {
            let enumeration = address.enumeration.as_ref();
            address.connections.len().max(1) + enumeration.map_or(0, |seen| seen.connections)
        })
        .sum()
}

pub(super) fn report(
    host: &HostFacts<'_>,
    facts: &Facts<'_>,
    trust: &Trust,
    client: &Client,
    sslmodes: Shared<Vec<Verdict>>,
    now: i64,
) -> HostReport {
    let reached = host
        .addresses
        .iter()
        .find(|address| !address.observation.connections.is_empty());
    let connections = reached
        .map(|address| address.observation.connections.as_slice())
        .unwrap_or_default();
    let find = |purpose| {
        connections
            .iter()
            .find(|connection| connection.purpose == purpose)
    };
    let main_purposes = [Purpose::Negotiated, Purpose::Direct];
    let main = connections
        .first()
        .filter(|main| main_purposes.contains(&main.purpose));
    let shown = main.filter(|main| main.handshake.ms().is_some());
    let judged = shown.and_then(|shown| {
        let place = connections
            .iter()
            .position(|connection| std::ptr::eq(connection, shown))?;
        reached?.chains.get(place)?.as_ref()
    });
    // Whatever is shown is judged, if it has a certificate.
    let chain = judged
        .map(|judged| judged.sent.as_slice())
        .unwrap_or_default();
    // pgprobe's own client stands in where the TLS library's ClientHello was refused.
    let spoke = shown.filter(|shown| is_completed(shown)).or(main);
    let startup = startup(connections, facts, spoke);
    let (status, failure) = status(host, main, shown);
    let direct = |purpose: Purpose| {
        let connection =
            find(purpose).filter(|_| Some(purpose) != main.map(|main| main.purpose))?;
        Some(direct_report(connection, shown))
    };
    let tls = shown.map(|shown| {
        let mut report = tls_report(shown, judged, host);
        report.chain = judged
            .map(|judged| judged.reports.clone())
            .unwrap_or_default();
        report.client_certificate = client_certificate(connections, spoke, facts);
        report.into()
    });
    let mut report = HostReport {
        host: host.spec.host.clone(),
        hostaddr: host.spec.hostaddr.clone(),
        port: host.spec.port.clone(),
        status,
        failure,
        addresses: addresses(host),
        ssl_request: main
            .filter(|main| main.purpose == Purpose::Negotiated)
            .map(ssl_request),
        startup,
        tls,
        certificates: chain
            .iter()
            .map(|der| certificate::report(der, now))
            .collect(),
        sslmodes,
        direct: direct(Purpose::Direct),
        direct_without_alpn: direct(Purpose::DirectWithoutAlpn),
        without_server_name: find(Purpose::WithoutServerName)
            .map(|connection| nameless_report(connection, shown)),
        gssenc_request: find(Purpose::Gssenc).map(|connection| match &connection.negotiation {
            Step::Observed { value, .. } => byte_text(value.byte),
            step => step.failure().map(failure_text).unwrap_or_default(),
        }),
        timings: timings(host, connections),
        answers: answers(connections),
        advice: Vec::new(),
        findings: Vec::new(),
        suggestions: Vec::new(),
        profiles: Vec::new(),
        other_clients: Vec::new(),
        enumeration: reached
            .and_then(|reached| reached.observation.enumeration.as_ref())
            .map(|seen| super::enumeration::report(seen, connections, facts.parameters, now)),
        expected_certificate: client
            .expected
            .as_ref()
            .and_then(|file| expected::compare(file, chain)),
    };
    let situation = advice::Situation {
        host: &report,
        spec: host.spec,
        parameters: facts.parameters,
        client,
        emulates: Emulates {
            libpq: facts.parameters.libpq(),
            openssl: facts.openssl,
        },
        chain,
        anchors: trust.anchors(),
        root_store: trust.root_store(),
        now,
    };
    let (advice, others) = (
        advice::advise(&situation),
        advice::other_clients(&situation),
    );
    report.advice = advice;
    report.other_clients = others;
    report.findings = lints::findings(&report, now);
    report.suggestions = lints::suggestions(&report.findings);
    report
}

fn addresses(host: &HostFacts<'_>) -> Vec<AddressReport> {
    let tried = host.addresses.iter().map(|address| AddressReport {
        address: address.text.clone(),
        connected: Some(address.observation.connect.value().is_some()),
        failure: address.observation.connect.failure().map(failure_text),
    });
    let found = host
        .observation
        .and_then(|seen| seen.resolve.value())
        .map(Vec::as_slice)
        .unwrap_or_default();
    let untried = found.iter().filter(|ip| {
        !host.addresses.iter().any(|address| {
            matches!(&address.observation.address, Endpoint::Tcp(tried) if tried.ip() == **ip)
        })
    });
    let port = host.spec.port().unwrap_or_default();
    let untried = untried.map(|ip| AddressReport {
        address: std::net::SocketAddr::new(*ip, port).to_string(),
        connected: None,
        failure: None,
    });
    tried.chain(untried).collect()
}

fn status(
    host: &HostFacts<'_>,
    main: Option<&Connection>,
    shown: Option<&Connection>,
) -> (Status, Option<String>) {
    let Some(seen) = host.observation else {
        return (Status::NothingSent, None);
    };
    if matches!(host.spec.kind(), HostKind::UnixSocket(_)) {
        let failed = |address: &AddressObservation| address.connect.failure().map(failure_text);
        let failure = seen.addresses.first().and_then(failed);
        let status = if failure.is_some() {
            Status::ConnectFailed
        } else {
            Status::UnixSocket
        };
        return (status, failure);
    }
    if let Some(failure) = seen.resolve.failure() {
        let status = match failure {
            Failure::Deadline => Status::Timeout,
            _ => Status::NotResolved,
        };
        return (status, Some(failure_text(failure)));
    }
    let Some(main) = main else {
        let mut failures = seen
            .addresses
            .iter()
            .filter_map(|address| address.connect.failure());
        let last = failures.next_back();
        let status = match last {
            Some(Failure::Deadline | Failure::ConnectTimeout) => Status::Timeout,
            Some(_) => Status::ConnectFailed,
            None => Status::NotResolved,
        };
        return (status, last.map(failure_text));
    };
    if let Some(failure) = main.negotiation.failure() {
        let status = match failure {
            Failure::Deadline | Failure::ConnectTimeout => Status::Timeout,
            _ => Status::ConnectionClosed,
        };
        return (status, Some(failure_text(failure)));
    }
    match main.negotiation.value().map(|reply| reply.byte) {
        Some(b'N') => return (Status::NoTls, None),
        Some(b'S') | None => {}
        Some(byte) => {
            let why = format!("answered {} to SSLRequest", byte_text(byte));
            return (Status::ProtocolError, Some(why));
        }
    }
    let completed = shown.is_some_and(is_completed);
    match main.handshake.failure() {
        _ if completed => (Status::Tls, None),
        Some(failure @ (Failure::Deadline | Failure::ConnectTimeout)) => {
            (Status::Timeout, Some(failure_text(failure)))
        }
        failure => (Status::TlsFailed, failure.map(failure_text)),
    }
}

/// Whether a handshake came to its end.
fn is_completed(connection: &Connection) -> bool {
    connection.handshake.value().is_some()
}

fn ssl_request(main: &Connection) -> SslRequestReport {
    let reply = main.negotiation.value();
    SslRequestReport {
        answer: reply.map(|reply| byte_text(reply.byte)),
        trailing_bytes: reply.map_or(0, |reply| reply.trailing),
        failure: main.negotiation.failure().map(failure_text),
    }
}

fn startup(
    connections: &[Connection],
    facts: &Facts<'_>,
    main: Option<&Connection>,
) -> StartupReport {
    let answer = |connection: &Connection| {
        let encrypted = connection
            .tls
            .as_ref()
            .filter(|_| connection.startup_encrypted);
        startup_answer(connection, facts, encrypted)
    };
    let find = |purpose: Purpose| connections.iter().find(|other| other.purpose == purpose);
    let plain = find(Purpose::Plaintext).or_else(|| find(Purpose::Socket));
    let without = find(Purpose::WithoutClientCertificate);
    let errors = connections
        .iter()
        .filter_map(|connection| connection.startup.value());
    let client_address = errors.filter_map(client_address).next();
    StartupReport {
        user: facts.parameters.user().map(str::to_owned),
        dbname: facts.parameters.dbname().map(str::to_owned),
        client_address,
        tls: main.filter(|main| main.startup_encrypted).and_then(answer),
        plaintext: plain.and_then(answer),
        tls_without_client_certificate: without
            .filter(|connection| connection.startup_encrypted)
            .and_then(answer),
    }
}

/// The address in `no pg_hba.conf entry for host "..."`.
fn client_address(reply: &StartupReply) -> Option<String> {
    let StartupReply::Error(error) = reply else {
        return None;
    };
    let (_, rest) = error.message.split_once("for host \"")?;
    let (address, _) = rest.split_once('"')?;
    address
        .parse::<std::net::IpAddr>()
        .ok()
        .map(|address| address.to_string())
}

fn startup_answer(
    connection: &Connection,
    facts: &Facts<'_>,
    tls: Option<&Handshake>,
) -> Option<StartupAnswer> {
    let mut said = StartupAnswer {
        answer: StartupKind::Failed,
        auth: None,
        mechanisms: Vec::new(),
        sqlstate: None,
        message: None,
    };
    let reply = match &connection.startup {
        Step::NotAttempted => return None,
        Step::Failed { failure, .. } => {
            if matches!(failure, Failure::Deadline | Failure::ConnectTimeout) {
                said.answer = StartupKind::Timeout;
            }
            said.message = Some(match judge_failure(failure) {
                Answer::Fatal(error) => error.message,
                _ => failure_text(failure),
            });
            return Some(said);
        }
        Step::Observed { value, .. } => value,
    };
    let mut inner = reply;
    while let StartupReply::NegotiateProtocolVersion {
        then: Some(then), ..
    } = inner
    {
        inner = then;
    }
    match inner {
        StartupReply::Authentication(request) => {
            said.mechanisms = request.mechanisms.clone();
            said.answer = if request.code == 0 {
                StartupKind::Accepted
            } else {
                StartupKind::Asked
            };
        }
        StartupReply::Error(error) => {
            said.sqlstate = Some(error.sqlstate.clone()).filter(|code| !code.is_empty());
            said.answer = StartupKind::Error;
        }
        StartupReply::NegotiateProtocolVersion { .. } | StartupReply::Unexpected { .. } => {}
    }
    let judged = judge_reply(reply, &facts.situation(tls));
    said.auth = match &judged {
        Answer::Reached(auth) => Some(*auth),
        // What the server asked for, whatever this libpq makes of it.
        _ => asked_for(inner, tls.is_some()),
    };
    match judged {
        Answer::Reached(Auth::None) => after_authentication(connection, &mut said),
        Answer::Reached(_) => {}
        Answer::Refused(error) | Answer::CannotConnectNow(error) => {
            if matches!(
                error.code,
                ErrorCode::HbaRejected
                    | ErrorCode::ClientCertRequired
                    | ErrorCode::ClientCertRejected
            ) {
                said.answer = StartupKind::Refused;
            }
            said.message = Some(error.message);
        }
        Answer::Fatal(error) | Answer::TimedOut(error) => said.message = Some(error.message),
        Answer::Unknown(why) => said.message = Some(why),
    }
    Some(said)
}

/// What became of the session after AuthenticationOk, where it did not start.
fn after_authentication(connection: &Connection, said: &mut StartupAnswer) {
    said.message = match &connection.session {
        Step::NotAttempted => None,
        Step::Failed {
            failure: failure @ (Failure::Deadline | Failure::ConnectTimeout),
            ..
        } => Some(failure_text(failure)),
        Step::Failed { failure, .. } => match judge_failure(failure) {
            Answer::Fatal(error) => Some(error.message),
            _ => Some(failure_text(failure)),
        },
        Step::Observed { value, .. } => {
            if let SessionStart::Error(error) = value {
                said.sqlstate = Some(error.sqlstate.clone()).filter(|code| !code.is_empty());
            }
            match judge_session(value) {
                Answer::Fatal(error) => Some(error.message),
                Answer::Unknown(why) => Some(why),
                _ => None,
            }
        }
    };
}

/// The authentication that a request asks for.
fn asked_for(reply: &StartupReply, encrypted: bool) -> Option<Auth> {
    let StartupReply::Authentication(request) = reply else {
        return None;
    };
    let offers = |name: &str| request.mechanisms.iter().any(|one| one == name);
    Some(match request.code {
        0 => Auth::None,
        3 => Auth::Password,
        5 => Auth::Md5,
        7 => Auth::Gss,
        9 => Auth::Sspi,
        10 if encrypted && offers("SCRAM-SHA-256-PLUS") => Auth::ScramSha256Plus,
        10 if offers("SCRAM-SHA-256") => Auth::ScramSha256,
        10 if offers("OAUTHBEARER") => Auth::Oauthbearer,
        _ => Auth::Unsupported,
    })
}

fn tls_report(shown: &Connection, judged: Option<&JudgedChain>, host: &HostFacts<'_>) -> TlsReport {
    let nothing = Handshake::default();
    let seen = shown.tls.as_ref().unwrap_or(&nothing);
    let suite = seen.cipher_suite.map(|code| (code, names::suite_of(code)));
    let (key_possession, key_possession_reason) = match judged.map(|judged| &judged.possession) {
        Some(Possession::Proved) => (KeyPossession::Proved, None),
        Some(Possession::Refuted(why)) => (KeyPossession::Refuted, Some(why.clone())),
        Some(Possession::Unchecked(why)) => (KeyPossession::Unchecked, Some(why.clone())),
        Some(Possession::NotSeen) | None => (KeyPossession::NotSeen, None),
    };
    TlsReport {
        seen_by: shown.purpose,
        completed: is_completed(shown),
        failure: shown.handshake.failure().map(failure_text),
        protocol_version: seen.protocol_version.map(names::protocol_version),
        cipher_suite: suite.map(|(code, suite)| match suite {
            Some(suite) => suite.iana.to_owned(),
            None => format!("0x{code:04x}"),
        }),
        cipher_suite_openssl: suite.and_then(|(_, suite)| Some(suite?.openssl.to_owned())),
        bits: suite.and_then(|(_, suite)| Some(suite?.bits)),
        group: seen.group.map(names::group),
        dh_bits: seen.dh_bits,
        hello_retry_request: seen.hello_retry_request,
        alpn: seen.alpn.clone(),
        signature_scheme: seen
            .signature
            .as_ref()
            .map(|signature| names::signature_scheme(signature.scheme)),
        key_possession,
        key_possession_reason,
        client_certificate: ClientCertificateReport::default(),
        session_tickets: seen.tickets,
        chain: Vec::new(),
        host_name: judged.map(|judged| host_name(judged, host)),
        offer: shown.offer.as_ref().map(last_offer),
    }
}

fn host_name(judged: &JudgedChain, host: &HostFacts<'_>) -> HostNameReport {
    let host = host.spec.host.clone().unwrap_or_default();
    match &judged.host_name {
        Ok(found) => HostNameReport {
            host,
            matches: true,
            matched_name: Some(found.name.clone()),
            rule: Some(
                match found.rule {
                    Rule::DnsName => "dns_name",
                    Rule::DnsWildcard => "dns_wildcard",
                    Rule::IpAddress => "ip_address",
                    Rule::CommonName => "common_name",
                    Rule::CommonNameWildcard => "common_name_wildcard",
                }
                .into(),
            ),
            message: None,
        },
        Err(mismatch) => HostNameReport {
            host,
            matches: false,
            matched_name: None,
            rule: None,
            message: Some(mismatch.message.clone()),
        },
    }
}

fn client_certificate(
    connections: &[Connection],
    main: Option<&Connection>,
    facts: &Facts<'_>,
) -> ClientCertificateReport {
    let Some(main) = main else {
        return ClientCertificateReport::default();
    };
    let seen = main.tls.as_ref();
    let request = seen.and_then(|seen| seen.certificate_request.as_ref());
    let sent = seen.is_some_and(|seen| seen.client_certificate_sent);
    let answer = |connection: &Connection| match &connection.startup {
        Step::Observed { value, .. } => Some(judge_reply(
            value,
            &facts.situation(connection.tls.as_ref()),
        )),
        Step::Failed { failure, .. } => Some(judge_failure(failure)),
        Step::NotAttempted => {
            let failure = connection.handshake.failure()?;
            crate::libpq::tls_error::of_handshake(failure)
                .ok()
                .map(Answer::Fatal)
        }
    };
    let code = |connection: &Connection| match answer(connection)? {
        Answer::Reached(_) => Some(Ok(())),
        Answer::Refused(error) | Answer::Fatal(error) => Some(Err(error.code)),
        _ => None,
    };
    let without = connections
        .iter()
        .find(|connection| connection.purpose == Purpose::WithoutClientCertificate)
        .or(Some(main).filter(|_| !sent));
    let demanded = match without.and_then(code) {
        Some(Ok(())) => Some(false),
        Some(Err(ErrorCode::ClientCertRequired)) => Some(true),
        _ => None,
    };
    let accepted = match code(main).filter(|_| sent) {
        Some(Ok(())) => Some(true),
        Some(Err(ErrorCode::ClientCertRejected)) => Some(false),
        _ => None,
    };
    let authorities = request
        .map(|request| request.authorities.as_slice())
        .unwrap_or_default();
    ClientCertificateReport {
        requested: seen
            .filter(|_| main.handshake.value().is_some() || request.is_some())
            .map(|_| request.is_some()),
        authorities: authorities
            .iter()
            .map(|der| match Name::from_der(der) {
                Ok(name) => name.to_string(),
                Err(_) => format!("<undecodable> {}", certificate::hex(der)),
            })
            .collect(),
        sent,
        demanded,
        accepted,
    }
}

thread_local! {
    /// The last offer: many servers are made the same.
    static LAST_OFFER: RefCell<Option<(Offer, Shared<OfferReport>)>> = const { RefCell::new(None) };
}

fn last_offer(made: &Offer) -> Shared<OfferReport> {
    LAST_OFFER.with_borrow_mut(|last| match last {
        Some((other, report)) if other == made => report.clone(),
        _ => last.insert((made.clone(), offer(made).into())).1.clone(),
    })
}

fn offer(offer: &Offer) -> OfferReport {
    OfferReport {
        versions: [offer.min_version, offer.max_version].map(names::protocol_version),
        cipher_suites: offer
            .cipher_suites
            .iter()
            .map(|code| {
                names::suite_of(*code).map_or_else(
                    || Cow::Owned(format!("0x{code:04x}")),
                    |suite| Cow::Borrowed(suite.iana),
                )
            })
            .collect(),
        groups: offer
            .groups
            .iter()
            .map(|code| names::group_word(*code))
            .collect(),
        signature_schemes: offer
            .signature_schemes
            .iter()
            .map(|code| names::signature_scheme_word(*code))
            .collect(),
        alpn: offer.alpn.clone(),
        sni: offer.sni.clone(),
        client_certificate: offer.client_certificate,
    }
}

fn direct_report(connection: &Connection, shown: Option<&Connection>) -> DirectReport {
    let seen = connection.tls.as_ref();
    DirectReport {
        completed: connection.handshake.value().is_some(),
        alpn_offered: connection
            .offer
            .as_ref()
            .is_some_and(|offer| offer.alpn.is_some()),
        alpn: seen.and_then(|seen| seen.alpn.clone()),
        protocol_version: seen
            .and_then(|seen| seen.protocol_version)
            .map(names::protocol_version),
        same_chain: same_chain(connection, shown),
        sha256: leaf(connection).map(|leaf| certificate::hex(&leaf.sha256())),
        failure: failure_of(connection),
    }
}

fn nameless_report(connection: &Connection, shown: Option<&Connection>) -> NamelessReport {
    let seen = connection.tls.as_ref();
    let leaf = leaf(connection);
    NamelessReport {
        completed: connection.handshake.value().is_some(),
        protocol_version: seen
            .and_then(|seen| seen.protocol_version)
            .map(names::protocol_version),
        same_chain: same_chain(connection, shown),
        subject: leaf.as_ref().map(|leaf| leaf.subject.to_string()),
        sha256: leaf.map(|leaf| certificate::hex(&leaf.sha256())),
        failure: failure_of(connection),
    }
}

fn same_chain(connection: &Connection, shown: Option<&Connection>) -> Option<bool> {
    let seen = connection.tls.as_ref();
    seen.filter(|seen| !seen.certificates.is_empty())
        .zip(shown.and_then(|shown| shown.tls.as_ref()))
        .map(|(seen, shown)| seen.certificates == shown.certificates)
}

fn leaf(connection: &Connection) -> Option<Certificate> {
    let seen = connection.tls.as_ref()?;
    seen.certificates.first().map(|der| Certificate::parse(der))
}

/// Why the handshake of a connection was not completed.
fn failure_of(connection: &Connection) -> Option<String> {
    let failure = connection
        .handshake
        .failure()
        .or(connection.negotiation.failure())
        .or(connection.connect.failure());
    failure.map(failure_text)
}

fn answers(connections: &[Connection]) -> Vec<AnswerReport> {
    let connections = connections.iter();
    let all = connections.flat_map(|connection| {
        let answers = connection.answers.iter();
        answers.map(|answer| AnswerReport {
            purpose: connection.purpose,
            answer: answer.clone(),
        })
    });
    all.collect()
}

fn timings(host: &HostFacts<'_>, connections: &[Connection]) -> Vec<Timing> {
    let mut timings = Vec::new();
    let mut add = |purpose, step, ms: Option<f64>| {
        timings.extend(ms.map(|ms| Timing { purpose, step, ms }));
    };
    add(
        None,
        "resolve",
        host.observation.and_then(|seen| seen.resolve.ms()),
    );
    for connection in connections {
        let purpose = Some(connection.purpose);
        add(purpose, "connect", connection.connect.ms());
        add(purpose, "negotiation", connection.negotiation.ms());
        add(purpose, "handshake", connection.handshake.ms());
        add(purpose, "startup", connection.startup.ms());
        add(purpose, "session", connection.session.ms());
    }
    timings
}

/// What the reader should know beside the answers.
pub(super) fn notes(report: &Report, facts: &Facts<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(error) = &report.target.error {
        notes.push(format!(
            "libpq refuses the sslmode as given: {}",
            error.message
        ));
    }
    let advised = |about: AdviceKind| {
        let mut all = report.hosts.iter().flat_map(|host| &host.advice);
        all.any(|advice| advice.about == about)
    };
    let verifies = AdviceKind::RequireVerifiesChain;
    let system = matches!(
        facts.parameters.sslrootcert(),
        RootCertificates::System { .. }
    );
    if matches!(facts.roots, Roots::Loaded) && !system && report.tls.is_some() && !advised(verifies)
    {
        notes.push("with a root file there, allow, prefer and require verify the chain".into());
    }
    for host in &report.hosts {
        let name = host
            .host
            .as_deref()
            .or(host.hostaddr.as_deref())
            .unwrap_or_default();
        let open = [
            (&host.startup.tls, "over TLS"),
            (&host.startup.plaintext, "in plaintext"),
        ];
        let open: Vec<_> = open
            .into_iter()
            .filter(|(answer, _)| {
                let auth = answer.as_ref().and_then(|answer| answer.auth);
                auth == Some(Auth::None)
            })
            .map(|(_, how)| how)
            .collect();
        let found = |lint: &str| host.findings.iter().any(|finding| finding.lint == lint);
        if !open.is_empty() && !found("trust-authentication") {
            let user = host.startup.user.as_deref().unwrap_or_default();
            notes.push(format!(
                "{name} asks user \"{user}\" for no credentials {}",
                open.join(" and ")
            ));
        }
        let untried = host
            .addresses
            .iter()
            .filter(|address| address.connected.is_none())
            .count();
        if untried > 0 {
            notes.push(format!(
                "{untried} more address(es) of {name} were not probed; --all-addresses does"
            ));
        }
        if host
            .ssl_request
            .as_ref()
            .is_some_and(|reply| reply.trailing_bytes > 0 && reply.answer.as_deref() == Some("S"))
            && !found("bytes-after-s")
        {
            notes.push(format!(
                "{name} sent bytes in plaintext together with its answer to SSLRequest \
                 (CVE-2021-23222): an intermediary may be injecting data"
            ));
        }
    }
    let refused = |verdict: &Verdict| {
        verdict.outcome == Outcome::Fails
            && verdict
                .error
                .as_ref()
                .is_some_and(|error| error.code == ErrorCode::HbaRejected)
    };
    if !facts.parameters.user_given()
        && report.sslmodes.iter().any(refused)
        && !advised(AdviceKind::UserNotGiven)
    {
        notes.push(
            "pg_hba.conf was asked for your operating system user; give user= and dbname= to ask \
             for the ones that matter"
                .into(),
        );
    }
    notes
}

/// A byte of the server: the letters that PostgreSQL answers with as they are.
fn byte_text(byte: u8) -> String {
    match byte {
        b'S' | b'N' | b'E' | b'G' => char::from(byte).into(),
        other => format!("0x{other:02x}"),
    }
}

/// A failure in words.
pub(super) fn failure_text(failure: &Failure) -> String {
    match failure {
        Failure::Unresolved(why) | Failure::Unreachable(why) => why.clone(),
        Failure::Refused => "Connection refused".into(),
        Failure::Deadline => "no answer in time".into(),
        Failure::ConnectTimeout => "no answer within connect_timeout".into(),
        Failure::Closed => "the server closed the connection".into(),
        Failure::Reset => "the server reset the connection".into(),
        Failure::Alert(alert) => format!("TLS alert {}", names::alert(*alert)),
        Failure::Protocol(why) => format!("not TLS: {why}"),
        Failure::TlsRule(reason) => format!("the server breaks TLS: {reason}"),
        Failure::UnofferedAlpn => {
            "the server selected an ALPN protocol that was not offered".into()
        }
        Failure::Local(why) => format!("this machine could not: {why}"),
        Failure::Unsupported(why) => format!("{UNSUPPORTED}: {why}"),
    }
}
