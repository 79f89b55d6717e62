//! Reports as text and as JSON. A renderer sees a report and a `Write`, nothing else.

mod ciphers;
pub mod escape;
mod text;

use std::io::{self, Write};

use crate::report::Report;

/// How a text report looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether colours are used.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// How much is shown: 0 the report, 1 also the details, 2 everything.
    pub verbosity: u8,
    /// One line only.
    pub quiet: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            width: 80,
            verbosity: 0,
            quiet: false,
        }
    }
}

/// Writes one report as JSON on a line of its own.
///
/// # Errors
/// When `out` does not take it.
pub fn json(report: &Report, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", escape::json(&serde_json::to_string(report)?))
}

/// Writes one report for people.
///
/// # Errors
/// When `out` does not take it.
pub fn text(report: &Report, style: Style, out: &mut impl Write) -> io::Result<()> {
    text::render(report, style, out)
}

/// Writes for people what the enumerations of a report found, if there are any.
///
/// # Errors
/// When `out` does not take it.
pub fn ciphers(report: &Report, style: Style, out: &mut impl Write) -> io::Result<()> {
    ciphers::render(report, style, out)
}
