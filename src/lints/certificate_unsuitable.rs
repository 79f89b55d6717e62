//! A certificate of the chain is not made for its place.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "certificate-unsuitable",
    severity: Severity::Medium,
    summary: "a certificate of the chain is not made for its purpose",
    citation: "RFC 5280 section 6.1: basicConstraints, keyUsage, path length and name constraints \
               of a path",
    explanation: "OpenSSL, and so libpq, refuses the chain although its signatures are right.",
    remedies: &[Remedy {
        text: "have the certificate that is named issued anew",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[AdviceKind::CertificateUnsuitable],
    covers: &["prefer-falls-back-to-plaintext"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    Some(context.advised(LINT.advice)?.why.clone())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{advise, fires, passes};
    use super::*;

    #[test]
    fn fires_where_the_path_validation_said_so() {
        fires(&LINT, |host| {
            advise(
                host,
                AdviceKind::CertificateUnsuitable,
                "invalid CA certificate",
            );
        });
        passes(&LINT, |host| {
            advise(host, AdviceKind::SelfSigned, "self-signed certificate");
        });
    }
}
