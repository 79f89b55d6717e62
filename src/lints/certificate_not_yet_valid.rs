//! The validity of the certificate has not begun.

use super::context::seconds;
use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "certificate-not-yet-valid",
    severity: Severity::High,
    summary: "the certificate is not valid yet",
    citation: "RFC 5280 section 4.1.2.5: the certificate is valid from notBefore through notAfter",
    explanation: "Clients that verify cannot connect yet. It was put there too early, or a clock \
                  is wrong: that of this machine, or of the one that issued it.",
    remedies: &[Remedy {
        text: "compare the clocks of this machine and of the one that issued it, or wait",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[AdviceKind::CertificateNotYetValid],
    covers: &["prefer-falls-back-to-plaintext"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf()?;
    let begin = seconds(leaf.not_before.as_ref())?;
    (begin > context.now).then(|| {
        format!(
            "it begins at {}",
            leaf.not_before.clone().unwrap_or_default()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires_at, passes_at};
    use super::*;

    #[test]
    fn fires_a_second_before_its_begin_and_not_at_it() {
        let begin = seconds(
            super::super::tests::host().certificates[0]
                .not_before
                .as_ref(),
        );
        let begin = begin.unwrap();
        fires_at(&LINT, begin - 1, |_| {});
        passes_at(&LINT, begin, |_| {});
    }
}
