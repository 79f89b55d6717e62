//! What keeps libpq from coming as far as TLS or authentication: the network, the deadline, and
//! answers that are not PostgreSQL's.

use super::{Situation, advice, fix, paste};
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::{SslMode, SslNegotiation};
use crate::report::{Advice, AdviceKind, Fix, FixPlace, Status};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let mut all = Vec::new();
    all.extend(no_connection(situation));
    all.extend(timeout(situation));
    all.extend(silent(situation));
    all.extend(closed(situation));
    all.extend(error_before_tls(situation));
    all.extend(injected(situation));
    all.extend(server_error(situation));
    all
}

fn no_connection(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::ConnectFailed);
    if modes.is_empty() {
        return None;
    }
    let message = situation.message(&modes);
    let host = situation.spec.host.as_deref();
    let in_a_folder = situation.host.status == Status::UnixSocket
        || situation.spec.hostaddr.is_none()
            && host.is_none_or(|host| host.is_empty() || host.starts_with(['/', '@']));
    let (why, text): (String, String) = match situation.host.status {
        Status::NotResolved => (
            message,
            "check the name; where no DNS knows it, give the address as hostaddr and keep host \
             for the certificate"
                .into(),
        ),
        _ if in_a_folder => (
            message,
            "check that the server runs, and unix_socket_directories and port in postgresql.conf; \
             host=localhost would use TCP"
                .into(),
        ),
        _ => (
            message,
            format!(
                "check that the server runs, that listen_addresses and port in postgresql.conf \
                 have this address and port {}, and that no firewall is in between",
                situation.spec.port().unwrap_or_default()
            ),
        ),
    };
    Some(advice(
        AdviceKind::NoConnection,
        modes,
        why,
        vec![fix(FixPlace::Elsewhere, text, [])],
    ))
}

fn timeout(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::Timeout);
    if modes.is_empty() {
        return None;
    }
    let limit = situation.parameters.connect_timeout().ok()??;
    let longer = limit.saturating_mul(3).max(10).to_string();
    Some(advice(
        AdviceKind::ConnectTimeout,
        modes,
        format!("there was no answer within connect_timeout, {limit} s"),
        vec![fix(
            FixPlace::ConnectionString,
            "if the server is only slow",
            paste::connection(situation, &[("connect_timeout", &longer)]),
        )],
    ))
}

/// pgprobe's own deadline struck: libpq would have gone on waiting.
fn silent(situation: &Situation<'_>) -> Option<Advice> {
    let timeout = situation.parameters.connect_timeout().ok().flatten();
    if situation.host.status != Status::Timeout || !situation.failing(ErrorCode::Timeout).is_empty()
    {
        return None;
    }
    let why = match timeout {
        None => {
            "the server does not answer; libpq has no connect_timeout by default, and would \
                 wait for ever"
        }
        Some(_) => "the server does not answer; libpq would wait until its connect_timeout",
    };
    let fixes: Vec<Fix> = if timeout.is_none() {
        vec![fix(
            FixPlace::ConnectionString,
            "so that clients fail instead of hanging",
            paste::connection(situation, &[("connect_timeout", "10")]),
        )]
    } else {
        Vec::new()
    };
    Some(advice(
        AdviceKind::ConnectTimeout,
        Vec::new(),
        why.into(),
        fixes,
    ))
}

fn closed(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::ConnectionClosed);
    if modes.is_empty() || situation.parameters.sslnegotiation() == SslNegotiation::Direct {
        return None;
    }
    let when = if situation.host.status == Status::ConnectionClosed {
        "without an answer to SSLRequest"
    } else if situation.tls().is_some_and(|tls| tls.completed) {
        "after the StartupMessage"
    } else {
        "during the TLS handshake"
    };
    Some(advice(
        AdviceKind::ConnectionClosed,
        modes,
        format!(
            "the server or something before it closes the connection {when}; libpq does not try \
             another way after that, not even with prefer"
        ),
        vec![fix(
            FixPlace::ServerShell,
            "look at the logs of the server and of any proxy or firewall on the way; is it \
             PostgreSQL that listens there?",
            [],
        )],
    ))
}

fn error_before_tls(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::ProtocolError);
    if modes.is_empty() {
        return None;
    }
    Some(advice(
        AdviceKind::ErrorBeforeTls,
        modes.clone(),
        format!(
            "{}: the server cannot start a session, or a pooler or another service listens there; \
             libpq does not show the text, for nothing proves who sent it",
            situation.message(&modes)
        ),
        vec![fix(
            FixPlace::ServerShell,
            "look at the server's log; is it PostgreSQL that listens there?",
            [],
        )],
    ))
}

fn injected(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::UnencryptedDataInjected);
    (!modes.is_empty()).then(|| {
        advice(
            AdviceKind::DataInjected,
            modes,
            "bytes came in plaintext right after the answer to SSLRequest, where only TLS may \
             follow: somebody on the way injects data (CVE-2021-23222), or a broken proxy does"
                .into(),
            vec![fix(
                FixPlace::Elsewhere,
                "do not use this way to the server before it is known what sends them",
                [],
            )],
        )
    })
}

fn server_error(situation: &Situation<'_>) -> Vec<Advice> {
    let named = super::server_name::wanting(situation);
    let failing = situation.failing(ErrorCode::ServerError);
    let mut messages: Vec<(String, Vec<SslMode>)> = Vec::new();
    for mode in failing.into_iter().filter(|mode| !named.contains(mode)) {
        let message = situation.message(&[mode]);
        match messages.iter_mut().find(|(known, _)| *known == message) {
            Some((_, modes)) => modes.push(mode),
            None => messages.push((message, vec![mode])),
        }
    }
    messages
        .into_iter()
        .map(|(message, modes)| one_error(situation, &message, modes))
        .collect()
}

fn one_error(situation: &Situation<'_>, message: &str, modes: Vec<SslMode>) -> Advice {
    let startup = &situation.host.startup;
    let answers = [&startup.tls, &startup.plaintext].into_iter().flatten();
    let state = answers
        .filter(|answer| answer.message.as_deref() == Some(message))
        .find_map(|answer| answer.sqlstate.as_deref())
        .unwrap_or_default();
    let meaning = match state {
        "57P03" => "it is starting up, shutting down or in recovery: wait, and ask again",
        "53300" => {
            "it has no connection left: see max_connections, CONNECTION LIMIT of the role and the \
             database, or a pooler's limits"
        }
        "3D000" => "there is no such database: give another dbname",
        "42501" => "the user may not connect to this database: GRANT CONNECT, or another dbname",
        "55000" => "the database takes no connections: give another dbname",
        "28P01" | "28000" => "it refuses the user: give another user, or see its log",
        // PgBouncer has this one code for whatever it does not like.
        "08P01" if message.contains("database") => {
            "a pooler says that it has no such database: give another dbname, or add it to its list"
        }
        "08P01" | "0A000" => {
            "it does not understand the StartupMessage: it may be a pooler, or old; see its log"
        }
        _ => "see the server's log",
    };
    let state = if state.is_empty() {
        String::new()
    } else {
        format!(" (SQLSTATE {state})")
    };
    advice(
        AdviceKind::ServerError,
        modes,
        format!("{message}{state}"),
        vec![fix(FixPlace::Elsewhere, meaning, [])],
    )
}
