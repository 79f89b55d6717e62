//! TLS compression is taken.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "compression",
    severity: Severity::Medium,
    summary: "TLS compression is taken",
    citation: "RFC 9325 section 3.3: TLS-level compression SHOULD be disabled (CRIME, \
               CVE-2012-4929)",
    explanation: "The length of what is sent then tells of its content. PostgreSQL switches it \
                  off since 2021: it is older, or a proxy.",
    remedies: &[Remedy {
        text: "update PostgreSQL to its newest minor release, or switch compression off in \
                   the proxy",
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
