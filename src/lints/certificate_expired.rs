//! A certificate of the server has expired.

use super::context::seconds;
use super::{Context, Lint, Remedy};
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
            pgbouncer: None,
        },
        Remedy {
            text: "else renew it, put it into the file of ssl_cert_file, and reload",
            place: FixPlace::ServerShell,
            lines: &[],
            pgbouncer: None,
        },
    ],
    advice: &[AdviceKind::CertificateExpired],
    covers: &["prefer-falls-back-to-plaintext"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let ended = |one: &&Shared<CertificateReport>| {
        seconds(one.not_after.as_ref()).is_some_and(|end| end < context.now)
    };
    let leaf = context.leaf()?;
    let end = |one: &CertificateReport| one.not_after.clone().unwrap_or_default();
    if ended(&leaf) {
        return Some(format!("it was valid until {}", end(leaf)));
    }
    // Another path may not need that one.
    let mut above = context.path().into_iter().skip(1);
    let above = above.find(ended).filter(|_| !context.verifies())?;
    Some(format!(
        "the CA certificate \"{}\" was valid until {}",
        above.subject,
        end(above)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, fires_at, passes, passes_at, tls};
    use super::*;
    use crate::report::{ChainStatus, HostReport};

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
}
