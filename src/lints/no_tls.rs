//! The server does not speak TLS at all.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity, Status};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "no-tls",
    severity: Severity::High,
    summary: "the server answers SSLRequest with N: no TLS",
    citation: "PostgreSQL, \"Secure TCP/IP Connections with SSL\"; RFC 9325 section 3.2: what can \
               carry TLS should not go in the clear",
    explanation: "Everything between client and server can be read and changed by whoever is on \
                  the way: passwords that are not SCRAM, every query and every row. \
                  sslmode=prefer, the default of libpq, goes on in plaintext without a word.",
    remedies: &[Remedy {
        text: "turn TLS on and reload; the two files stand in the data directory, and the \
                   server's user owns them",
        place: FixPlace::PostgresqlConf,
        lines: &[
            "ssl = on",
            "ssl_cert_file = 'server.crt'",
            "ssl_key_file = 'server.key'",
        ],
    }],
    advice: &[AdviceKind::TlsOff],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    (context.host.status == Status::NoTls)
        .then(|| "the server answers N to SSLRequest: it has no TLS, or says so".into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes};
    use super::*;

    #[test]
    fn fires_only_on_n() {
        fires(&LINT, |host| host.status = Status::NoTls);
        passes(&LINT, |host| host.status = Status::TlsFailed);
        passes(&LINT, |host| host.status = Status::UnixSocket);
    }
}
