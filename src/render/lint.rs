//! What `pgprobe explain` says of a lint, and the list of all.

use super::page::{Page, plain, strong};
use super::reasons::place_of;
use crate::lints::{LINTS, Lint};
use crate::report::FixPlace;

/// All that a lint says of itself.
pub(super) fn explain(page: &mut Page, lint: &Lint) {
    page.prose(&[
        strong(lint.name),
        plain(format!(" ({}): {}", lint.severity.name(), lint.summary)),
    ]);
    page.blank();
    page.text("why", lint.explanation);
    page.text("written in", lint.citation);
    for remedy in lint.remedies {
        let place = place_of(remedy.place, remedy.lines.is_empty());
        let text = format!("{}{}", remedy.text, remedy.stands_for());
        page.entry("fix", &[plain(text), plain(place)]);
        for line in remedy.example() {
            let shell = matches!(remedy.place, FixPlace::ServerShell | FixPlace::ClientShell);
            match shell {
                true => broken(&line).iter().for_each(|line| page.paste(line)),
                false => page.paste(&line),
            }
        }
        let (pgbouncer, before) = remedy.pgbouncer();
        if !pgbouncer.is_empty() {
            let before = match before {
                "" => String::new(),
                before => format!(" ({before})"),
            };
            let text = format!("where PgBouncer ends TLS{before}; in pgbouncer.ini:");
            page.text("", &text);
            pgbouncer.iter().for_each(|line| page.paste(line));
        }
    }
    if !lint.covers.is_empty() {
        let covered = lint.covers.join(", ");
        page.text(
            "instead of",
            &format!("{covered}, which would say the same of the same cause"),
        );
    }
}

/// A command in lines that 80 columns take, each but the last continued as a POSIX shell does it.
fn broken(command: &str) -> Vec<String> {
    /// Beside the indentation, and what continues a line.
    const WIDTH: usize = 74;
    let mut lines: Vec<String> = Vec::new();
    for word in words(command) {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) => {
                line.push_str(" \\");
                lines.push(format!("  {word}"));
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The words of a shell, with their quotes.
fn words(command: &str) -> Vec<&str> {
    let mut quote = None;
    let between = |c: char| {
        quote = match quote {
            None if matches!(c, '\'' | '"') => Some(c),
            Some(open) if open == c => None,
            open => open,
        };
        c == ' ' && quote.is_none()
    };
    command.split(between).collect()
}

/// A line for each lint, its name first.
pub(super) fn list() -> String {
    use std::fmt::Write as _;
    let width = LINTS.iter().map(|lint| lint.name.len()).max();
    let width = width.unwrap_or_default();
    LINTS.iter().fold(String::new(), |mut text, lint| {
        let _ = writeln!(
            text,
            "{:<width$}  {:<8}  {}",
            lint.name,
            lint.severity.name(),
            lint.summary
        );
        text
    })
}
