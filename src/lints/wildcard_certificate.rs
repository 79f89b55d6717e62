//! The certificate has a wildcard.

use super::context::dns_names;
use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "wildcard-certificate",
    severity: Severity::Info,
    summary: "the certificate has a wildcard",
    citation: "RFC 9525 section 7.1: wildcards, and what speaks against them",
    explanation: "One key stands for every host of the domain: who gets it from one server can \
                  pose as all of them.",
    remedies: &[Remedy {
        text: "have it issued for the names that the server has",
        place: FixPlace::ServerShell,
        lines: &[
            "openssl req -new -key server.key -subj '/CN={host}' -addext 'subjectAltName = {san}' \
                 -out server.csr",
        ],
        pgbouncer: None,
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf()?;
    let name = dns_names(leaf)
        .into_iter()
        .find(|name| name.starts_with("*."))?;
    Some(format!("it is for {name}"))
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
    }
}
