//! Secure renegotiation is missing.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "renegotiation-info-missing",
    severity: Severity::Medium,
    summary: "secure renegotiation (RFC 5746) is missing",
    citation: "RFC 5746 section 4.3: a server without secure renegotiation cannot be told from \
               one under attack (CVE-2009-3555)",
    explanation: "An attacker can put his own bytes before those of a client. Every OpenSSL since \
                  0.9.8m has it: the TLS library, or a proxy, is very old. OpenSSL 3 refuses such \
                  servers.",
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
