//! The server speaks TLS and lets clients in without it, too.

use super::context::asks_for;
use super::remedy::REFUSE_PLAINTEXT;
use super::{Context, Lint};
use crate::report::{AdviceKind, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "plaintext-accepted",
    severity: Severity::High,
    summary: "clients are let in without TLS although the server has it",
    citation: "RFC 9325 section 3.2: strict TLS instead of an upgrade that an attacker can take \
               away; CIS PostgreSQL Benchmark 6.8",
    explanation: "A client that does not demand TLS sends everything in the clear, and nobody \
                  notices: sslmode=prefer, the default of libpq, falls back to plaintext where \
                  somebody on the way answers N to its SSLRequest. Only a server that refuses \
                  plaintext makes such clients fail.",
    remedies: &[REFUSE_PLAINTEXT],
    advice: &[AdviceKind::PlaintextAccepted],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let answer = context.plaintext()?;
    context.over_tls()?;
    Some(format!(
        "plaintext is let in, and asked for {} ({})",
        asks_for(answer),
        context.whom()
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, lets_plaintext_in, passes};
    use super::*;
    use crate::report::StartupKind;

    #[test]
    fn fires_where_plaintext_goes_on_and_not_where_it_is_refused() {
        fires(&LINT, |host| {
            lets_plaintext_in(host);
        });
        passes(&LINT, |host| {
            lets_plaintext_in(host).answer = StartupKind::Refused;
        });
        passes(&LINT, |host| {
            lets_plaintext_in(host).answer = StartupKind::Timeout;
        });
        passes(&LINT, |host| host.startup.plaintext = None);
        passes(&LINT, |host| {
            lets_plaintext_in(host);
            host.startup.tls = None;
        });
    }

    #[test]
    fn fires_where_the_server_takes_tls_without_the_certificate_of_the_client() {
        fires(&LINT, |host| {
            lets_plaintext_in(host);
            let startup = &mut host.startup;
            startup.tls_without_client_certificate = startup.tls.clone();
            startup.tls.as_mut().unwrap().answer = StartupKind::Failed;
        });
    }
}
