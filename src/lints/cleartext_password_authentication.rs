//! The password itself is asked for, over TLS.

use super::remedy::{ASK_FOR_SCRAM, STORE_FOR_SCRAM};
use super::{Context, Lint};
use crate::libpq::authentication::Auth;
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "cleartext-password-authentication",
    severity: Severity::Medium,
    summary: "the password is asked for as it is, over TLS",
    citation: "PostgreSQL, \"Password Authentication\": the server sees the password itself; RFC \
               5802 keeps it from whoever poses as the server",
    explanation: "Over TLS nobody on the way reads it, but whoever poses as the server gets it: \
                  sslmode up to require does not check who answers. With SCRAM he would get \
                  nothing that he could use. Where ldap, pam or radius are needed, only clients \
                  with verify-full are safe.",
    remedies: &[STORE_FOR_SCRAM, ASK_FOR_SCRAM],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let answer = context.over_tls()?;
    (answer.auth == Some(Auth::Password)).then(|| {
        format!(
            "over TLS the password is asked for as it is ({})",
            context.whom()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes};
    use super::*;

    #[test]
    fn fires_on_a_password_and_not_on_scram() {
        fires(&LINT, |host| {
            host.startup.tls.as_mut().unwrap().auth = Some(Auth::Password);
        });
        passes(&LINT, |host| {
            host.startup.tls.as_mut().unwrap().auth = Some(Auth::Md5);
        });
    }
}
