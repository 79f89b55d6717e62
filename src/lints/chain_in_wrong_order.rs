//! The certificates are sent in the wrong order.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "chain-in-wrong-order",
    severity: Severity::Low,
    summary: "the chain is sent in the wrong order",
    citation: "RFC 5246 section 7.4.2: each following certificate MUST directly certify the one \
               preceding it; RFC 8446 section 4.4.2: SHOULD",
    explanation: "OpenSSL sorts them itself; old and small TLS libraries do not.",
    remedies: &[Remedy {
        text: "put them into the file of ssl_cert_file in this order: the server's own, then \
                   each one's issuer; and reload",
        place: FixPlace::ServerShell,
        lines: &["cat server.crt intermediate.crt > chain.crt"],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let path = context.path();
    let places: Vec<_> = path
        .iter()
        .filter_map(|one| {
            let mut sent = context.host.certificates.iter();
            sent.position(|other| std::ptr::eq(other, *one))
        })
        .collect();
    let sorted = places.is_sorted();
    (!sorted).then(|| "an issuer is sent before what it issued".into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes};
    use super::*;
    use crate::report::HostReport;

    /// Puts the root of the chain behind or before its intermediate.
    fn with_root(host: &mut HostReport, place: usize) {
        let mut root = host.certificates[1].clone();
        root.subject = root.issuer.clone();
        root.compared.subject = root.compared.issuer.clone();
        root.self_signed = true;
        host.certificates.insert(place, root);
    }

    #[test]
    fn fires_where_an_issuer_comes_first() {
        fires(&LINT, |host| with_root(host, 1));
        passes(&LINT, |host| with_root(host, 2));
    }
}
