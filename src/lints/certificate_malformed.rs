//! The certificate cannot be read whole.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "certificate-malformed",
    severity: Severity::Medium,
    summary: "the certificate is malformed",
    citation: "RFC 5280 section 4.1: the structure of a certificate",
    explanation: "Some clients refuse it, others read something else in it than was meant.",
    remedies: &[Remedy {
        text: "have it issued anew by a CA of today",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let unparsed = context.leaf()?.unparsed.as_deref()?;
    Some(format!("it cannot be read whole: {unparsed}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_where_it_could_not_be_read() {
        fires(&LINT, |host| {
            leaf(host).unparsed = Some("a trailing byte".into());
        });
        passes(&LINT, |host| host.certificates.clear());
    }
}
