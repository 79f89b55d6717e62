//! A client that falls back to an older version for no good reason is not stopped.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "fallback-scsv-ignored",
    severity: Severity::Low,
    summary: "a needless fall back to an older version is not refused",
    citation: "RFC 7507 section 3: a server MUST refuse a TLS_FALLBACK_SCSV below its highest \
               version",
    explanation: "Somebody on the way who breaks handshakes can bring clients that try again with \
                  less down to the oldest version that both have.",
    remedies: &[
        Remedy {
            text: "speak TLS 1.2 and later only, and reload",
            place: FixPlace::PostgresqlConf,
            lines: &["ssl_min_protocol_version = 'TLSv1.2'  # from PostgreSQL 12 on"],
        },
        Remedy {
            text: "or update the TLS library of the server, or the proxy before it",
            place: FixPlace::Elsewhere,
            lines: &[],
        },
    ],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    (context.enumeration()?.fallback_refused == Some(false))
        .then(|| "TLS_FALLBACK_SCSV in an older version was answered like any other hello".into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{enumerate, fires, passes};
    use super::*;

    #[test]
    fn fires_where_it_was_answered_and_not_where_it_was_not_asked() {
        fires(&LINT, |host| enumerate(host).fallback_refused = Some(false));
        passes(&LINT, |host| enumerate(host).fallback_refused = None);
        passes(&LINT, |host| enumerate(host).fallback_refused = Some(true));
    }
}
