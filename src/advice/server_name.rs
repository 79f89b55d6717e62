//! Servers behind one address that want to be named in TLS (SNI), asked by a client that names
//! none.

use super::{Situation, advice, fix, paste};
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::report::{Advice, AdviceKind, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let modes = wanting(situation);
    if modes.is_empty() {
        return Vec::new();
    }
    let parameters = situation.parameters;
    let why = if parameters.sni(situation.spec).is_some() {
        "the server does not know the name that libpq sends in TLS (SNI)".to_owned()
    } else if situation.spec.host.is_none() {
        "libpq sends no server name (SNI) where only hostaddr is given".to_owned()
    } else if parameters
        .value("sslsni")
        .is_some_and(|value| !value.starts_with('1'))
    {
        "sslsni keeps the server name (SNI) back".to_owned()
    } else {
        "libpq sends no server name (SNI) for an address".to_owned()
    };
    let fixes = if parameters.sni(situation.spec).is_some() {
        vec![fix(
            FixPlace::ConnectionString,
            "give the name that the provider gave you as host",
            [],
        )]
    } else if situation.spec.host.is_some()
        && parameters
            .value("sslsni")
            .is_some_and(|value| !value.starts_with('1'))
    {
        vec![fix(
            FixPlace::ConnectionString,
            "let libpq send the name",
            paste::connection(situation, &[("sslsni", "1")]),
        )]
    } else {
        vec![fix(
            FixPlace::ConnectionString,
            "give the server's name as host; hostaddr can stay beside it",
            [],
        )]
    };
    vec![advice(
        AdviceKind::ServerNameNeeded,
        modes.clone(),
        format!("{why}, and it answers: {}", situation.message(&modes)),
        fixes,
    )]
}

/// The modes that fail because of the server's words, or its alert, about a server name.
pub(super) fn wanting(situation: &Situation<'_>) -> Vec<SslMode> {
    situation.failing_where(|error| {
        let tls = matches!(
            error.code,
            ErrorCode::TlsHandshakeFailed | ErrorCode::ServerError
        );
        // Neon's, Supavisor's and other proxies' words; PostgreSQL 19's alert.
        let words = ["SNI", "server name", "Endpoint ID", "unrecognized name"];
        tls && words.iter().any(|words| error.message.contains(words))
    })
}
