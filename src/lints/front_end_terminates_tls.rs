//! Something before PostgreSQL terminates TLS.

use super::{Context, Lint, Remedy};
use crate::advice::OR_OLDER;
use crate::report::enumeration::FrontEnd;
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "front-end-terminates-tls",
    severity: Severity::Info,
    summary: "a pooler or proxy terminates TLS",
    citation: "PostgreSQL since its minor releases of August 2024: be-secure-openssl.c gives no \
               session tickets; none staples an OCSP response",
    explanation: "The client's TLS ends before the database. What its certificate proves is the \
                  pooler; nothing is known here of the way from there to the server.",
    remedies: &[Remedy {
        text: "see to it that the way from the pooler to the server is TLS with verification, \
                   too (PgBouncer: server_tls_sslmode = verify-full)",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[AdviceKind::FrontEnd],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    if let Some(advice) = context.advised(LINT.advice)
        && !advice.why.contains(OR_OLDER)
    {
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
                "the server staples an OCSP response, which no PostgreSQL does",
            );
        });
        passes(&LINT, |host| {
            let why = format!("the server hands out 2 session tickets: {OR_OLDER}15.7 or below)");
            advise(host, AdviceKind::FrontEnd, &why);
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
