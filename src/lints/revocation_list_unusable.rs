//! A revocation list that libpq needs is missing, stale or of another CA.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "revocation-list-unusable",
    severity: Severity::Medium,
    summary: "a revocation list is missing, stale, or of another CA",
    citation: "RFC 5280 section 6.3; libpq: once sslcrl is there, OpenSSL wants a valid list for \
               each CA of the chain",
    explanation: "Every mode that verifies fails until the list is renewed, whatever the \
                  certificate is worth.",
    remedies: &[Remedy {
        text: "fetch the CA's newest list, and let a job do so before its nextUpdate",
        place: FixPlace::ClientShell,
        lines: &[],
    }],
    advice: &[AdviceKind::RevocationListUnusable],
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
    fn fires_where_the_list_is_of_no_use() {
        fires(&LINT, |host| {
            advise(host, AdviceKind::RevocationListUnusable, "CRL has expired");
        });
        passes(&LINT, |host| {
            advise(host, AdviceKind::CertificateRevoked, "certificate revoked");
        });
    }
}
