//! Thresholds as the Monitoring Plugins write them: `[@]start:end`, in days or percent.

use std::fmt;
use std::str::FromStr;

const DAY: f64 = 86_400.0;

/// From when to when nothing is said (or, inverted, something is).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Whether it alerts inside instead of outside (`@`).
    pub inside: bool,
    /// The least value, `-inf` for `~`.
    pub start: f64,
    /// The greatest value, `inf` if open.
    pub end: f64,
}

impl Range {
    /// Alerts below `start`.
    pub const fn at_least(start: f64) -> Self {
        Self {
            inside: false,
            start,
            end: f64::INFINITY,
        }
    }

    /// Whether `value` alerts. Both ends belong to the range.
    pub fn alerts(&self, value: f64) -> bool {
        (self.start..=self.end).contains(&value) == self.inside
    }

    fn scaled(self, factor: f64) -> Self {
        // An open end stays open, also for a lifetime of no seconds.
        let scale = |bound: f64| {
            if bound.is_finite() {
                bound * factor
            } else {
                bound
            }
        };
        Self {
            inside: self.inside,
            start: scale(self.start),
            end: scale(self.end),
        }
    }
}

/// As perfdata has it, in whole seconds; the start is always written.
impl fmt::Display for Range {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No "-0": what rounds to nothing is 0.
        let whole = |bound: f64| bound.round() + 0.0;
        if self.inside {
            out.write_str("@")?;
        }
        if self.start == f64::NEG_INFINITY {
            out.write_str("~:")?;
        } else {
            write!(out, "{:.0}:", whole(self.start))?;
        }
        if self.end == f64::INFINITY {
            Ok(())
        } else {
            write!(out, "{:.0}", whole(self.end))
        }
    }
}

/// A range of the time that is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// In days.
    Days(Range),
    /// In percent of the certificate's lifetime.
    Percent(Range),
}

impl Threshold {
    /// The range in seconds for a certificate with this lifetime.
    pub fn seconds(self, lifetime: i64) -> Range {
        match self {
            Self::Days(range) => range.scaled(DAY),
            Self::Percent(range) => {
                #[expect(clippy::cast_precision_loss, reason = "lifetimes are far below 2^52 s")]
                let lifetime = lifetime.max(0) as f64;
                range.scaled(lifetime / 100.0)
            }
        }
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            "not a range like 30: (alerts below 30 days), 30 (the same), 25% or @10:20".to_owned()
        };
        let (inside, range) = match text.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let percent = range.contains('%');
        let number = |text: &str| -> Result<f64, String> {
            let digits = text.strip_suffix('%').unwrap_or(text);
            let plain = digits.strip_prefix('-').unwrap_or(digits);
            let is_number = plain
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.');
            match digits.parse::<f64>() {
                Ok(number) if is_number && number.abs() <= 1e6 => Ok(number),
                _ => Err(wrong()),
            }
        };
        let range = match range.split_once(':') {
            // The loose form: so many days left.
            None if !inside => Range::at_least(number(range)?),
            None => Range {
                inside,
                start: 0.0,
                end: number(range)?,
            },
            Some((start, end)) => Range {
                inside,
                start: match start {
                    "" => 0.0,
                    "~" => f64::NEG_INFINITY,
                    start => number(start)?,
                },
                end: match end {
                    "" => f64::INFINITY,
                    end => number(end)?,
                },
            },
        };
        if range.start > range.end {
            return Err("the start of the range is after its end".into());
        }
        Ok(if percent {
            Self::Percent(range)
        } else {
            Self::Days(range)
        })
    }
}

/// When the time that is left is too short.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// `--warning`; `None` is 30 days, of lifetimes below 90 days 25 %.
    pub warning: Option<Threshold>,
    /// `--critical`; `None` is 14 days, of lifetimes below 90 days 10 %.
    pub critical: Option<Threshold>,
}

/// Certificates that live shorter than this are judged by percent where nothing else is said.
const SHORT_LIVED: i64 = 90 * 86_400;

impl Limits {
    /// The two ranges in seconds for one of the certificates that a server sends.
    ///
    /// Percent that the user gave are meant for the certificate that ends first: a CA of ten years
    /// shall not warn for two of them.
    pub fn seconds(&self, lifetime: i64, ends_first: bool) -> (Option<Range>, Option<Range>) {
        let default = |days, percent| {
            if lifetime < SHORT_LIVED {
                Threshold::Percent(Range::at_least(percent))
            } else {
                Threshold::Days(Range::at_least(days))
            }
        };
        let range = |given: Option<Threshold>, days, percent| match given {
            Some(Threshold::Percent(_)) if !ends_first => None,
            Some(given) => Some(given.seconds(lifetime)),
            None => Some(default(days, percent).seconds(lifetime)),
        };
        (
            range(self.warning, 30.0, 25.0),
            range(self.critical, 14.0, 10.0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: i64 = 365 * 86_400;

    /// The range as perfdata shows it, for a lifetime of 100 days.
    fn seconds(text: &str) -> String {
        let threshold: Threshold = text.parse().unwrap();
        threshold.seconds(100 * 86_400).to_string()
    }

    #[test]
    fn ranges_are_read_as_the_guidelines_write_them() {
        for (text, shown) in [
            ("30", "2592000:"),
            ("30:", "2592000:"),
            ("0.5", "43200:"),
            ("25%", "2160000:"),
            ("25%:", "2160000:"),
            ("10:20", "864000:1728000"),
            ("@10:20", "@864000:1728000"),
            ("@10", "@0:864000"),
            ("@10%:20%", "@864000:1728000"),
            ("~:10", "~:864000"),
            (":10", "0:864000"),
            ("-1:", "-86400:"),
            ("0:", "0:"),
            ("-0:", "0:"),
            ("-0", "0:"),
            ("-0.000001:-0%", "0:0"),
            ("@-0:5", "@0:432000"),
        ] {
            assert_eq!(seconds(text), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "", ":::", "x", "20:10", "@", "1e3", "inf", "nan", "~", "30d", "%", "-", "10:20:30",
            "1 0", "99999999", "--1", "30:x", "+5",
        ] {
            // `~` and `:` alone say nothing that could alert.
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }

    #[test]
    fn both_ends_belong_to_the_range() {
        for (text, value, alerts) in [
            ("30:", 30.0 * DAY, false),
            ("30:", 30.0 * DAY - 1.0, true),
            ("30", 30.0 * DAY - 1.0, true),
            ("30", 31.0 * DAY, false),
            ("10:20", 20.0 * DAY, false),
            ("10:20", 20.0 * DAY + 1.0, true),
            ("@10:20", 20.0 * DAY, true),
            ("@10:20", 10.0 * DAY - 1.0, false),
            ("~:10", -5.0 * DAY, false),
            ("~:10", 11.0 * DAY, true),
        ] {
            let range = text.parse::<Threshold>().unwrap().seconds(YEAR);
            assert_eq!(range.alerts(value), alerts, "{text} at {value}");
        }
    }

    #[test]
    fn short_lived_certificates_are_judged_by_percent() {
        let limits = Limits::default();
        let shown = |lifetime: i64| {
            let (warning, critical) = limits.seconds(lifetime, true);
            format!("{} {}", warning.unwrap(), critical.unwrap())
        };
        assert_eq!(shown(SHORT_LIVED), "2592000: 1209600:");
        assert_eq!(shown(SHORT_LIVED - 1), "1944000: 777600:");
        assert_eq!(shown(0), "0: 0:");
    }

    #[test]
    fn percent_that_were_asked_for_are_of_the_certificate_that_ends_first() {
        let limits = Limits {
            warning: "25%".parse().ok(),
            critical: "7".parse().ok(),
        };
        let (warning, critical) = limits.seconds(10 * YEAR, false);
        assert_eq!(
            (warning, critical),
            (None, Some(Range::at_least(7.0 * DAY)))
        );
    }
}
