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
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let path = context.path();
    // A second certificate of the same CA, cross-signed, is of the chain.
    let of_chain = |one: &CertificateReport| {
        let name = &one.compared.subject;
        path.iter().any(|of| of.compared.subject == *name)
    };
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
            stranger.compared.subject = b"another ca".to_vec();
            host.certificates.push(stranger);
        });
        passes(&LINT, |host| {
            let mut crossed = host.certificates[1].clone();
            crossed.issuer = "CN=Old Root".into();
            crossed.compared.issuer = b"old root".to_vec();
            host.certificates.push(crossed);
        });
        // As its issuer writes it, the name has another case: RFC 5280 section 7.1.
        passes(&LINT, |host| {
            host.certificates[1].subject = host.certificates[1].subject.to_uppercase();
        });
    }
}
