//! What `pgprobe explain` says of a lint, and the list of all.

use super::page::{Page, plain, strong};
use super::reasons::place_of;
use crate::lints::{LINTS, Lint};

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
        page.entry("fix", &[plain(remedy.text), plain(place)]);
        for line in remedy.lines {
            page.paste(line);
        }
        if let Some(line) = remedy.pgbouncer {
            page.text("", "where PgBouncer terminates TLS; in pgbouncer.ini:");
            page.paste(line);
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
