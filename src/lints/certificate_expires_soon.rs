//! A certificate of the server expires within 30 days.

use super::context::{DAY, seconds};
use super::{Context, Lint, Remedy};
use crate::report::{CertificateReport, FixPlace, Severity, Shared};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "certificate-expires-soon",
    severity: Severity::Medium,
    summary: "the certificate, or a CA above it, expires within 30 days",
    citation: "RFC 5280 section 4.1.2.5: the certificate is valid from notBefore through notAfter",
    explanation: "There is little time left to renew it. Of a certificate that is made for less \
                  than 90 days, the last third of its time counts.",
    remedies: &[Remedy {
        text: "renew it, put it into the file of ssl_cert_file, and reload",
        place: FixPlace::ServerShell,
        lines: &["psql -c 'SELECT pg_reload_conf()'"],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    found(context).map(|(_, message)| message)
}

/// The certificate that expires.
pub(super) fn which<'a>(context: &Context<'a>) -> Option<&'a Shared<CertificateReport>> {
    found(context).map(|(one, _)| one)
}

fn found<'a>(context: &Context<'a>) -> Option<(&'a Shared<CertificateReport>, String)> {
    /// How long before its end that is soon, unless a third of its time is less.
    const SOON: i64 = 30 * DAY;
    context.path().into_iter().find_map(|one| {
        let (begin, end) = (
            seconds(one.not_before.as_ref())?,
            seconds(one.not_after.as_ref())?,
        );
        let soon = SOON.min(end.saturating_sub(begin) / 3);
        let left = end.saturating_sub(context.now);
        (0..=soon).contains(&left).then(|| {
            let what = if one.ca == Some(true) && !std::ptr::eq(one, context.leaf()?) {
                format!("the CA certificate \"{}\" is", one.subject)
            } else {
                "it is".to_owned()
            };
            let until = one.not_after.as_deref().unwrap_or_default();
            let message = format!("{what} valid until {until}, {} days more", left / DAY);
            Some((one, message))
        })?
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires_at, leaf, passes_at};
    use super::*;
    use crate::report::HostReport;

    #[test]
    fn fires_from_30_days_before_its_end_to_its_end() {
        let end = seconds(
            super::super::tests::host().certificates[0]
                .not_after
                .as_ref(),
        );
        let end = end.unwrap();
        passes_at(&LINT, end - 30 * DAY - 1, |_| {});
        fires_at(&LINT, end - 30 * DAY, |_| {});
        fires_at(&LINT, end, |_| {});
        passes_at(&LINT, end + 1, |_| {});
    }

    #[test]
    fn of_a_short_lived_one_the_last_third_counts() {
        let short = |host: &mut HostReport| {
            leaf(host).not_before = Some("2026-11-01T00:00:00Z".into());
            leaf(host).not_after = Some("2026-11-07T00:00:00Z".into());
        };
        let end = 1_794_009_600;
        fires_at(&LINT, end - 2 * DAY, short);
        passes_at(&LINT, end - 2 * DAY - 1, short);
    }
}
