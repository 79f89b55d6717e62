//! The certificate has no subjectAltName that a host could match.

use super::context::alt_names;
use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "subject-alt-name-missing",
    severity: Severity::Medium,
    summary: "the certificate has no subjectAltName: its CN alone counts",
    citation: "RFC 9525 section 2: the CN is not used for names; RFC 2818 said so in 2000",
    explanation: "libpq still compares the CN. Go, rustls, and Node for names do not: with them \
                  verify-full fails whatever the CN says.",
    remedies: &[Remedy {
        text: "have it issued with its names",
        place: FixPlace::ServerShell,
        lines: &[
            "openssl req -new -key server.key -subj '/CN={host}' -addext 'subjectAltName = {san}' \
                 -out server.csr",
        ],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf().filter(|leaf| leaf.unparsed.is_none())?;
    let none = ["DNS:", "IP:", "<"]
        .into_iter()
        .all(|kind| alt_names(leaf, kind).next().is_none());
    none.then(|| match leaf.common_names.first() {
        Some(name) => format!("its only name is the CN \"{name}\""),
        None => "it has no name at all".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_without_a_dns_or_ip_name() {
        fires(&LINT, |host| leaf(host).subject_alt_names.clear());
        fires(&LINT, |host| {
            leaf(host).subject_alt_names = vec!["email:a@b".into()];
        });
        passes(&LINT, |host| {
            leaf(host).subject_alt_names = vec!["IP:192.0.2.10".into()];
        });
        passes(&LINT, |host| {
            leaf(host).subject_alt_names = vec!["<undecodable>".into()];
        });
    }
}
