//! Signs that TLS does not end in PostgreSQL but in something before it.

use super::{Situation, advice};
use crate::report::enumeration::FrontEnd as Enumerated;
use crate::report::{Advice, AdviceKind, HostReport, StartupAnswer, TlsReport};

/// How many session tickets OpenSSL gives where nobody says otherwise (`SSL_CTX_set_num_tickets`).
const DEFAULT_TICKETS: u32 = 2;

/// How an advice begins its second explanation, where an old PostgreSQL would be one.
pub(crate) const OR_OLDER: &str = "it is older (";

/// What the signs come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FrontEnd {
    /// No PostgreSQL does that.
    Certain,
    /// An old PostgreSQL would do the same.
    Possible,
    /// No sign.
    Unseen,
}

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let signs = signs(situation).join(" and ");
    let before = "before it, and says nothing of the way from there to the database";
    let why = match by_tls(situation.tls()) {
        FrontEnd::Certain => format!(
            "the server {signs}, which no PostgreSQL does: TLS ends in a pooler or proxy {before}"
        ),
        FrontEnd::Possible => format!(
            "the server {signs}, as PostgreSQL did up to its minor releases of August 2024: \
             {OR_OLDER}12.19, 13.15, 14.12, 15.7, 16.3 or below), or TLS ends in a pooler or proxy \
             {before}"
        ),
        FrontEnd::Unseen => return Vec::new(),
    };
    vec![advice(AdviceKind::FrontEnd, Vec::new(), why, Vec::new())]
}

/// Whether TLS ends before PostgreSQL, by all that is known of a host.
pub(crate) fn of(host: &HostReport) -> FrontEnd {
    let answer = host.startup.tls.as_ref();
    let enumerated = host.enumeration.as_ref();
    let enumerated = enumerated.map(|seen| seen.front_end.conclusion);
    match (by_tls(host.tls.as_deref()), enumerated) {
        (FrontEnd::Certain, _) | (_, Some(Enumerated::Proxy)) => FrontEnd::Certain,
        // What knows the password has ended this TLS.
        _ if answer.is_some_and(|answer| offers(answer, "SCRAM-SHA-256-PLUS")) => FrontEnd::Unseen,
        (FrontEnd::Possible, _) | (_, Some(Enumerated::ProxyOrOld)) => FrontEnd::Possible,
        // Or it is PostgreSQL 10.
        _ if answer.is_some_and(without_plus) => FrontEnd::Possible,
        _ => FrontEnd::Unseen,
    }
}

/// What an enumeration found it to be.
pub(super) fn product(host: &HostReport) -> Option<&str> {
    host.enumeration.as_ref()?.front_end.product.as_deref()
}

fn offers(answer: &StartupAnswer, name: &str) -> bool {
    answer.mechanisms.iter().any(|mechanism| mechanism == name)
}

/// Whether an answer over TLS offers SCRAM, and no binding to it: PostgreSQL itself always offers
/// both since 11.
pub(super) fn without_plus(answer: &StartupAnswer) -> bool {
    offers(answer, "SCRAM-SHA-256") && !offers(answer, "SCRAM-SHA-256-PLUS")
}

/// What the TLS of the probe shows of it.
fn by_tls(tls: Option<&TlsReport>) -> FrontEnd {
    let Some(tls) = tls.filter(|tls| tls.completed) else {
        return FrontEnd::Unseen;
    };
    match tls.session_tickets {
        0 => FrontEnd::Unseen,
        // PostgreSQL turns the stateless tickets off since 2017, which leaves the stateful ones of
        // TLS 1.3; with num_tickets 0 these went in 12.20, 13.16, 14.13, 15.8 and 16.4. Before, it
        // gives as many as OpenSSL does by itself: seen of 10.23, 12.18 and 15.6, not of 15.8.
        DEFAULT_TICKETS => FrontEnd::Possible,
        _ => FrontEnd::Certain,
    }
}

/// What the server does that today's PostgreSQL does not.
fn signs(situation: &Situation<'_>) -> Vec<String> {
    let mut signs = Vec::new();
    let Some(tls) = situation.tls().filter(|tls| tls.completed) else {
        return signs;
    };
    match tls.session_tickets {
        0 => {}
        1 => signs.push("hands out a session ticket".to_owned()),
        more => signs.push(format!("hands out {more} session tickets")),
    }
    signs
}
