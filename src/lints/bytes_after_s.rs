//! The server, or somebody on the way, sends bytes before the TLS handshake.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "bytes-after-s",
    severity: Severity::High,
    summary: "bytes come in plaintext together with the answer to SSLRequest",
    citation: "CVE-2021-23222: bytes between the server's S and its handshake can come from \
               anybody on the way",
    explanation: "An old libpq takes them for the server's first words over TLS. No PostgreSQL \
                  sends any: something between is broken, or hostile.",
    remedies: &[Remedy {
        text: "find out who sends them: probe from the server's own machine, and from before \
                   each proxy",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[AdviceKind::DataInjected],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.enumerated(LINT.name).or_else(|| {
        let reply = context.host.ssl_request.as_ref()?;
        let injected = reply.answer.as_deref() == Some("S") && reply.trailing_bytes > 0;
        injected.then(|| format!("{} bytes came together with the S", reply.trailing_bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, follows_the_enumeration, passes};
    use super::*;

    #[test]
    fn fires_where_the_enumeration_found_it() {
        follows_the_enumeration(&LINT);
    }

    #[test]
    fn fires_on_one_byte_and_not_on_none() {
        fires(&LINT, |host| {
            host.ssl_request.as_mut().unwrap().trailing_bytes = 1;
        });
        passes(&LINT, |host| {
            let reply = host.ssl_request.as_mut().unwrap();
            reply.answer = Some("E".into());
            reply.trailing_bytes = 90;
        });
    }
}
