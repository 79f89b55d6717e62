//! Signs that TLS does not end in PostgreSQL but in something before it.

use super::{Situation, advice};
use crate::report::{Advice, AdviceKind};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let signs = signs(situation);
    if signs.is_empty() {
        return Vec::new();
    }
    vec![advice(
        AdviceKind::FrontEnd,
        Vec::new(),
        format!(
            "the server {}, which PostgreSQL does not do since 2021: TLS ends in a pooler or proxy \
             before it, and says nothing of the way from there to the database",
            signs.join(" and ")
        ),
        Vec::new(),
    )]
}

/// What the server does that PostgreSQL does not.
pub(super) fn signs(situation: &Situation<'_>) -> Vec<String> {
    let mut signs = Vec::new();
    let Some(tls) = situation.tls().filter(|tls| tls.completed) else {
        return signs;
    };
    // SSL_CTX_set_num_tickets(0) and SSL_OP_NO_TICKET in be-secure-openssl.c since 2021.
    if tls.session_tickets > 0 {
        signs.push(format!("hands out {} session tickets", tls.session_tickets));
    }
    if tls.ocsp_stapled {
        signs.push("staples an OCSP response".to_owned());
    }
    signs
}
