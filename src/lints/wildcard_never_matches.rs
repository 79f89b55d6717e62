//! A wildcard stands where no client takes it for one.

use super::context::dns_names;
use super::remedy::CERTIFICATE_FOR_ITS_NAMES;
use super::{Context, Lint};
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "wildcard-never-matches",
    severity: Severity::Low,
    summary: "a wildcard stands where it matches nothing",
    citation: "RFC 9525 section 6.3: the wildcard is the whole leftmost label; libpq: \
               wildcard_certificate_match",
    explanation: "Whoever had it issued believes that it covers names which it does not: libpq \
                  takes a wildcard only as the whole first label.",
    remedies: &[CERTIFICATE_FOR_ITS_NAMES],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf()?;
    let mut names = dns_names(leaf).into_iter();
    let name = names.find(|name| {
        let rest = name.strip_prefix("*.").unwrap_or(name);
        rest.is_empty() || rest.contains('*')
    })?;
    Some(format!("the name {name} matches no host"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_on_a_part_of_a_label_and_below_the_first() {
        fires(&LINT, |host| {
            leaf(host)
                .subject_alt_names
                .push("DNS:db*.example.com".into());
        });
        fires(&LINT, |host| {
            leaf(host)
                .subject_alt_names
                .push("DNS:db.*.example.com".into());
        });
        fires(&LINT, |host| {
            leaf(host).subject_alt_names.push("DNS:*".into());
        });
        passes(&LINT, |host| {
            leaf(host)
                .subject_alt_names
                .push("DNS:*.example.com".into());
        });
    }
}
