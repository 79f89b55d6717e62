//! The file on the disk has a newer certificate than the server serves.

use super::{Context, Lint, Remedy};
use crate::report::{ExpectedVerdict, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "certificate-renewed-not-reloaded",
    severity: Severity::Medium,
    summary: "the certificate was renewed, and the server not reloaded",
    citation: "PostgreSQL, \"Secure TCP/IP Connections with SSL\": the files are read at start \
               and whenever the configuration is reloaded",
    explanation: "The renewal job did its work, and the server goes on with the old certificate \
                  until it ends. It takes a reload, not a restart.",
    remedies: &[Remedy {
        text: "reload the server, and let the renewal job do so from now on",
        place: FixPlace::ServerShell,
        lines: &["psql -c 'SELECT pg_reload_conf()'"],
    }],
    advice: &[],
    covers: &["certificate-expires-soon"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let file = newer_file(context)?;
    Some(format!(
        "the file \"{file}\" has a newer certificate than the one that is served"
    ))
}

/// The file with the renewed certificate that the server does not serve.
pub(super) fn newer_file<'a>(context: &Context<'a>) -> Option<&'a str> {
    let compared = context.host.expected_certificate.as_ref()?;
    let newer = compared.verdict == ExpectedVerdict::RenewedNotReloaded;
    newer.then_some(compared.file.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{compared, fires, passes};
    use super::*;

    #[test]
    fn fires_by_what_the_comparison_says() {
        let is = compared(ExpectedVerdict::RenewedNotReloaded);
        fires(&LINT, |host| host.expected_certificate = Some(is));
        let is_not = compared(ExpectedVerdict::Same);
        passes(&LINT, |host| host.expected_certificate = Some(is_not));
    }
}
