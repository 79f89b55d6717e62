//! The certificate is valid for more than three years.

use super::context::{DAY, seconds};
use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "certificate-lifetime-too-long",
    severity: Severity::Low,
    summary: "the certificate is valid for more than three years",
    citation: "NIST SP 800-52r2 section 3.2.1: the validity period of a server certificate should \
               be 3 years or less",
    explanation: "Nobody who made it will be there when it ends, its key is in backups of all \
                  those years, and what it is signed with was chosen long ago. Revocation seldom \
                  reaches a PostgreSQL client.",
    remedies: &[Remedy {
        text: "have it issued for a year or less, put the intermediates that the old file holds \
               below it, and renew by a job",
        place: FixPlace::ServerShell,
        lines: &[
            "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days 365 -copy_extensions \
                 copy -out server-new.crt",
        ],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    /// Three years, one of them a leap year.
    const LONGEST: i64 = (3 * 365 + 1) * DAY;
    let leaf = context.leaf()?;
    let lifetime =
        seconds(leaf.not_after.as_ref())?.checked_sub(seconds(leaf.not_before.as_ref())?)?;
    (lifetime > LONGEST).then(|| format!("it is valid for {} days in all", lifetime / DAY))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;
    use crate::report::HostReport;

    #[test]
    fn fires_a_second_above_three_years_and_not_at_them() {
        let until = |host: &mut HostReport, end: &str| {
            leaf(host).not_before = Some("2026-11-01T00:00:00Z".into());
            leaf(host).not_after = Some(end.into());
        };
        fires(&LINT, |host| until(host, "2029-11-01T00:00:01Z"));
        passes(&LINT, |host| until(host, "2029-11-01T00:00:00Z"));
    }
}
