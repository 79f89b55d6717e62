//! The server serves another certificate, or another chain, than the file has.

use super::{Context, Lint, Remedy};
use crate::report::{ExpectedVerdict, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "certificate-not-the-expected",
    severity: Severity::Medium,
    summary: "another certificate than the one of --expect-cert is served",
    citation: "RFC 9525 section 6: a certificate is expected for a name; here one was named with \
               --expect-cert",
    explanation: "Either the file is not the one that the server reads, or something else answers \
                  on this port.",
    remedies: &[Remedy {
        text: "compare with SHOW ssl_cert_file on the server, and with what other addresses \
                   of the name serve (--all-addresses)",
        place: FixPlace::ServerShell,
        lines: &["psql -c 'SHOW ssl_cert_file'"],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let compared = context.host.expected_certificate.as_ref()?;
    matches!(
        compared.verdict,
        ExpectedVerdict::Other | ExpectedVerdict::OtherChain
    )
    .then(|| {
        format!(
            "the certificate or chain that is served is not that of the file \"{}\"",
            compared.file
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{compared, fires, passes};
    use super::*;

    #[test]
    fn fires_by_what_the_comparison_says() {
        let is = compared(ExpectedVerdict::Other);
        fires(&LINT, |host| host.expected_certificate = Some(is));
        let is_not = compared(ExpectedVerdict::FileIsOlder);
        passes(&LINT, |host| host.expected_certificate = Some(is_not));
    }
}
