//! The certificate has a wildcard.

use super::context::dns_names;
use super::remedy::CERTIFICATE_FOR_ITS_NAMES;
use super::{Context, Lint};
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "wildcard-certificate",
    severity: Severity::Info,
    summary: "the certificate has a wildcard",
    citation: "RFC 9525 section 7.1: wildcards, and what speaks against them",
    explanation: "One key stands for every host of the domain: who gets it from one server can \
                  pose as all of them.",
    remedies: &[CERTIFICATE_FOR_ITS_NAMES],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf()?;
    let name = dns_names(leaf)
        .into_iter()
        .find(|name| matches_some(name))?;
    Some(format!("it is for {name}"))
}

/// Whether a name has a wildcard that stands for something: elsewhere it is another finding.
fn matches_some(name: &str) -> bool {
    let rest = name.strip_prefix("*.");
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('*'))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_on_a_whole_label_and_not_on_a_part_of_one() {
        fires(&LINT, |host| {
            leaf(host)
                .subject_alt_names
                .push("DNS:*.example.com".into());
        });
        passes(&LINT, |host| {
            leaf(host)
                .subject_alt_names
                .push("DNS:db*.example.com".into());
        });
        passes(&LINT, |host| {
            leaf(host)
                .subject_alt_names
                .push("DNS:*.*.example.com".into());
        });
    }
}
