//! libpq takes the CN although there is a subjectAltName; other clients do not.

use super::context::alt_names;
use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "name-only-libpq-accepts",
    severity: Severity::Low,
    summary: "libpq finds the host in the CN only, beside a subjectAltName",
    citation: "RFC 9525 section 2: the CN is not used; libpq: \
               pq_verify_peer_name_matches_certificate lets it match an address",
    explanation: "verify-full connects with libpq, and fails with Go, rustls, pgjdbc, Node and \
                  asyncpg, which look at subjectAltName alone.",
    remedies: &[Remedy {
        text: "have it issued with the host in subjectAltName, too",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let name = context.host.tls.as_ref()?.host_name.as_ref()?;
    let by_common_name = name
        .rule
        .as_deref()
        .is_some_and(|rule| rule.starts_with("common_name"));
    let leaf = context.leaf()?;
    let beside = ["DNS:", "IP:"]
        .into_iter()
        .any(|kind| alt_names(leaf, kind).next().is_some());
    (name.matches && by_common_name && beside).then(|| {
        format!(
            "\"{}\" is found in the CN, and not in subjectAltName",
            name.host
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes, tls};
    use super::*;
    use crate::report::HostReport;

    #[test]
    fn fires_where_the_cn_matched_beside_other_names() {
        let rule = |host: &mut HostReport, rule: &str| {
            tls(host).host_name.as_mut().unwrap().rule = Some(rule.into());
        };
        fires(&LINT, |host| rule(host, "common_name"));
        passes(&LINT, |host| rule(host, "dns_wildcard"));
        passes(&LINT, |host| {
            rule(host, "common_name");
            leaf(host).subject_alt_names.clear();
        });
    }
}
