//! A wildcard of the certificate reaches over a whole top-level domain.

use super::context::dns_names;
use super::remedy::CERTIFICATE_FOR_ITS_NAMES;
use super::{Context, Lint};
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "wildcard-too-wide",
    severity: Severity::Medium,
    summary: "a wildcard covers a whole top-level domain",
    citation: "CA/Browser Forum Baseline Requirements section 3.2.2.6: no wildcard directly above \
               a public suffix; RFC 9525 section 7.1",
    explanation: "libpq takes *.com, or *.internal, for any name below it, so whoever has its key \
                  can pose as all of them. rustls, Node and asyncpg refuse it.",
    remedies: &[CERTIFICATE_FOR_ITS_NAMES],
    advice: &[],
    covers: &["wildcard-certificate"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf()?;
    let mut names = dns_names(leaf).into_iter();
    let wide = names.find(|name| {
        name.strip_prefix("*.")
            .is_some_and(|rest| !rest.is_empty() && !rest.contains('.'))
    })?;
    Some(format!("the name {wide} covers every name of that domain"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_on_one_label_and_not_on_two() {
        fires(&LINT, |host| {
            leaf(host).subject_alt_names.push("DNS:*.com".into());
        });
        passes(&LINT, |host| {
            leaf(host)
                .subject_alt_names
                .push("DNS:*.example.com".into());
        });
        passes(&LINT, |host| leaf(host).common_names = vec!["*.com".into()]);
    }
}
