//! Reports as text and as JSON. A renderer sees a report and a `Write`, nothing else.

pub mod escape;
pub mod openmetrics;
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
