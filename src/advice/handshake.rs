//! TLS that does not come about: versions, and whatever else ends a handshake.

use super::{Situation, advice, fix, paste};
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::{Origin, SslNegotiation};
use crate::report::{Advice, AdviceKind, Fix, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let mut all = Vec::new();
    all.extend(version(situation));
    all.extend(other(situation));
    all
}

fn version(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::TlsVersionUnsupported);
    if modes.is_empty() {
        return None;
    }
    let parameters = situation.parameters;
    let given = |keyword: &str| {
        let origin = parameters.origin(keyword);
        let value = parameters.value(keyword).filter(|value| !value.is_empty());
        value.filter(|_| origin.is_some_and(|origin| origin != Origin::Default))
    };
    let server = situation
        .tls()
        .and_then(|tls| tls.protocol_version.as_deref());
    let low = parameters
        .value("ssl_min_protocol_version")
        .unwrap_or("TLSv1.2");
    let high = given("ssl_max_protocol_version");
    let newer_server = || {
        fix(
            FixPlace::PostgresqlConf,
            "let the server speak newer versions, and reload",
            [
                "ssl_min_protocol_version = 'TLSv1.2'  # from PostgreSQL 12 on".to_owned(),
                "ssl_max_protocol_version = ''  # from PostgreSQL 12 on".to_owned(),
            ],
        )
    };
    let allow = |keyword: &str, version: &str| -> Fix {
        fix(
            FixPlace::ConnectionString,
            "let this client speak more versions",
            paste::connection(situation, &[(keyword, version)]),
        )
    };
    let (why, fixes) = match (server, high) {
        _ if situation.message(&modes).contains("no protocols available") => (
            format!(
                "nothing is left between ssl_min_protocol_version, ssl_max_protocol_version{} and \
                 what this OpenSSL speaks",
                high.map_or_else(String::new, |high| format!(" ({high})"))
            ),
            vec![allow("ssl_max_protocol_version", "TLSv1.3")],
        ),
        (Some(server), _) => (
            format!(
                "the server speaks {server} at most, and this libpq takes {low} or newer; what is \
                 older counts as broken"
            ),
            vec![newer_server()],
        ),
        (None, Some(high)) => (
            format!(
                "ssl_max_protocol_version={high} is below what the server speaks (its \
                 ssl_min_protocol_version), or {low} above it"
            ),
            vec![allow("ssl_max_protocol_version", "TLSv1.3")],
        ),
        // All from `low` up to the newest was offered.
        (None, None) => {
            let raised = given("ssl_min_protocol_version").is_some_and(|low| low != "TLSv1.2");
            let client = raised.then(|| allow("ssl_min_protocol_version", "TLSv1.2"));
            (
                format!(
                    "the server speaks only versions older than {low}, which this libpq does not \
                     take"
                ),
                client.into_iter().chain([newer_server()]).collect(),
            )
        }
    };
    Some(advice(AdviceKind::TlsVersionUnsupported, modes, why, fixes))
}

fn other(situation: &Situation<'_>) -> Option<Advice> {
    let direct = situation.parameters.sslnegotiation() == SslNegotiation::Direct;
    let completed = situation.tls().is_some_and(|tls| tls.completed);
    let modes = situation.failing(ErrorCode::TlsHandshakeFailed);
    if modes.is_empty() || (direct && !completed) {
        return None;
    }
    let seen = situation.tls().and_then(|tls| tls.failure.as_deref());
    let message = situation.message(&modes);
    let why = match seen {
        Some(seen) if !message.contains(seen) => format!("{message} ({seen})"),
        _ => message,
    };
    Some(advice(
        AdviceKind::HandshakeFailed,
        modes,
        format!("{why}: suites, groups or signatures have nothing in common, or it is not TLS"),
        vec![fix(
            FixPlace::ServerShell,
            "look for \"could not accept SSL connection\" in the server's log, then at ssl_ciphers \
             and ssl_groups (ssl_ecdh_curve before 18) in postgresql.conf",
            [],
        )],
    ))
}
