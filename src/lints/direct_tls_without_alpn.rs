//! Direct TLS goes on without ALPN.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "direct-tls-without-alpn",
    severity: Severity::Medium,
    summary: "direct TLS goes on without ALPN",
    citation: "PostgreSQL 17, \"SSL Session Encryption\": without ALPN a direct connection is \
               open to ALPACA, so the server must refuse it (RFC 7301, ALPACA)",
    explanation: "A client of another protocol can be led to the database, and its bytes be taken \
                  for PostgreSQL's. PostgreSQL itself closes such connections: a proxy is in front \
                  that does not.",
    remedies: &[Remedy {
        text: "have the proxy demand the ALPN protocol \"postgresql\" of direct TLS, or \
                   switch direct TLS off in it",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.enumerated(LINT.name)
}

#[cfg(test)]
mod tests {
    use super::super::tests::follows_the_enumeration;
    use super::*;

    #[test]
    fn fires_where_the_enumeration_found_it() {
        follows_the_enumeration(&LINT);
    }
}
