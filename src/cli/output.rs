//! Shows reports on stdout, and what the exit status makes of them.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::time::Duration;

use super::args::{ColorArg, FormatArg, JudgeArgs};
use super::demands::Demands;
use super::error::{Error, output};
use crate::libpq::error::ErrorCode;
use crate::render::openmetrics::{self, Exposition, Probe};
use crate::render::{self, Style};
use crate::report::{Outcome, Report, Status, Verdict};

/// Narrower than this nothing can be read.
const NARROWEST: usize = 40;

/// Longer lines than these are hard to read.
const WIDEST: usize = 100;

/// How long a probe took, and how long it was allowed to take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    pub(super) time: Duration,
    pub(super) timeout: Duration,
}

/// Shows reports as they come; for people a few of them together, because they compare them.
pub(super) struct Shown<'j> {
    judge: &'j JudgeArgs,
    demands: Demands,
    kept: Vec<Report>,
    /// What is known of the time of those kept.
    took: Vec<Option<Took>>,
    /// There are too many to compare.
    many: bool,
    /// Of what was enumerated, nothing else is shown.
    only_ciphers: bool,
}

impl<'j> Shown<'j> {
    /// Reads what the options about findings name.
    pub(super) fn new(judge: &'j JudgeArgs) -> Result<Self, Error> {
        Ok(Self {
            judge,
            demands: Demands::new(&judge.findings, judge.format == FormatArg::Sarif)?,
            kept: Vec::new(),
            took: Vec::new(),
            many: false,
            only_ciphers: false,
        })
    }

    /// The same for `pgprobe ciphers`.
    pub(super) fn ciphers(judge: &'j JudgeArgs) -> Result<Self, Error> {
        Ok(Self {
            only_ciphers: true,
            ..Self::new(judge)?
        })
    }

    /// The exit status of one report; what was only enumerated has no verdict to tell.
    pub(super) fn exit_code(&self, report: &Report) -> u8 {
        if self.only_ciphers {
            let missing = report.hosts.iter().any(|host| {
                // libpq never uses TLS on a socket of this machine.
                host.enumeration.is_none() && host.status != Status::UnixSocket
            });
            if missing { 2 } else { enumeration_code(report) }
        } else {
            exit_code(report)
        }
    }

    /// Shows one that was made anew, or keeps it for [`Self::finish`].
    pub(super) fn add_timed(&mut self, report: Report, took: Took) -> Result<(), Error> {
        if self.judge.format == FormatArg::Openmetrics {
            self.took.push(Some(took));
        }
        self.add_one(report)
    }

    /// The same of a replayed one, whose time is not known.
    pub(super) fn add(&mut self, report: Report) -> Result<(), Error> {
        if self.judge.format == FormatArg::Openmetrics {
            self.took.push(None);
        }
        self.add_one(report)
    }

    fn add_one(&mut self, mut report: Report) -> Result<(), Error> {
        self.demands.judge(&mut report);
        if matches!(
            self.judge.format,
            FormatArg::Openmetrics | FormatArg::Sarif | FormatArg::FindingsCsv
        ) {
            self.kept.push(report);
            return Ok(());
        }
        let streams = self.judge.format == FormatArg::Json || self.judge.quiet;
        let enumerated = report.hosts.iter().any(|host| host.enumeration.is_some());
        if self.only_ciphers && enumerated && self.judge.format == FormatArg::Text {
            let mut out = BufWriter::new(io::stdout().lock());
            let between = if self.many && !self.judge.quiet {
                "\n"
            } else {
                ""
            };
            self.many = true;
            let written = out.write_all(between.as_bytes());
            let written =
                written.and_then(|()| render::ciphers(&report, style(self.judge), &mut out));
            return written.and_then(|()| out.flush()).map_err(output);
        }
        if streams || self.many {
            return show(&report, self.judge, !streams);
        }
        self.kept.push(report);
        if self.kept.len() > render::COMPARED {
            self.many = true;
            for (number, report) in std::mem::take(&mut self.kept).iter().enumerate() {
                show(report, self.judge, number > 0)?;
            }
        }
        Ok(())
    }

    /// Shows what was kept; the exit status that the findings ask for.
    pub(super) fn finish(self) -> Result<u8, Error> {
        let mut out = BufWriter::new(io::stdout().lock());
        let written = match self.judge.format {
            FormatArg::Openmetrics => {
                let timed = self.kept.iter().zip(self.took.iter().copied());
                out.write_all(&metrics(timed, Exposition::OpenMetrics))
            }
            FormatArg::Json | FormatArg::Text => {
                render::comparison(&self.kept, style(self.judge), &mut out)
            }
            FormatArg::Sarif => sarif(&self.kept, &mut out),
            FormatArg::FindingsCsv => {
                let header = render::findings_csv_header(&mut out);
                let mut all = self.kept.iter();
                header.and_then(|()| {
                    all.try_for_each(|report| render::findings_csv(report, &mut out))
                })
            }
        };
        written.and_then(|()| out.flush()).map_err(output)?;
        self.demands.finish(super::now())
    }
}

/// Writes one report, after an empty line where another stands before it.
fn show(report: &Report, judge: &JudgeArgs, another: bool) -> Result<(), Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match judge.format {
        FormatArg::Json => render::json(report, &mut out),
        FormatArg::Text if another => {
            writeln!(out).and_then(|()| render::text(report, style(judge), &mut out))
        }
        // Each metric has the series of all targets, and a log all results: they are kept for the end.
        FormatArg::Openmetrics | FormatArg::Sarif | FormatArg::FindingsCsv => Ok(()),
        FormatArg::Text => render::text(report, style(judge), &mut out),
    };
    written.and_then(|()| out.flush()).map_err(output)
}

/// A SARIF log of all reports.
fn sarif(reports: &[Report], out: &mut impl io::Write) -> io::Result<()> {
    render::sarif_header(out)?;
    let mut results = Vec::new();
    for report in reports {
        render::sarif_results(report, &mut results)?;
    }
    out.write_all(results.strip_prefix(b",").unwrap_or(&results))?;
    let notifications: Vec<_> = reports
        .iter()
        .flat_map(render::sarif_notifications)
        .collect();
    render::sarif_footer(&notifications, out)
}

/// The metrics of all reports, with the targets as labels.
pub(super) fn metrics<'r>(
    reports: impl Iterator<Item = (&'r Report, Option<Took>)>,
    exposition: Exposition,
) -> Vec<u8> {
    let probes: Vec<_> = reports
        .map(|(report, took)| Probe {
            report,
            target: Some(named(report)),
            seconds: took.map(|took| took.time.as_secs_f64()),
            timeout_seconds: took.map(|took| took.timeout.as_secs_f64()),
        })
        .collect();
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = openmetrics::render(&probes, exposition, &mut text);
    text
}

/// The target as typed, or the host that something else has named.
fn named(report: &Report) -> &str {
    let host = report.hosts.first();
    let host = host.and_then(|host| host.host.as_deref().or(host.hostaddr.as_deref()));
    match report.target.input.as_str() {
        "" => host.unwrap_or_default(),
        input => input,
    }
}

fn style(judge: &JudgeArgs) -> Style {
    let terminal = io::stdout().is_terminal();
    #[expect(
        clippy::disallowed_methods,
        reason = "how to show is asked of the environment here"
    )]
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let color = match judge.color {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => terminal && variable("NO_COLOR").is_empty() && variable("TERM") != "dumb",
    };
    let size = terminal_size::terminal_size_of(io::stdout()).filter(|_| terminal);
    let columns = variable("COLUMNS").parse().ok();
    let columns = columns.or_else(|| size.map(|(width, _)| usize::from(width.0)));
    // setlocale(3): the first of these that is not empty.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable);
    let locale = locale.iter().find(|value| !value.is_empty());
    let locale = locale.map(|value| value.to_ascii_lowercase().replace('-', ""));
    Style {
        color,
        unicode: locale.is_some_and(|value| value.contains("utf8")),
        width: columns.unwrap_or(80).clamp(NARROWEST, WIDEST),
        height: size.map(|(_, height)| usize::from(height.0)),
        verbosity: judge.verbose,
        quiet: judge.quiet,
    }
}

/// The exit status of one report (see `--help`).
pub(super) fn exit_code(report: &Report) -> u8 {
    let unreachable = unreachable(report);
    if report.target.sslmode.is_none() && report.target.error.is_some() && !report.hosts.is_empty()
    {
        return 1; // the demand itself is one that libpq refuses
    }
    let Some(mode) = report.target.sslmode else {
        return enumeration_code(report);
    };
    let verdict = report.sslmodes.iter().find(|verdict| verdict.mode == mode);
    match verdict.map(|verdict| verdict.outcome) {
        Some(Outcome::Connects) if verdict.is_some_and(|one| report.fails_at_scram(one)) => 1,
        Some(Outcome::Connects) => 0,
        // libpq itself refuses, reached or not.
        Some(Outcome::Fails) if !unreachable || before_connecting(verdict) => 1,
        Some(Outcome::Fails | Outcome::Undetermined) | None => 2,
    }
}

/// Nothing was reached: no report of a server was made.
fn unreachable(report: &Report) -> bool {
    let mut addresses = report.hosts.iter().flat_map(|host| &host.addresses);
    !addresses.any(|address| address.connected == Some(true))
}

/// The exit status where no sslmode was asked about.
fn enumeration_code(report: &Report) -> u8 {
    let hosts = report.hosts.iter();
    let mut enumerations = hosts.filter_map(|host| host.enumeration.as_ref());
    let unfinished = enumerations.any(|found| !found.finished);
    if unreachable(report) || unfinished {
        2
    } else {
        0
    }
}

/// Whether libpq fails before it connects.
fn before_connecting(verdict: Option<&Verdict>) -> bool {
    verdict
        .and_then(|verdict| verdict.error.as_ref())
        .is_some_and(|error| error.code == ErrorCode::BadParameter)
}
