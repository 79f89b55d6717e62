//! The certificate's extendedKeyUsage does not allow a TLS server.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "server-auth-missing",
    severity: Severity::Medium,
    summary: "extendedKeyUsage lacks serverAuth",
    citation: "RFC 5280 section 4.2.1.12: where extendedKeyUsage is there, only the purposes \
               named are allowed",
    explanation: "Every client that verifies refuses it. Often it is a client's certificate on a \
                  server.",
    remedies: &[Remedy {
        text: "have it issued with extendedKeyUsage = serverAuth, or without extendedKeyUsage",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &["certificate-unsuitable", "prefer-falls-back-to-plaintext"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let purposes = context.leaf()?.extended_key_usage.as_ref()?;
    (!purposes.iter().any(|purpose| purpose == "serverAuth"))
        .then(|| format!("extendedKeyUsage has {} only", purposes.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_where_it_is_there_without_server_auth() {
        fires(&LINT, |host| {
            leaf(host).extended_key_usage = Some(vec!["clientAuth".into()]);
        });
        fires(&LINT, |host| {
            leaf(host).extended_key_usage = Some(vec!["anyExtendedKeyUsage".into()]);
        });
        passes(&LINT, |host| leaf(host).extended_key_usage = None);
        passes(&LINT, |host| {
            leaf(host).extended_key_usage = Some(vec!["clientAuth".into(), "serverAuth".into()]);
        });
    }
}
