//! TLS 1.2 is spoken without extended_master_secret.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "extended-master-secret-missing",
    severity: Severity::Low,
    summary: "extended_master_secret (RFC 7627) is missing",
    citation: "RFC 7627 section 5.2: without extended_master_secret a session is not bound to its \
               handshake (triple handshake)",
    explanation: "Two connections can be made to share their keys, which breaks what is bound to \
                  them. Every OpenSSL since 1.1.0 has it. Red Hat's OpenSSL in FIPS mode refuses \
                  servers without it.",
    remedies: &[Remedy {
        text: "update the TLS library of the server, or the proxy before it",
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
