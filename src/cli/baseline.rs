//! `--baseline` and `--write-baseline`: the findings that are known, why, and until when.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};

use serde::Deserialize;
use time::OffsetDateTime;

use super::error::Error;
use crate::conninfo::redact;
use crate::lints::{self, Scope};
use crate::report::{Finding, HostReport, Known, Report, Severity};

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
    state: State,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// There was no such finding.
    NotMet,
    /// A finding is known by it.
    Met,
    /// There is such a finding, and nothing else knows it.
    Expired,
    /// There is such a finding, and an entry that is not out of date knows it.
    Superseded,
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
    /// Any, where it does not stand there.
    hostaddr: Option<String>,
    /// Any, where it does not stand there.
    user: Option<String>,
    /// Any, where it does not stand there.
    database: Option<String>,
    /// SHA-256 of the certificate; any, where it does not stand there.
    certificate: Option<String>,
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
                state: State::NotMet,
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
            let scopes: Vec<_> = host
                .findings
                .iter()
                .map(|finding| scope(finding, host))
                .collect();
            for (finding, scope) in host.findings.iter_mut().zip(scopes) {
                let mut about: Vec<&mut Entry> = self
                    .entries
                    .iter_mut()
                    .filter(|entry| entry.written.is_about(finding.lint, &endpoint, &scope))
                    .collect();
                // Dates of this form are in the order of time.
                let in_date = |entry: &&mut Entry| entry.until.as_str() >= today.as_str();
                about.sort_by(|one, other| one.until.cmp(&other.until));
                let longest = about.last().filter(|entry| in_date(entry));
                finding.known = longest.map(|entry| Known {
                    reason: entry.written.reason.clone(),
                    until: entry.until.clone(),
                });
                let known = finding.known.is_some();
                for entry in about {
                    let now = match (in_date(&entry), known) {
                        (true, _) => State::Met,
                        (false, false) => State::Expired,
                        (false, true) => State::Superseded,
                    };
                    // Of several findings, the one that counts again is told.
                    if entry.state != State::Expired {
                        entry.state = now;
                    }
                }
            }
        }
    }

    /// Says which entries are out of date, and which were of no use.
    pub(super) fn warn(&self) {
        let mut out = std::io::stderr().lock();
        for entry in &self.entries {
            let until = &entry.until;
            let said = match entry.state {
                State::Met => continue,
                State::NotMet => "was not found this time; the entry may go".to_owned(),
                State::Expired => format!("expired on {until}, so it counts again"),
                State::Superseded => {
                    format!("expired on {until}, and another entry knows it; this one may go")
                }
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

impl Written {
    /// Whether it is about a finding on an endpoint.
    fn is_about(&self, lint: &str, endpoint: &str, scope: &Scope) -> bool {
        let same = |wanted: &Option<String>, is: &Option<String>| {
            wanted.is_none() || wanted.as_deref() == is.as_deref()
        };
        self.finding == lint
            && [endpoint, "*"].contains(&self.target.as_str())
            && same(&self.hostaddr, &scope.hostaddr)
            && same(&self.user, &scope.user)
            && same(&self.database, &scope.database)
            && same(&self.certificate, &scope.certificate)
    }
}

fn scope(finding: &Finding, host: &HostReport) -> Scope {
    lints::scope(finding.lint, finding.certificate.as_deref(), host)
}

/// What an entry is about: host and port, what tells it from others there, the lint.
pub(super) type Key = (String, &'static str, Scope);

/// What the findings of a host above `info` will be known by.
pub(super) fn entries(host: &HostReport) -> impl Iterator<Item = (Key, Option<Known>)> {
    let worth = host
        .findings
        .iter()
        .filter(|one| one.severity > Severity::Info);
    worth.map(|finding| {
        let scope = scope(finding, host);
        (
            (lints::endpoint(host), finding.lint, scope),
            finding.known.clone(),
        )
    })
}

/// Writes a baseline of findings, as they are known from then on; a file that is there already is
/// left alone, for it may hold reasons.
pub(super) fn write(
    path: &str,
    found: &BTreeMap<Key, Option<Known>>,
    now: i64,
) -> Result<(), Error> {
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
    for ((endpoint, lint, scope), known) in found {
        let (reason, until) = match known {
            Some(known) => (known.reason.clone(), known.until.clone()),
            None => (
                format!("there on {today}, not looked at yet"),
                until.clone(),
            ),
        };
        text += &format!("\n[[known]]\ntarget = {}\n", quoted(endpoint));
        for (keyword, value) in [
            ("hostaddr", &scope.hostaddr),
            ("user", &scope.user),
            ("database", &scope.database),
            ("certificate", &scope.certificate),
        ] {
            if let Some(value) = value {
                text += &format!("{keyword} = {}\n", quoted(value));
            }
        }
        text += &format!(
            "finding = {}\nreason = {}\nuntil = {until}\n",
            quoted(lint),
            quoted(&reason)
        );
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
