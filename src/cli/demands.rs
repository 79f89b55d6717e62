//! What is demanded of findings on the command line: which ones fail the run, which are known,
//! which profiles the server is held against.

use std::collections::BTreeMap;

use clap::Args as ClapArgs;
use serde::Deserialize;

use super::baseline::{self, Baseline};
use super::error::Error;
use super::explain;
use crate::lints;
use crate::profiles::{self, Profile};
use crate::report::{Finding, HostReport, Known, Report, RuleOutcome, Severity};

/// The options about findings.
#[derive(ClapArgs, Debug, Default)]
#[command(next_help_heading = "Findings")]
pub(crate) struct FindingsArgs {
    /// Exit with 1 where there is a finding of this severity or worse, of this name, or a failed
    /// rule of this profile.
    ///
    /// Severities are critical, high, medium, low, info; `pgprobe explain --list` has the names.
    /// What --baseline knows does not count.
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        hide_short_help = true
    )]
    pub(crate) fail_on: Vec<String>,

    /// The findings that are known, with reason and last day: see `pgprobe help findings`.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) baseline: Option<String>,

    /// Write the findings above info to FILE, for --baseline.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) write_baseline: Option<String>,

    /// Hold the server against a profile: mozilla-modern, nist-sp-800-52r2, cis-postgresql-17, ...,
    /// or a file of your own; several times for several.
    #[arg(long, value_name = "NAME|FILE", hide_short_help = true)]
    pub(crate) profile: Vec<String>,
}

/// What the options came to.
pub(super) struct Demands {
    worst: Option<Severity>,
    names: Vec<&'static str>,
    failing_profiles: Vec<String>,
    profiles: Vec<Profile>,
    baseline: Option<Baseline>,
    write_baseline: Option<String>,
    /// What the baseline that is to be written will have.
    kept: BTreeMap<baseline::Key, Option<Known>>,
    failed: bool,
    /// That nothing was found must mean that there is nothing.
    strict: bool,
    unobserved: bool,
}

impl Demands {
    /// Reads what the options name; a target that shows nothing fails a run that fails by findings,
    /// and a `log` that others read for them.
    pub(super) fn new(args: &FindingsArgs, log: bool) -> Result<Self, Error> {
        let profiles = args
            .profile
            .iter()
            .map(|name| profile(name))
            .collect::<Result<Vec<_>, _>>()?;
        let (mut worst, mut names, mut failing_profiles) = (None, Vec::new(), Vec::new());
        for word in &args.fail_on {
            let severity = Severity::ALL.into_iter().find(|one| one.name() == word);
            if let Some(severity) = severity {
                worst = Some(worst.map_or(severity, |known: Severity| known.min(severity)));
            } else if profiles.iter().any(|profile| profile.name == *word) {
                failing_profiles.push(word.clone());
            } else if profiles::built_in(word).is_some() {
                return Err(Error::Options {
                    why: "--fail-on names a profile that --profile does not",
                    hint: "give it with --profile, too: then its rules are looked at",
                });
            } else {
                names.push(explain::find(word)?.name);
            }
        }
        Ok(Self {
            worst,
            names,
            failing_profiles,
            profiles,
            baseline: args.baseline.as_deref().map(Baseline::read).transpose()?,
            write_baseline: args.write_baseline.clone(),
            kept: BTreeMap::new(),
            failed: false,
            strict: log || !args.fail_on.is_empty(),
            unobserved: false,
        })
    }

    /// Whether anything is asked of findings.
    pub(super) fn any(&self) -> bool {
        self.worst.is_some()
            || !self.names.is_empty()
            || !self.profiles.is_empty()
            || self.baseline.is_some()
            || self.write_baseline.is_some()
            || self.strict
    }

    /// Adds to a report what the options ask for; whether it fails the run.
    pub(super) fn judge(&mut self, report: &mut Report) -> bool {
        for host in &mut report.hosts {
            let judged = self.profiles.iter().map(|profile| profile.judge(host));
            host.profiles = judged.collect();
        }
        if let Some(baseline) = &mut self.baseline {
            baseline.apply(report);
        }
        if self.write_baseline.is_some() {
            let hosts = report.hosts.iter();
            self.kept.extend(hosts.flat_map(baseline::entries));
        }
        let fails = report.hosts.iter().any(|host| self.fails(host));
        self.failed |= fails;
        self.unobserved |= report.unobserved().next().is_some();
        fails
    }

    /// Counts a record of an earlier run of the same scan, a line of JSON, as that run did.
    pub(super) fn judge_earlier(&mut self, record: &[u8]) {
        // A record that has no findings, of an older release, has none that count.
        let Ok(record) = serde_json::from_slice::<Earlier>(record) else {
            return;
        };
        for host in record.hosts {
            let found = host.findings.into_iter();
            let found: Vec<Finding> = found.filter_map(EarlierFinding::finding).collect();
            let broken = host.profiles.iter().any(|profile| {
                let mut rules = profile.rules.iter();
                self.failing_profiles.contains(&profile.name)
                    && rules.any(|rule| rule.outcome == RuleOutcome::Fail)
            });
            self.failed |= broken || self.any_counts(&found);
        }
    }

    fn fails(&self, host: &HostReport) -> bool {
        let broken = host.profiles.iter().any(|profile| {
            let mut rules = profile.rules.iter();
            self.failing_profiles.contains(&profile.name)
                && rules.any(|rule| rule.outcome == RuleOutcome::Fail)
        });
        broken || self.any_counts(&host.findings)
    }

    fn any_counts(&self, findings: &[Finding]) -> bool {
        let mut new = findings.iter().filter(|one| one.known.is_none());
        new.any(|finding| {
            self.worst.is_some_and(|worst| finding.severity >= worst)
                || self.names.iter().any(|name| stands_for(finding.lint, name))
        })
    }

    /// Writes the baseline, says what is wrong with the one that was read; the exit status.
    pub(super) fn finish(&self, now: i64) -> Result<u8, Error> {
        if let Some(baseline) = &self.baseline {
            baseline.warn();
        }
        if let Some(path) = &self.write_baseline {
            baseline::write(path, &self.kept, now)?;
        }
        Ok(match self.strict && self.unobserved {
            true => 2,
            false => u8::from(self.failed),
        })
    }
}

/// What counts of a record that an earlier run has written.
#[derive(Deserialize)]
struct Earlier {
    #[serde(default)]
    hosts: Vec<EarlierHost>,
}

#[derive(Deserialize)]
struct EarlierHost {
    #[serde(default)]
    findings: Vec<EarlierFinding>,
    #[serde(default)]
    profiles: Vec<EarlierProfile>,
}

#[derive(Deserialize)]
struct EarlierFinding {
    lint: String,
    severity: String,
    known: Option<EarlierKnown>,
}

#[derive(Deserialize)]
struct EarlierKnown {
    reason: String,
    until: String,
}

#[derive(Deserialize)]
struct EarlierProfile {
    name: String,
    rules: Vec<EarlierRule>,
}

#[derive(Deserialize)]
struct EarlierRule {
    outcome: RuleOutcome,
}

impl EarlierFinding {
    /// As far as it counts; `None` of a lint that this release does not have.
    fn finding(self) -> Option<Finding> {
        let mut severities = Severity::ALL.into_iter();
        Some(Finding {
            lint: lints::find(&self.lint)?.name,
            severity: severities.find(|one| one.name() == self.severity)?,
            message: String::new(),
            fixes: Vec::new(),
            advice: None,
            fingerprint: String::new(),
            certificate: None,
            known: self.known.map(|known| Known {
                reason: known.reason,
                until: known.until,
            }),
        })
    }
}

/// Whether a finding is of a lint, or of one that is silent beside it.
fn stands_for(finding: &str, name: &str) -> bool {
    finding == name
        || lints::find(finding)
            .is_some_and(|lint| lint.covers.iter().any(|covered| stands_for(covered, name)))
}

/// A profile of ours, or a file.
fn profile(name: &str) -> Result<Profile, Error> {
    use std::io::Read as _;
    /// A longer file is no profile.
    const LONGEST: u64 = 1 << 20;
    if let Some(profile) = profiles::built_in(name) {
        return Ok(profile);
    }
    let path = crate::conninfo::redact(name);
    if !name.contains('/') && !name.ends_with(".toml") {
        return Err(Error::Profile {
            path,
            why: "there is no profile of that name".into(),
        });
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a profile of the user's is read here"
    )]
    let file = std::fs::File::open(name);
    let mut text = String::new();
    file.and_then(|file| file.take(LONGEST).read_to_string(&mut text))
        .map_err(|error| Error::Read {
            path: path.clone(),
            error,
        })?;
    Profile::parse(&text).map_err(|why| Error::Profile { path, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_stands_for_what_it_covers() {
        assert!(stands_for("plaintext-accepted", "plaintext-accepted"));
        assert!(stands_for(
            "cleartext-password-in-plaintext",
            "plaintext-accepted"
        ));
        assert!(stands_for("tls-1-2-missing", "post-quantum-group-missing"));
        assert!(!stands_for(
            "plaintext-accepted",
            "cleartext-password-in-plaintext"
        ));
    }
}
