//! SCRAM is offered without channel binding, which PostgreSQL itself always offers over TLS.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "scram-without-channel-binding",
    severity: Severity::Low,
    summary: "SCRAM is offered over TLS without channel binding",
    citation: "RFC 5802 section 6; PostgreSQL, \"SASL Authentication\": channel binding \
               (SCRAM-SHA-256-PLUS) is offered over TLS",
    explanation: "Channel binding proves that the TLS connection ends where the password is \
                  known. Without it somebody in the middle whose certificate nobody checks can \
                  pass the log-in on. It is missing where a pooler or proxy terminates TLS; \
                  channel_binding=require fails there.",
    remedies: &[Remedy {
        text: "end TLS in PostgreSQL itself, or have clients verify the pooler (verify-full) \
                   and the pooler verify the server",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let answer = context.over_tls()?;
    let offers = |name: &str| answer.mechanisms.iter().any(|mechanism| mechanism == name);
    (offers("SCRAM-SHA-256") && !offers("SCRAM-SHA-256-PLUS"))
        .then(|| "over TLS SCRAM-SHA-256 is offered and SCRAM-SHA-256-PLUS is not".into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, lets_plaintext_in, passes};
    use super::*;

    #[test]
    fn fires_where_plus_is_missing_over_tls_and_not_in_plaintext() {
        fires(&LINT, |host| {
            let answer = host.startup.tls.as_mut().unwrap();
            answer.mechanisms = vec!["SCRAM-SHA-256".into()];
        });
        passes(&LINT, |host| {
            host.startup.tls.as_mut().unwrap().mechanisms.clear();
        });
        passes(&LINT, |host| {
            lets_plaintext_in(host);
        });
    }
}
