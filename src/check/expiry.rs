//! How long the certificates that a server sends are still valid, the earliest deciding.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::threshold::{Limits, Range};
use super::{Line, Metric, State};
use crate::report::{CertificateReport, HostReport, Report};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// How many certificates get a number of their own; servers send two or three.
const GRAPHED: usize = 10;

/// One certificate and what its dates come to.
struct Judged<'a> {
    place: usize,
    certificate: &'a CertificateReport,
    state: State,
    /// Seconds to notAfter; `None` if the dates cannot be read.
    left: Option<i64>,
    text: String,
    warning: Option<Range>,
    critical: Option<Range>,
}

/// Judges all certificates that were sent; nothing if none were.
pub(super) fn judge(
    report: &Report,
    host: &HostReport,
    limits: &Limits,
) -> Option<(Line, Vec<Metric>)> {
    let now = unix(&report.judged_at)?;
    let ends = |certificate: &CertificateReport| unix(certificate.not_after.as_deref()?);
    let earliest = host.certificates.iter().filter_map(|one| ends(one)).min();
    let judged: Vec<Judged<'_>> = host
        .certificates
        .iter()
        .enumerate()
        .map(|(place, certificate)| {
            let first = earliest.is_some() && ends(certificate) == earliest;
            judge_one(place, certificate, now, limits, first)
        })
        .collect();
    // The worst, and of these the one that ends first.
    let decides = judged.iter().max_by_key(|one| {
        let left = one.left.unwrap_or(i64::MIN);
        (one.state.weight(), std::cmp::Reverse(left))
    })?;
    let text = match decides.place {
        0 => format!("certificate {}", decides.text),
        _ => {
            let subject = &decides.certificate.subject;
            format!(
                "sent certificate {} {} ({subject})",
                decides.place, decides.text
            )
        }
    };
    let mut metrics: Vec<Metric> = metric("expires", decides).into_iter().collect();
    if judged.len() > 1 {
        let graphed = judged.iter().take(GRAPHED);
        metrics
            .extend(graphed.filter_map(|one| metric(&format!("chain{}_expires", one.place), one)));
    }
    Some((Line::new(decides.state, "validity", text), metrics))
}

fn judge_one<'a>(
    place: usize,
    certificate: &'a CertificateReport,
    now: i64,
    limits: &Limits,
    ends_first: bool,
) -> Judged<'a> {
    let mut judged = Judged {
        place,
        certificate,
        state: State::Unknown,
        left: None,
        text: "has dates that cannot be read".into(),
        warning: None,
        critical: None,
    };
    let time = |text: &Option<String>| unix(text.as_deref()?);
    let (Some(begin), Some(end)) = (time(&certificate.not_before), time(&certificate.not_after))
    else {
        return judged;
    };
    let left = end.saturating_sub(now);
    judged.left = Some(left);
    (judged.warning, judged.critical) = limits.seconds(end.saturating_sub(begin), ends_first);
    #[expect(
        clippy::cast_precision_loss,
        reason = "the years 0 to 9999 are below 2^52 seconds"
    )]
    let alerts = |range: Option<Range>| range.is_some_and(|range| range.alerts(left as f64));
    let until = day(certificate.not_after.as_deref());
    // The last second is already too late, as for OpenSSL.
    (judged.state, judged.text) = if left <= 0 {
        (
            State::Critical,
            format!("expired {} ago ({until})", span(left.saturating_neg())),
        )
    } else if begin > now {
        let from = day(certificate.not_before.as_deref());
        (
            State::Critical,
            format!(
                "is not valid before {from}, in {}",
                span(begin.saturating_sub(now))
            ),
        )
    } else {
        let state = if alerts(judged.critical) {
            State::Critical
        } else if alerts(judged.warning) {
            State::Warning
        } else {
            State::Ok
        };
        (state, format!("expires in {} ({until})", span(left)))
    };
    judged
}

fn metric(label: &str, judged: &Judged<'_>) -> Option<Metric> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the years 0 to 9999 are below 2^52 seconds"
    )]
    let value = judged.left? as f64;
    Some(Metric {
        label: label.into(),
        value,
        places: 0,
        warning: judged.warning,
        critical: judged.critical,
        from_zero: false,
    })
}

/// A time as reports have it, in seconds since 1970.
pub(super) fn unix(rfc3339: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(rfc3339, &Rfc3339).ok()?;
    Some(time.unix_timestamp())
}

/// The date of a time.
fn day(rfc3339: Option<&str>) -> &str {
    let text = rfc3339.unwrap_or_default();
    text.split_once('T').map_or(text, |(day, _)| day)
}

/// A span in the unit that fits, rounded down.
fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..HOUR => (seconds / 60, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_their_unit() {
        for (seconds, said) in [
            (0, "0 minutes"),
            (60, "1 minute"),
            (3_599, "59 minutes"),
            (3_600, "1 hour"),
            (86_399, "23 hours"),
            (86_400, "1 day"),
            (30 * DAY - 1, "29 days"),
        ] {
            assert_eq!(span(seconds), said);
        }
    }
}
