//! Bytes sent before the TLS handshake are taken for such that came over it.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "plaintext-accepted-after-ssl-request",
    severity: Severity::High,
    summary: "plaintext bytes before TLS are taken for encrypted ones",
    citation: "CVE-2021-23214: bytes sent in plaintext before the handshake are taken for such \
               that came over TLS",
    explanation: "Somebody on the way can put commands before those of the client, and the server \
                  runs them as the client's. PostgreSQL 14.1, 13.5, 12.9, 11.14, 10.19 and 9.6.24 \
                  refuse them.",
    remedies: &[Remedy {
        text: "update PostgreSQL to its newest minor release, or the pooler before it \
                   (PgBouncer 1.16.1)",
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
