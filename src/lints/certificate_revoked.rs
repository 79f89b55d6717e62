//! The certificate has been revoked.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "certificate-revoked",
    severity: Severity::High,
    summary: "the certificate has been revoked",
    citation: "RFC 5280 section 5: a CRL names certificates that are no longer valid",
    explanation: "Whoever issued it took it back, perhaps because its key is in other hands. \
                  Clients with the list cannot connect; the others cannot tell the server from \
                  whoever has the key.",
    remedies: &[Remedy {
        text: "give the server another key and certificate, and reload",
        place: FixPlace::ServerShell,
        lines: &[],
    }],
    advice: &[AdviceKind::CertificateRevoked],
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
    fn fires_where_a_list_names_it() {
        fires(&LINT, |host| {
            advise(host, AdviceKind::CertificateRevoked, "certificate revoked");
        });
        passes(&LINT, |host| {
            advise(host, AdviceKind::RevocationListUnusable, "CRL has expired");
        });
    }
}
