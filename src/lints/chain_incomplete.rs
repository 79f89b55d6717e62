//! The server does not send an intermediate CA that this client happens to have.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "chain-incomplete",
    severity: Severity::Medium,
    summary: "an intermediate CA is not sent",
    citation: "RFC 8446 section 4.4.2: the sender must send the chain up to, but not necessarily \
               with, the root",
    explanation: "It verifies here because the root file has the intermediate, too, and fails \
                  with every client that has the root alone.",
    remedies: &[Remedy {
        text: "append the intermediate's certificate to the file of ssl_cert_file, after the \
                   server's own, and reload",
        place: FixPlace::ServerShell,
        lines: &["cat server.crt intermediate.crt > chain.crt"],
    }],
    advice: &[AdviceKind::ChainIncomplete],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    Some(context.advised(LINT.advice)?.why.clone())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{advise, fires, passes};
    use super::*;

    #[test]
    fn fires_where_the_client_has_what_the_server_should_send() {
        fires(&LINT, |host| {
            advise(
                host,
                AdviceKind::ChainIncomplete,
                "the server sends 1 of 2 certificates",
            );
        });
        passes(&LINT, |host| {
            advise(host, AdviceKind::RootFileMissing, "there is no root file");
        });
    }
}
