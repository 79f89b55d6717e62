//! Reports as text and as JSON. A renderer sees a report and a `Write`, nothing else.

mod chain;
mod ciphers;
mod comparison;
mod csv;
pub mod escape;
mod evidence;
mod expected;
mod findings;
mod findings_csv;
mod lint;
mod names;
pub mod openmetrics;
mod page;
mod profiles;
mod quiet;
mod reasons;
mod sarif;
mod sides;
mod startup;
mod text;
mod tls;
mod tlsx;
mod verdicts;
mod ways;
mod wording;
mod zgrab2;

use std::io::{self, Write};

pub use page::sequences;

use crate::lints::Lint;
use crate::report::{self, Report};
use page::Page;

/// How a text report looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether colours are used.
    pub color: bool,
    /// Whether the terminal shows more than ASCII.
    pub unicode: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Rows of the terminal, where it is shown in one: what is higher ends with its answer in a
    /// line, because there the reader is.
    pub height: Option<usize>,
    /// How much is shown: 0 the report, 1 also the details, 2 everything.
    pub verbosity: u8,
    /// One line only.
    pub quiet: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            unicode: false,
            width: 80,
            height: None,
            verbosity: 0,
            quiet: false,
        }
    }
}

/// Writes the names of the columns of [`csv()`].
///
/// # Errors
/// When `out` does not take it.
pub fn csv_header(out: &mut impl Write) -> io::Result<()> {
    csv::header(out)
}

/// Writes one report as a line of CSV.
///
/// # Errors
/// When `out` does not take it.
pub fn csv(report: &Report, out: &mut impl Write) -> io::Result<()> {
    csv::row(report, out)
}

/// Writes the names of the columns of [`findings_csv()`].
///
/// # Errors
/// When `out` does not take it.
pub fn findings_csv_header(out: &mut impl Write) -> io::Result<()> {
    findings_csv::header(out)
}

/// Writes the findings of one report as lines of CSV.
///
/// # Errors
/// When `out` does not take it.
pub fn findings_csv(report: &Report, out: &mut impl Write) -> io::Result<()> {
    findings_csv::rows(report, out)
}

/// Writes the begin of a SARIF log, up to its results.
///
/// # Errors
/// When `out` does not take it.
pub fn sarif_header(out: &mut impl Write) -> io::Result<()> {
    sarif::header(out)
}

/// Writes the findings of one report as results of a SARIF log, each after a comma; the first comma
/// of a log is not to be written.
///
/// # Errors
/// When `out` does not take it.
pub fn sarif_results(report: &Report, out: &mut impl Write) -> io::Result<()> {
    sarif::results(report, out)
}

/// What [`sarif_footer()`] is to say of a target that was not, or not wholly, observed.
pub fn sarif_notifications(report: &Report) -> Vec<String> {
    sarif::notifications(report)
}

/// Writes the end of a SARIF log, with what is to be said of targets that did not answer.
///
/// # Errors
/// When `out` does not take it.
pub fn sarif_footer(notifications: &[String], out: &mut impl Write) -> io::Result<()> {
    sarif::footer(notifications, out)
}

/// Writes one report with the field names of tlsx, an object a line.
///
/// # Errors
/// When `out` does not take it.
pub fn tlsx(report: &Report, out: &mut impl Write) -> io::Result<()> {
    tlsx::render(report, out)
}

/// Writes one report with the field names of zgrab2's module postgres, an object a line.
///
/// # Errors
/// When `out` does not take it.
pub fn zgrab2(report: &Report, out: &mut impl Write) -> io::Result<()> {
    zgrab2::render(report, out)
}

/// Writes a line of CSV that no spreadsheet takes for formulas.
///
/// # Errors
/// When `out` does not take it.
pub fn csv_line(cells: &[String], out: &mut impl Write) -> io::Result<()> {
    csv::line(cells, out)
}

/// How long the record of a server with TLS is, about.
const ROOM: usize = 24 * 1024;

/// Writes one report as JSON on a line of its own.
///
/// # Errors
/// When `out` does not take it.
pub fn json(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut text = Vec::new();
    json_line(report, &mut text)?;
    out.write_all(&text)
}

/// Appends one report as JSON on a line of its own.
///
/// # Errors
/// When a report cannot be written as JSON, which it always can.
pub fn json_line(report: &Report, out: &mut Vec<u8>) -> io::Result<()> {
    let begin = out.len();
    out.reserve(ROOM);
    report.keep_json();
    report::line::append(out, report)?;
    let text = out.get(begin..).unwrap_or_default();
    let plain = text
        .iter()
        .fold(true, |all, byte| all & (b' '..=b'~').contains(byte));
    if !plain {
        let text = String::from_utf8(out.split_off(begin)).map_err(io::Error::other)?;
        out.extend_from_slice(escape::json(&text).as_bytes());
    }
    out.push(b'\n');
    Ok(())
}

/// Writes one report for people.
///
/// # Errors
/// When `out` does not take it.
pub fn text(report: &Report, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(style);
    if style.quiet {
        quiet::line(&mut page, report);
    } else {
        text::report(&mut page, report);
    }
    let high = !style.quiet && page.is_higher_than_the_terminal();
    out.write_all(page.into_text().as_bytes())?;
    enumerations(report, style, out)?;
    in_short(high, std::slice::from_ref(report), style, out)
}

/// Writes for people what the enumerations of a report found, if there are any.
///
/// # Errors
/// When `out` does not take it.
pub fn ciphers(report: &Report, style: Style, out: &mut impl Write) -> io::Result<()> {
    ciphers::render(report, style, true, out)
}

/// Writes what a lint says of itself, for people.
///
/// # Errors
/// When `out` does not take it.
pub fn lint(lint: &Lint, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(Style::default());
    lint::explain(&mut page, lint);
    out.write_all(page.into_text().as_bytes())
}

/// All lints, a line each.
pub fn lint_list() -> String {
    lint::list()
}

/// How many reports [`comparison()`] takes.
pub const COMPARED: usize = comparison::MOST;

/// Writes several reports for people: side by side where at least two servers were reached, and
/// each in full where `-v` asks for it.
///
/// # Errors
/// When `out` does not take it.
pub fn comparison(reports: &[Report], style: Style, out: &mut impl Write) -> io::Result<()> {
    if style.quiet || !comparison::worthwhile(reports) {
        for (number, report) in reports.iter().enumerate() {
            if number > 0 && !style.quiet {
                writeln!(out)?;
            }
            text(report, style, out)?;
        }
        return Ok(());
    }
    let mut page = Page::new(style);
    text::several(&mut page, reports);
    let high = page.is_higher_than_the_terminal();
    out.write_all(page.into_text().as_bytes())?;
    let mut all = reports.iter();
    all.try_for_each(|report| enumerations(report, style, out))?;
    in_short(high, reports, style, out)
}

/// Below what is higher than the terminal, the answers once more in a line each.
fn in_short(high: bool, reports: &[Report], style: Style, out: &mut impl Write) -> io::Result<()> {
    if !high {
        return Ok(());
    }
    let mut page = Page::new(style);
    for report in reports {
        quiet::line(&mut page, report);
    }
    writeln!(out)?;
    out.write_all(page.into_text().as_bytes())
}

/// What was enumerated comes after all else.
fn enumerations(report: &Report, style: Style, out: &mut impl Write) -> io::Result<()> {
    let some = report.hosts.iter().any(|host| host.enumeration.is_some());
    if some && !style.quiet {
        writeln!(out)?;
    }
    // What is weak is among the findings already.
    ciphers::render(report, style, style.quiet, out)
}
