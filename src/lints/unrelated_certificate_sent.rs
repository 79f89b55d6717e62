//! A certificate is sent that has nothing to do with the server's.

use super::{Context, Lint, Remedy};
use crate::report::{CertificateReport, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "unrelated-certificate-sent",
    severity: Severity::Low,
    summary: "a certificate is sent that is not of the chain",
    citation: "RFC 5246 section 7.4.2: each following certificate MUST directly certify the one \
               preceding it",
    explanation: "The file of ssl_cert_file has more in it than the chain: an old intermediate, \
                  or another server's. It is in the way of whoever renews the right one.",
    remedies: &[Remedy {
        text: "leave in the file of ssl_cert_file the server's own certificate and its \
                   issuers, and reload",
        place: FixPlace::ServerShell,
        lines: &[],
        pgbouncer: None,
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let path = context.path();
    // A second certificate of the same CA, cross-signed, is of the chain.
    let of_chain = |one: &CertificateReport| path.iter().any(|of| of.subject == one.subject);
    let mut sent = context.host.certificates.iter().skip(1);
    let stray = sent.find(|one| !of_chain(one))?;
    Some(format!(
        "\"{}\" has issued none of the others",
        stray.subject
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes};
    use super::*;

    #[test]
    fn fires_on_a_stranger_and_not_on_a_cross_signed_ca() {
        fires(&LINT, |host| {
            let mut stranger = host.certificates[1].clone();
            stranger.subject = "CN=Another CA".into();
            host.certificates.push(stranger);
        });
        passes(&LINT, |host| {
            let mut crossed = host.certificates[1].clone();
            crossed.issuer = "CN=Old Root".into();
            host.certificates.push(crossed);
        });
    }
}
