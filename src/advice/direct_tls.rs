//! Direct TLS (`sslnegotiation=direct`): servers and proxies that do not do it, or not as libpq
//! wants it.

use super::{Situation, advice, fix, paste};
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslNegotiation;
use crate::observation::Purpose;
use crate::report::{Advice, AdviceKind, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let direct = situation.parameters.sslnegotiation() == SslNegotiation::Direct;
    let instead = || {
        vec![fix(
            FixPlace::ConnectionString,
            "ask with SSLRequest, as every libpq does by default",
            paste::connection(situation, &[("sslnegotiation", "postgres")]),
        )]
    };
    let mut all = Vec::new();
    let missing = situation.failing(ErrorCode::AlpnMissing);
    if !missing.is_empty() {
        all.push(advice(
            AdviceKind::AlpnMissing,
            missing,
            format!(
                "{}: a proxy that does TLS but not PostgreSQL's ALPN protocol \"postgresql\" is in \
                 front",
                first_line(&situation.message(&situation.failing(ErrorCode::AlpnMissing)))
            ),
            instead(),
        ));
    }
    let closed = situation.failing_where(|error| {
        // An alert comes of a server that does answer.
        matches!(
            error.code,
            ErrorCode::ConnectionClosed | ErrorCode::TlsHandshakeFailed
        ) && !error.message.contains("alert")
    });
    let began = situation.tls().is_some_and(|tls| tls.completed);
    if direct && !closed.is_empty() && !began {
        all.push(advice(
            AdviceKind::DirectTlsUnsupported,
            closed,
            "the server does not answer direct TLS: PostgreSQL before 17 takes the ClientHello for \
             a broken packet and closes, as it does with ssl = off"
                .into(),
            instead(),
        ));
    }
    // Seen beside SSLRequest, at depth full.
    let beside = situation.host.direct.as_ref();
    let negotiated = situation
        .tls()
        .is_some_and(|tls| tls.completed && tls.seen_by == Purpose::Negotiated);
    if let Some(beside) = beside
        && negotiated
    {
        let failure = beside.failure.as_deref();
        if !beside.completed {
            all.push(advice(
                AdviceKind::DirectTlsUnsupported,
                Vec::new(),
                format!(
                    "sslnegotiation=direct would fail here{}: it needs PostgreSQL 17, and a proxy \
                     that knows it",
                    failure.map_or_else(String::new, |failure| format!(" ({failure})"))
                ),
                Vec::new(),
            ));
        } else if beside.alpn.as_deref() != Some("postgresql") {
            all.push(advice(
                AdviceKind::AlpnMissing,
                Vec::new(),
                "sslnegotiation=direct would fail here: TLS begins, but without the ALPN protocol \
                 \"postgresql\""
                    .into(),
                Vec::new(),
            ));
        }
    }
    all
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
