//! Signs that TLS does not end in PostgreSQL but in something before it.

use super::{Situation, advice};
use crate::report::{Advice, AdviceKind};

/// How many session tickets OpenSSL gives where nobody says otherwise (`SSL_CTX_set_num_tickets`).
const DEFAULT_TICKETS: u32 = 2;

/// How an advice begins its second explanation, where an old PostgreSQL would be one.
pub(crate) const OR_OLDER: &str = "it is older (";

/// What the signs come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FrontEnd {
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
    let why = match of(situation) {
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

/// Whether TLS ends before PostgreSQL.
pub(super) fn of(situation: &Situation<'_>) -> FrontEnd {
    let Some(tls) = situation.tls().filter(|tls| tls.completed) else {
        return FrontEnd::Unseen;
    };
    match tls.session_tickets {
        _ if tls.ocsp_stapled => FrontEnd::Certain,
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
    if tls.ocsp_stapled {
        signs.push("staples an OCSP response".to_owned());
    }
    signs
}
