//! The heartbeat extension is there.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "heartbeat-offered",
    severity: Severity::Low,
    summary: "the heartbeat extension is offered",
    citation: "RFC 6520; CVE-2014-0160 (Heartbleed) in the OpenSSL 1.0.1 that had it",
    explanation: "Nothing of PostgreSQL needs it, and OpenSSL dropped it with 1.1.1: a server \
                  that has it runs a library of before 2018, if not one with Heartbleed.",
    remedies: &[Remedy {
        text: "update the TLS library of the server, or the proxy before it",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let mut versions = context.enumeration()?.versions.iter();
    let version = versions.find(|version| version.extensions.heartbeat == Some(true))?;
    Some(format!(
        "the ServerHello of {} has it",
        version.protocol_version
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{enumerate, fires, passes};
    use super::*;

    #[test]
    fn fires_where_a_server_hello_has_it() {
        fires(&LINT, |host| {
            enumerate(host).versions[3].extensions.heartbeat = Some(true);
        });
        passes(&LINT, |host| {
            enumerate(host).versions[3].extensions.heartbeat = Some(false);
        });
    }
}
