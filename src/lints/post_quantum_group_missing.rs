//! No group that withstands a quantum computer is taken.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "post-quantum-group-missing",
    severity: Severity::Info,
    summary: "no post-quantum group is taken",
    citation: "draft-ietf-tls-ecdhe-mlkem: without a hybrid group, what is recorded now can be \
               read by a quantum computer later",
    explanation: "Who records connections today may read them in the years to come. PostgreSQL 18 \
                  with OpenSSL 3.5 can take X25519MLKEM768, but does not by default.",
    remedies: &[Remedy {
        text: "name the group, and reload; only PostgreSQL 18 with OpenSSL 3.5 or newer has it, any \
               other does not start with this line",
        place: FixPlace::PostgresqlConf,
        lines: &["ssl_groups = 'X25519MLKEM768:X25519:prime256v1'"],
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
