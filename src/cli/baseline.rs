//! `--baseline` and `--write-baseline`: the findings that are known, why, and until when.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};

use serde::Deserialize;
use time::OffsetDateTime;

use super::error::Error;
use crate::conninfo::redact;
use crate::lints;
use crate::report::{Finding, Known, Report, Severity};

/// A longer file is no list of findings.
const LONGEST: u64 = 16 << 20;

/// How long a finding stays known that `--write-baseline` wrote, in days.
const DAYS: i64 = 90;

/// The findings that are known.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    path: String,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    written: Written,
    until: String,
    met: bool,
    expired: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Written>,
}

/// One `[[known]]` of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// `host:port`, or `*` for all.
    target: String,
    finding: String,
    reason: String,
    until: toml::value::Datetime,
}

impl Baseline {
    /// Reads a file.
    pub(super) fn read(path: &str) -> Result<Self, Error> {
        let wrong = |why: String| Error::Baseline {
            path: redact(path),
            why,
        };
        let mut text = String::new();
        #[expect(clippy::disallowed_methods, reason = "the baseline is read here")]
        let file = std::fs::File::open(path);
        file.and_then(|file| file.take(LONGEST).read_to_string(&mut text))
            .map_err(|error| Error::Read {
                path: redact(path),
                error,
            })?;
        let file: File = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                text.get(..span.start)
                    .map_or(1, |before| before.matches('\n').count() + 1)
            });
            wrong(format!("line {line}: {}", error.message()))
        })?;
        let mut entries = Vec::new();
        for (number, written) in file.known.into_iter().enumerate() {
            let wrong = |why: &str| wrong(format!("entry {}: {why}", number + 1));
            if lints::find(&written.finding).is_none() {
                return Err(wrong(&format!(
                    "there is no finding \"{}\"",
                    written.finding
                )));
            }
            if written.reason.trim().is_empty() {
                return Err(wrong("it has no reason"));
            }
            let (Some(date), None) = (written.until.date, written.until.time) else {
                return Err(wrong("until is no date"));
            };
            entries.push(Entry {
                until: format!("{:04}-{:02}-{:02}", date.year, date.month, date.day),
                written,
                met: false,
                expired: false,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            entries,
        })
    }

    /// Marks the findings of a report that are known on the day it is judged at.
    pub(super) fn apply(&mut self, report: &mut Report) {
        let today = report.judged_at.get(..10).unwrap_or_default().to_owned();
        for host in &mut report.hosts {
            let endpoint = lints::endpoint(host);
            for finding in &mut host.findings {
                for entry in &mut self.entries {
                    let about = [endpoint.as_str(), "*"].contains(&entry.written.target.as_str());
                    if !about || entry.written.finding != finding.lint {
                        continue;
                    }
                    entry.met = true;
                    // Dates of this form are in the order of time.
                    if entry.until.as_str() < today.as_str() {
                        entry.expired = true;
                    } else {
                        finding.known = Some(Known {
                            reason: entry.written.reason.clone(),
                            until: entry.until.clone(),
                        });
                    }
                }
            }
        }
    }

    /// Says which entries are out of date, and which were of no use.
    pub(super) fn warn(&self) {
        let mut out = std::io::stderr().lock();
        for entry in &self.entries {
            let said = if entry.expired {
                format!("expired on {}, so it counts again", entry.until)
            } else if !entry.met {
                "was not found this time; the entry may go".to_owned()
            } else {
                continue;
            };
            let line = format!(
                "warning: {}: {} of {} {said}",
                redact(&self.path),
                entry.written.finding,
                entry.written.target
            );
            let _ = writeln!(out, "{}", crate::render::escape::escape(&line));
        }
    }
}

/// Writes a baseline of all findings above `info`, as they are known from then on; a file that is
/// there already is left alone, for it may hold reasons.
pub(super) fn write(path: &str, found: &[(String, Vec<Finding>)], now: i64) -> Result<(), Error> {
    let day = |days: i64| {
        let seconds = now.saturating_add(days.saturating_mul(86_400));
        let date = OffsetDateTime::from_unix_timestamp(seconds).ok();
        date.map_or_else(String::new, |date| date.date().to_string())
    };
    let (today, until) = (day(0), day(DAYS));
    let mut text = format!(
        "# Findings that are known, for `pgprobe --baseline`: --fail-on passes over them until\n\
         # the day named. Written on {today}; say in each reason why it may stay.\n"
    );
    for (endpoint, findings) in found {
        for finding in findings {
            if finding.severity == Severity::Info {
                continue;
            }
            let (reason, until) = match &finding.known {
                Some(known) => (known.reason.clone(), known.until.clone()),
                None => (
                    format!("there on {today}, not looked at yet"),
                    until.clone(),
                ),
            };
            text += &format!(
                "\n[[known]]\ntarget = {}\nfinding = {}\nreason = {}\nuntil = {until}\n",
                quoted(endpoint),
                quoted(finding.lint),
                quoted(&reason)
            );
        }
    }
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    made.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Error::Write {
            path: redact(path),
            error,
        })
}

/// A basic string of TOML, which escapes as JSON does, and DEL too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_read_again_as_it_was() {
        for text in ["db:5432", "a\"b\\c\n\t\u{7f}\u{1}ü\u{202e}"] {
            let file: toml::Table = toml::from_str(&format!("x = {}", quoted(text))).unwrap();
            assert_eq!(file["x"].as_str(), Some(text));
        }
    }
}
