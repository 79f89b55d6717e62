//! A certificate of the server has expired.

use super::context::seconds;
use super::{Context, Lint, Remedy, certificate_renewed_not_reloaded};
use crate::report::{AdviceKind, CertificateReport, FixPlace, Severity, Shared};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "certificate-expired",
    severity: Severity::High,
    summary: "the certificate, or a CA above it, has expired",
    citation: "RFC 5280 section 4.1.2.5: the certificate is valid from notBefore through notAfter",
    explanation: "Clients that verify cannot connect any more. Those that do not verify do not \
                  notice, and are as exposed as before.",
    remedies: &[
        Remedy {
            text: "if it was renewed already, the server still serves the old one: reload it",
            place: FixPlace::ServerShell,
            lines: &["psql -c 'SELECT pg_reload_conf()'"],
        },
        Remedy {
            text: "else renew it, put it into the file of ssl_cert_file, and reload",
            place: FixPlace::ServerShell,
            lines: &[],
        },
    ],
    advice: &[AdviceKind::CertificateExpired],
    covers: &[
        "prefer-falls-back-to-plaintext",
        "certificate-renewed-not-reloaded",
    ],
    check,
};

/// The certificate that has expired: the server's own, or a CA's that clients need.
pub(super) fn which<'a>(context: &Context<'a>) -> Option<&'a Shared<CertificateReport>> {
    let ended = |one: &&Shared<CertificateReport>| {
        seconds(one.not_after.as_ref()).is_some_and(|end| end < context.now)
    };
    let leaf = context.leaf()?;
    if ended(&leaf) {
        return Some(leaf);
    }
    // Another path may not need that one.
    if context.verifies() {
        return None;
    }
    context.path().into_iter().skip(1).find(ended)
}

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf()?;
    let end = |one: &CertificateReport| one.not_after.clone().unwrap_or_default();
    let ended = which(context)?;
    if std::ptr::eq(ended, leaf) {
        let newer = match certificate_renewed_not_reloaded::newer_file(context) {
            Some(file) => format!(", and the file \"{file}\" has a newer one: reload the server"),
            None => String::new(),
        };
        return Some(format!("it was valid until {}{newer}", end(leaf)));
    }
    Some(format!(
        "the CA certificate \"{}\" was valid until {}",
        ended.subject,
        end(ended)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{compared, fires, fires_at, passes, passes_at, tls};
    use super::*;
    use crate::report::{ChainStatus, ExpectedVerdict, HostReport};

    #[test]
    fn fires_a_second_after_its_end_and_not_at_it() {
        let end = seconds(
            super::super::tests::host().certificates[0]
                .not_after
                .as_ref(),
        );
        let end = end.unwrap();
        fires_at(&LINT, end + 1, |_| {});
        passes_at(&LINT, end, |_| {});
    }

    #[test]
    fn fires_on_a_ca_unless_the_chain_verifies_without_it() {
        let expire = |host: &mut HostReport| {
            host.certificates[1].not_after = Some("2026-01-01T00:00:00Z".into());
        };
        fires(&LINT, |host| {
            expire(host);
            for set in &mut tls(host).chain {
                set.status = ChainStatus::Failed;
            }
        });
        passes(&LINT, expire);
    }

    #[test]
    fn passes_where_a_valid_certificate_of_the_same_ca_is_sent_beside_an_expired_one() {
        let crossed = |host: &mut HostReport, place: usize| {
            let mut expired = host.certificates[1].clone();
            expired.not_after = Some("2026-01-01T00:00:00Z".into());
            host.certificates.insert(place, expired);
            for set in &mut tls(host).chain {
                set.status = ChainStatus::Failed;
            }
        };
        passes(&LINT, |host| crossed(host, 1));
        passes(&LINT, |host| crossed(host, 2));
    }

    #[test]
    fn fires_where_the_valid_one_beside_it_has_another_key() {
        let rolled = |host: &mut HostReport, place: usize| {
            host.certificates[0].authority_key_identifier = Some("aa".into());
            let mut expired = host.certificates[1].clone();
            expired.subject_key_identifier = Some("aa".into());
            expired.not_after = Some("2026-01-01T00:00:00Z".into());
            host.certificates[1].subject_key_identifier = Some("bb".into());
            host.certificates.insert(place, expired);
            for set in &mut tls(host).chain {
                set.status = ChainStatus::Failed;
            }
        };
        fires(&LINT, |host| rolled(host, 1));
        fires(&LINT, |host| rolled(host, 2));
    }

    #[test]
    fn what_is_known_of_a_ca_is_not_known_of_the_leaf() {
        let mut host = super::super::tests::host();
        let mut finding = |expired: usize| {
            host.certificates[expired].not_after = Some("2026-01-01T00:00:00Z".into());
            for set in &mut tls(&mut host).chain {
                set.status = ChainStatus::Failed;
            }
            let found = super::super::findings(&host, super::super::tests::NOW);
            let found = found.into_iter().find(|one| one.lint == LINT.name).unwrap();
            let sha256 = host.certificates[expired].sha256.clone();
            assert_eq!(found.certificate, Some(sha256));
            found.fingerprint
        };
        assert_ne!(finding(1), finding(0));
    }

    #[test]
    fn says_that_the_renewed_one_is_there_already() {
        let newer = compared(ExpectedVerdict::RenewedNotReloaded);
        let mut host = super::super::tests::host();
        host.expected_certificate = Some(newer);
        let found = super::super::findings(&host, i64::MAX);
        let names: Vec<_> = found.iter().map(|one| one.lint).collect();
        assert!(names.contains(&LINT.name), "{names:?}");
        assert!(!names.contains(&"certificate-renewed-not-reloaded"));
        assert!(found[0].message.contains("\"server.crt\" has a newer one"));
    }
}
