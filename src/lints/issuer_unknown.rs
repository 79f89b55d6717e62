//! No set of roots that there is here knows the issuer.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, ChainReport, ChainStatus, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "issuer-unknown",
    severity: Severity::Info,
    summary: "no root that is known here has issued the certificate",
    citation: "RFC 5280 section 6.1: a path ends at a trust anchor",
    explanation: "Nothing is wrong with a CA of one's own, but only a client that has its root \
                  can verify the server: give it with sslrootcert. Where the server sends its own \
                  certificate alone, an intermediate CA may be missing, too.",
    remedies: &[Remedy {
        text: "give the CA's root certificate to the clients",
        place: FixPlace::ConnectionString,
        lines: &["sslrootcert=ca.crt sslmode=verify-full"],
    }],
    advice: &[AdviceKind::IssuerUnknown],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf().filter(|leaf| !leaf.self_signed)?;
    let sets = &context.host.tls.as_ref()?.chain;
    // X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, _SELF_SIGNED_CERT_IN_CHAIN,
    // _UNABLE_TO_GET_ISSUER_CERT_LOCALLY, _UNABLE_TO_VERIFY_LEAF_SIGNATURE.
    let lost = |set: &ChainReport| match set.status {
        ChainStatus::Failed => set
            .error
            .is_some_and(|code| [2, 19, 20, 21].contains(&code)),
        ChainStatus::Absent => true,
        ChainStatus::Ok | ChainStatus::Undetermined | ChainStatus::Unreadable => false,
    };
    let looked = sets.iter().any(|set| set.status == ChainStatus::Failed);
    (looked && sets.iter().all(lost)).then(|| {
        format!(
            "the issuer \"{}\" leads to no root that is known here",
            leaf.issuer
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes, tls};
    use super::*;
    use crate::report::HostReport;

    #[test]
    fn fires_where_every_set_of_roots_is_at_a_loss() {
        let lose = |host: &mut HostReport, code| {
            for set in &mut tls(host).chain {
                (set.status, set.error) = (ChainStatus::Failed, Some(code));
            }
        };
        fires(&LINT, |host| lose(host, 20));
        passes(&LINT, |host| lose(host, 10));
        passes(&LINT, |host| {
            lose(host, 20);
            tls(host).chain[0].status = ChainStatus::Undetermined;
        });
        passes(&LINT, |host| {
            lose(host, 18);
            leaf(host).self_signed = true;
        });
    }
}
