//! The certificate's keyUsage does not allow a TLS signature.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "key-usage-unsuitable",
    severity: Severity::Medium,
    summary: "keyUsage lacks digitalSignature",
    citation: "RFC 8446 section 4.4.2.2: digitalSignature MUST be set where keyUsage is there",
    explanation: "Its key may not sign handshakes, which it has to in TLS 1.3 and with ECDHE. \
                  OpenSSL looks away, GnuTLS and others do not.",
    remedies: &[Remedy {
        text: "have it issued with keyUsage = critical,digitalSignature,keyEncipherment, or \
                   without keyUsage",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &["certificate-unsuitable"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let usage = context.leaf()?.key_usage.as_ref()?;
    (!usage.iter().any(|usage| usage == "digitalSignature")).then(|| {
        format!(
            "keyUsage has {} only",
            if usage.is_empty() {
                "nothing".to_owned()
            } else {
                usage.join(", ")
            }
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_where_it_is_there_without_digital_signature() {
        fires(&LINT, |host| {
            leaf(host).key_usage = Some(vec!["keyEncipherment".into()]);
        });
        passes(&LINT, |host| {
            leaf(host).key_usage = Some(vec!["digitalSignature".into()]);
        });
        passes(&LINT, |host| leaf(host).key_usage = None);
    }
}
