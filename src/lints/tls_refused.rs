//! pg_hba.conf refuses TLS and lets plaintext in.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "tls-refused",
    severity: Severity::High,
    summary: "pg_hba.conf refuses TLS and lets plaintext in",
    citation: "PostgreSQL, \"The pg_hba.conf File\": hostnossl matches only connections without \
               TLS; CIS PostgreSQL Benchmark 6.8",
    explanation: "The server speaks TLS, but this user from this address may come only without \
                  it: a line hostnossl, or a reject for hostssl, stands the wrong way round. \
                  Clients that demand TLS fail, the others send everything in the clear.",
    remedies: &[Remedy {
        text: "let TLS in, above the line that refuses it, and reload",
        place: FixPlace::PgHbaConf,
        lines: &["hostssl  {database}  {user}  {address}  scram-sha-256"],
    }],
    advice: &[AdviceKind::TlsRefused],
    covers: &["prefer-falls-back-to-plaintext"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.advised(LINT.advice)?;
    Some(format!(
        "TLS is refused and plaintext let in ({})",
        context.whom()
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{advise, fires, passes};
    use super::*;

    #[test]
    fn fires_where_only_plaintext_is_let_in() {
        fires(&LINT, |host| {
            advise(host, AdviceKind::TlsRefused, "pg_hba.conf refuses TLS");
        });
        passes(&LINT, |host| {
            advise(host, AdviceKind::HbaRefuses, "pg_hba.conf refuses both");
        });
    }
}
