//! sslmode=prefer tries TLS, gives it up and goes on in plaintext.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity, Status};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "prefer-falls-back-to-plaintext",
    severity: Severity::High,
    summary: "sslmode=prefer gives TLS up and goes on in plaintext",
    citation: "PostgreSQL, \"SSL Support\" of libpq, table of sslmode: prefer goes on without TLS \
               where TLS fails",
    explanation: "The server has TLS, this client tries it, and for a reason of the certificate, \
                  the client's files or pg_hba.conf it fails. prefer is the default, and says \
                  nothing.",
    remedies: &[Remedy {
        text: "mend what makes TLS fail; until then fail instead of falling back",
        place: FixPlace::ConnectionString,
        lines: &["sslmode=require"],
    }],
    advice: &[AdviceKind::PlaintextFallback],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let advice = context.advised(LINT.advice)?;
    (context.host.status == Status::Tls).then(|| advice.why.clone())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{advise, fires, passes};
    use super::*;

    #[test]
    fn fires_where_prefer_falls_back_on_a_server_with_tls() {
        fires(&LINT, |host| {
            advise(
                host,
                AdviceKind::PlaintextFallback,
                "over TLS libpq does not get in",
            );
        });
        passes(&LINT, |host| {
            advise(
                host,
                AdviceKind::PlaintextFallback,
                "over TLS libpq does not get in",
            );
            host.status = Status::NoTls;
        });
    }
}
