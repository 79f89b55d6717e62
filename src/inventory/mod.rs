//! What many reports say together: the page of `pgprobe report` and the changes of `pgprobe diff`.
//!
//! Its input is the contract as text, a record a line, from any number of scans and of any version
//! of pgprobe that writes it: what a record lacks is not known, never an error. Pure: no file, no
//! clock.

pub mod attention;
pub mod change;
pub mod chart;
pub mod csv;
pub mod host;
pub mod listing;
pub mod page;
pub mod record;
pub mod summary;

/// How long a text of a record may be before it is cut, in characters; the contract bounds none.
const LONGEST_TEXT: usize = 400;

/// Makes a text of a record fit to be shown: escaped as for a terminal, and not endless.
pub(crate) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(LONGEST_TEXT).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    crate::render::escape::escape(&cut).into_owned()
}
