//! Something before PostgreSQL terminates TLS.

use super::{Context, Lint, Remedy};
use crate::report::enumeration::FrontEnd;
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "front-end-terminates-tls",
    severity: Severity::Info,
    summary: "a pooler or proxy terminates TLS",
    citation: "PostgreSQL since its minor releases of 2021: be-secure-openssl.c gives no session \
               tickets and staples no OCSP response",
    explanation: "The client's TLS ends before the database. What its certificate proves is the \
                  pooler; nothing is known here of the way from there to the server.",
    remedies: &[Remedy {
        text: "see to it that the way from the pooler to the server is TLS with verification, \
                   too (PgBouncer: server_tls_sslmode = verify-full)",
        place: FixPlace::Elsewhere,
        lines: &[],
        pgbouncer: None,
    }],
    advice: &[AdviceKind::FrontEnd],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    if let Some(advice) = context.advised(LINT.advice) {
        return Some(advice.why.clone());
    }
    let found = &context.enumeration()?.front_end;
    (found.conclusion == FrontEnd::Proxy).then(|| match &found.product {
        Some(product) => format!("TLS ends in {product}"),
        None => found.evidence.join("; "),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{advise, enumerate, fires, passes};
    use super::*;

    #[test]
    fn fires_on_a_sign_and_not_where_it_may_be_an_old_server() {
        fires(&LINT, |host| {
            advise(
                host,
                AdviceKind::FrontEnd,
                "the server hands out 2 session tickets",
            );
        });
        fires(&LINT, |host| {
            let found = &mut enumerate(host).front_end;
            found.conclusion = FrontEnd::Proxy;
            found.evidence.push("a session was resumed".into());
        });
        passes(&LINT, |host| {
            enumerate(host).front_end.conclusion = FrontEnd::ProxyOrOld;
        });
    }
}
