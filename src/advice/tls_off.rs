//! The server answers `N`: it has no TLS, or somebody on the way says so.

use super::{Situation, advice, fix, paste};
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::report::{Advice, AdviceKind, FixPlace, Status};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    if situation.host.status != Status::NoTls {
        return Vec::new();
    }
    let modes = situation.failing(ErrorCode::ServerRefusedSsl);
    let mut why = "the server answers N to SSLRequest: it has no TLS, or an intermediary took it \
                   away, for nothing proves who said N"
        .to_owned();
    let goes_on = situation.connects(SslMode::Prefer);
    if goes_on {
        why += "; prefer goes on in plaintext, to whoever that is";
    }
    let host = situation.host_text();
    let name = if paste::is_simple_name(host) {
        host
    } else {
        "db.example.com"
    };
    let kind = if name.parse::<std::net::IpAddr>().is_ok() {
        "IP"
    } else {
        "DNS"
    };
    let mut fixes = vec![
        fix(
            FixPlace::PostgresqlConf,
            "turn TLS on and reload, once the two files are in the data directory, owned by the \
             server's user (a pooler has its own setting: PgBouncer client_tls_sslmode)",
            [
                "ssl = on",
                "ssl_cert_file = 'server.crt'",
                "ssl_key_file = 'server.key'",
            ]
            .map(str::to_owned),
        ),
        fix(
            FixPlace::ServerShell,
            "where there is no certificate yet: one to begin with, in the data directory, as the \
             server's user; clients take server.crt as their root file",
            [format!(
                "test -e server.key || openssl req -new -x509 -days 365 -nodes -newkey rsa:3072 \
                 -subj '/CN={name}' -addext 'subjectAltName = {kind}:{name}' -addext \
                 'basicConstraints = critical,CA:FALSE' -keyout server.key -out server.crt"
            )],
        ),
    ];
    if goes_on {
        fixes.push(fix(
            FixPlace::ConnectionString,
            "until then, so that nothing is sent in plaintext without being noticed",
            paste::connection(situation, &[("sslmode", "require")]),
        ));
    }
    vec![advice(AdviceKind::TlsOff, modes, why, fixes)]
}
