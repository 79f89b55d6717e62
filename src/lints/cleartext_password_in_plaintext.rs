//! The password itself is asked for over a connection that anybody can read.

use super::remedy::{ASK_FOR_SCRAM, REFUSE_PLAINTEXT, STORE_FOR_SCRAM};
use super::{Context, Lint};
use crate::libpq::authentication::Auth;
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "cleartext-password-in-plaintext",
    severity: Severity::Critical,
    summary: "the password is asked for in the clear, without TLS",
    citation: "PostgreSQL, \"Password Authentication\": password should be avoided on a \
               connection that is not encrypted; RFC 9325 section 3.2",
    explanation: "The methods password, ldap, pam and radius make the client send the password as \
                  it is. Without TLS whoever is on the way reads it and can log in with it from \
                  then on.",
    remedies: &[REFUSE_PLAINTEXT, STORE_FOR_SCRAM, ASK_FOR_SCRAM],
    advice: &[],
    covers: &["plaintext-accepted", "cleartext-password-authentication"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let answer = context.plaintext()?;
    (answer.auth == Some(Auth::Password)).then(|| {
        format!(
            "the password is asked for as it is, in plaintext ({})",
            context.whom()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, lets_plaintext_in, passes};
    use super::*;

    #[test]
    fn fires_on_a_password_in_plaintext_and_not_on_a_hash() {
        fires(&LINT, |host| {
            lets_plaintext_in(host).auth = Some(Auth::Password);
        });
        passes(&LINT, |host| lets_plaintext_in(host).auth = Some(Auth::Md5));
        passes(&LINT, |host| {
            host.startup.tls.as_mut().unwrap().auth = Some(Auth::Password);
        });
    }

    #[test]
    fn nobody_is_locked_out_where_tls_lets_nobody_in() {
        let mut host = super::super::tests::host();
        lets_plaintext_in(&mut host).auth = Some(Auth::Password);
        let pasted = |host: &crate::report::HostReport| {
            let found = super::super::findings(host, super::super::tests::NOW);
            let found = found.into_iter().filter(|one| one.lint == LINT.name);
            let fixes = found.flat_map(|one| one.fixes);
            let mut lines = fixes.flat_map(|fix| fix.paste);
            lines.any(|line| line.starts_with("hostnossl"))
        };
        assert!(pasted(&host));
        host.startup.tls.as_mut().unwrap().answer = crate::report::StartupKind::Refused;
        assert!(!pasted(&host));
        host.startup.tls = None;
        assert!(!pasted(&host));
    }
}
