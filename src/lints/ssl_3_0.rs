//! The server speaks SSL 3.0.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "ssl-3-0",
    severity: Severity::High,
    summary: "SSL 3.0 is spoken",
    citation: "RFC 7568 section 3: SSLv3 MUST NOT be used (POODLE, CVE-2014-3566)",
    explanation: "Whoever can make a client repeat its requests reads its secrets byte by byte. \
                  PostgreSQL has not spoken it since 9.4: it is a proxy, or very old.",
    remedies: &[Remedy {
        text: "speak TLS 1.2 and later only, and reload",
        place: FixPlace::PostgresqlConf,
        lines: &["ssl_min_protocol_version = 'TLSv1.2'  # from PostgreSQL 12 on"],
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
