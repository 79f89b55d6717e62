//! The server asks for an MD5 hash of the password.

use super::remedy::{ASK_FOR_SCRAM, STORE_FOR_SCRAM};
use super::{Context, Lint};
use crate::libpq::authentication::Auth;
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "md5-authentication",
    severity: Severity::Medium,
    summary: "md5 is asked for instead of scram-sha-256",
    citation: "PostgreSQL 18, \"Password Authentication\": support for MD5-encrypted passwords is \
               deprecated",
    explanation: "What is stored on the server is enough to log in, what goes over the wire can \
                  be guessed offline at the speed of MD5, and nothing binds it to the TLS \
                  connection.",
    remedies: &[STORE_FOR_SCRAM, ASK_FOR_SCRAM],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let asked = [context.over_tls(), context.plaintext()];
    let md5 = asked
        .into_iter()
        .flatten()
        .any(|answer| answer.auth == Some(Auth::Md5));
    md5.then(|| format!("md5 is asked for ({})", context.whom()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, lets_plaintext_in, passes};
    use super::*;

    #[test]
    fn fires_on_md5_over_either_transport() {
        fires(&LINT, |host| {
            host.startup.tls.as_mut().unwrap().auth = Some(Auth::Md5);
        });
        fires(&LINT, |host| lets_plaintext_in(host).auth = Some(Auth::Md5));
        passes(&LINT, |host| {
            lets_plaintext_in(host);
        });
    }
}
