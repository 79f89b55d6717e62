//! The server lets this user in without asking for anything.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity, StartupAnswer, StartupKind, Status};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "trust-authentication",
    severity: Severity::Critical,
    summary: "a user is let in over TCP without any credentials",
    citation: "PostgreSQL, \"Trust Authentication\": only for a single user's machine, seldom \
               reasonable for TCP/IP",
    explanation: "Whoever reaches the port from there is the user that he says he is, over TLS or \
                  not. Encryption does not help: nobody is asked who he is.",
    remedies: &[
        Remedy {
            text: "set a password first, or nobody comes in afterwards: \\password in psql, as this \
                   user, with password_encryption = scram-sha-256",
            place: FixPlace::Elsewhere,
            lines: &[],
        },
        Remedy {
            text: "then ask for SCRAM: above the line that this user comes in by now, and reload",
            place: FixPlace::PgHbaConf,
            lines: &["host  {database}  {user}  {address}  scram-sha-256"],
        },
    ],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let startup = &context.host.startup;
    let accepted = |answer: &Option<StartupAnswer>| {
        let answer = answer.as_ref();
        answer.is_some_and(|answer| answer.answer == StartupKind::Accepted)
    };
    let sent = context
        .completed()
        .is_some_and(|tls| tls.client_certificate.sent);
    // With a client certificate the method may be cert, which asks for nothing more.
    let over_tls =
        accepted(&startup.tls) && !sent || accepted(&startup.tls_without_client_certificate);
    let plaintext = accepted(&startup.plaintext) && context.host.status != Status::UnixSocket;
    let how = match (over_tls, plaintext) {
        (true, true) => "over TLS and in plaintext",
        (true, false) => "over TLS",
        (false, true) => "in plaintext",
        (false, false) => return None,
    };
    Some(format!("{how} nothing is asked for ({})", context.whom()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, lets_plaintext_in, passes, tls};
    use super::*;

    #[test]
    fn fires_where_nothing_is_asked_for_and_not_where_a_certificate_was_sent() {
        fires(&LINT, |host| {
            host.startup.tls.as_mut().unwrap().answer = StartupKind::Accepted;
        });
        fires(&LINT, |host| {
            lets_plaintext_in(host).answer = StartupKind::Accepted;
        });
        passes(&LINT, |host| {
            host.startup.tls.as_mut().unwrap().answer = StartupKind::Accepted;
            tls(host).client_certificate.sent = true;
        });
        passes(&LINT, |host| {
            lets_plaintext_in(host).answer = StartupKind::Accepted;
            host.status = Status::UnixSocket;
        });
    }
}
