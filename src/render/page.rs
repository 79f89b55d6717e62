//! The sheet a text report is written on: escapes, colours, breaks lines. Nothing else writes.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::Style;
use super::escape::{ascii, escape};

/// Columns that labels take.
const LABELS: usize = 13;

/// No text is broken into shorter lines, a cell of a table (`sides`) without its gap included.
const NARROWEST_TEXT: usize = 14;

/// Below this, labels stand above their text instead of beside it.
const NARROW: usize = 60;

/// How a piece of text stands out. Each colour is legible on black and on white: a test measures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    /// Not at all.
    Plain,
    /// Labels and headings.
    Strong,
    /// Encrypted, and proved to be the server that was meant.
    Good,
    /// Sent in plaintext, or about to.
    Bad,
    /// Neither.
    Doubtful,
}

impl Tone {
    const ALL: [Self; 5] = [
        Self::Plain,
        Self::Strong,
        Self::Good,
        Self::Bad,
        Self::Doubtful,
    ];

    /// The parameters of the SGR sequence (ECMA-48), the colours by xterm's 256.
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Good => "38;5;28",
            Self::Bad => "1;38;5;160",
            Self::Doubtful => "38;5;130",
        }
    }
}

/// The escape sequences that a coloured report may hold, each closed by `\x1b[0m` on its line.
pub fn sequences() -> impl Iterator<Item = String> {
    let codes = Tone::ALL.into_iter().map(Tone::code);
    codes
        .filter(|code| !code.is_empty())
        .map(|code| format!("\x1b[{code}m"))
}

/// A piece of a line. It is escaped when it is written.
#[derive(Clone, Debug)]
pub(super) struct Span<'t> {
    pub(super) tone: Tone,
    pub(super) text: Cow<'t, str>,
}

impl<'t> Span<'t> {
    pub(super) fn new(tone: Tone, text: impl Into<Cow<'t, str>>) -> Self {
        Self {
            tone,
            text: text.into(),
        }
    }
}

pub(super) fn plain<'t>(text: impl Into<Cow<'t, str>>) -> Span<'t> {
    Span::new(Tone::Plain, text)
}

pub(super) fn strong<'t>(text: impl Into<Cow<'t, str>>) -> Span<'t> {
    Span::new(Tone::Strong, text)
}

/// The sheet.
pub(super) struct Page {
    pub(super) style: Style,
    text: String,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    /// What was written.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Whether what was written first has gone from the screen, with the prompt below the rest.
    pub(super) fn is_higher_than_the_terminal(&self) -> bool {
        let rows = self.style.height;
        rows.is_some_and(|rows| self.text.lines().count() >= rows)
    }

    /// Whether labels have no room beside their text.
    pub(super) fn narrow(&self) -> bool {
        self.style.width < NARROW
    }

    /// Columns for the text of an entry.
    pub(super) fn room(&self) -> usize {
        let indent = if self.narrow() { 2 } else { LABELS };
        self.style.width.saturating_sub(indent).max(16)
    }

    /// How many columns a text takes once it is escaped.
    pub(super) fn width_of(&self, text: &str) -> usize {
        self.safe(text).width()
    }

    /// An empty line, unless there is one already.
    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A label and what stands beside it; without a label, more of the entry above.
    pub(super) fn entry(&mut self, label: &str, spans: &[Span<'_>]) {
        self.branch(label, "", spans);
    }

    /// The same for a plain text.
    pub(super) fn text(&mut self, label: &str, text: &str) {
        self.entry(label, &[plain(text)]);
    }

    /// An entry of a table: beside its label, and never broken.
    pub(super) fn row(&mut self, label: &str, spans: &[Span<'_>]) {
        let mut line = self.beside(label);
        line.extend(spans.iter().cloned());
        self.line(&line);
    }

    /// An entry whose lines all stand under its first word.
    pub(super) fn branch(&mut self, label: &str, lead: &str, spans: &[Span<'_>]) {
        let indent = self.style.width - self.room() + self.width_of(lead);
        let mut whole = self.beside(label);
        whole.push(plain(lead));
        self.flow(&whole, indent, spans);
    }

    /// What stands before the text of an entry; in a narrow page the label stands above.
    fn beside<'t>(&mut self, label: &'t str) -> Vec<Span<'t>> {
        if self.narrow() {
            if !label.is_empty() {
                self.line(&[strong(label)]);
            }
            vec![plain("  ")]
        } else {
            let gap = " ".repeat(LABELS.saturating_sub(label.len()));
            vec![strong(label), plain(gap)]
        }
    }

    /// A row of cells that are so wide each, broken at blanks.
    pub(super) fn cells(&mut self, label: &str, labels: usize, width: usize, cells: &[Span<'_>]) {
        let columns: Vec<_> = cells
            .iter()
            .map(|cell| {
                // As a sheet of its own, without colour, which each line gets below.
                let mut column = Self::new(Style {
                    width: width.saturating_sub(2),
                    color: false,
                    ..self.style
                });
                column.prose(&[plain(cell.text.as_ref())]);
                let lines = column.into_text();
                lines.lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        let height = columns.iter().map(Vec::len).max().unwrap_or_default();
        for number in 0..height {
            let label = if number == 0 { label } else { "" };
            let gap = " ".repeat(labels.saturating_sub(label.len()));
            let mut line = vec![(Tone::Strong, label.to_owned()), (Tone::Plain, gap)];
            for (cell, column) in cells.iter().zip(&columns) {
                let text = column.get(number).cloned().unwrap_or_default();
                let gap = " ".repeat(width.saturating_sub(text.width()));
                line.push((cell.tone, text));
                line.push((Tone::Plain, gap));
            }
            self.write(line);
        }
    }

    /// A line between one report and the next.
    pub(super) fn rule(&mut self) {
        let line = if self.style.unicode { "─" } else { "-" };
        self.line(&[plain(line.repeat(self.style.width))]);
    }

    /// An entry that is never broken, such as a hash: what is broken cannot be copied.
    pub(super) fn token(&mut self, label: &str, text: &str) {
        self.row(label, &[plain(text)]);
    }

    /// A line that is there to be copied: never broken, and so indented by little.
    pub(super) fn paste(&mut self, line: &str) {
        self.line(&[plain("    "), strong(line)]);
    }

    /// A paragraph without a label.
    pub(super) fn prose(&mut self, spans: &[Span<'_>]) {
        self.flow(&[], 0, spans);
    }

    /// One line as it is, however long.
    pub(super) fn line(&mut self, spans: &[Span<'_>]) {
        let pieces: Vec<_> = spans
            .iter()
            .map(|span| (span.tone, self.safe(&span.text).into_owned()))
            .collect();
        self.write(pieces);
    }

    /// Lines broken at blanks: the first begins with `lead`, which takes `indent` columns and is
    /// never broken, the others are indented by as many.
    pub(super) fn flow(&mut self, lead: &[Span<'_>], indent: usize, spans: &[Span<'_>]) {
        let width = self.style.width.saturating_sub(indent).max(NARROWEST_TEXT);
        let mut line: Vec<_> = lead
            .iter()
            .map(|span| (span.tone, self.safe(&span.text).into_owned()))
            .collect();
        let mut used = 0;
        for word in self.words(spans) {
            let needed: usize = word.iter().map(|(_, text)| text.width()).sum();
            if used > 0 && used + 1 + needed > width {
                self.write(std::mem::take(&mut line));
                line.push((Tone::Plain, " ".repeat(indent)));
                used = 0;
            } else if used > 0 {
                // A blank between two pieces of a tone has that tone, so that one sequence does.
                let tone = match (line.last(), word.first()) {
                    (Some((before, _)), Some((after, _))) if before == after => *before,
                    _ => Tone::Plain,
                };
                line.push((tone, " ".to_owned()));
                used += 1;
            }
            for (tone, text) in word {
                let mut piece = String::new();
                for character in text.chars() {
                    let columns = character.width().unwrap_or(0);
                    if used + columns > width {
                        line.push((tone, std::mem::take(&mut piece)));
                        self.write(std::mem::take(&mut line));
                        line.push((Tone::Plain, " ".repeat(indent)));
                        used = 0;
                    }
                    piece.push(character);
                    used += columns;
                }
                line.push((tone, piece));
            }
        }
        self.write(line);
    }

    /// The words of the spans, escaped; a word can have pieces of several tones.
    fn words(&self, spans: &[Span<'_>]) -> Vec<Vec<(Tone, String)>> {
        let mut words = vec![Vec::new()];
        for span in spans {
            let safe = self.safe(&span.text);
            for (number, piece) in safe.split(' ').enumerate() {
                if number > 0 {
                    words.push(Vec::new());
                }
                if let Some(word) = words.last_mut().filter(|_| !piece.is_empty()) {
                    word.push((span.tone, piece.to_owned()));
                }
            }
        }
        words
    }

    fn safe<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.style.unicode {
            escape(text)
        } else {
            ascii(text)
        }
    }

    /// Writes a line of pieces that are escaped.
    fn write(&mut self, mut pieces: Vec<(Tone, String)>) {
        while let Some((_, last)) = pieces.last_mut() {
            last.truncate(last.trim_end_matches(' ').len());
            if !last.is_empty() {
                break;
            }
            pieces.pop();
        }
        let mut open = Tone::Plain;
        for (tone, text) in pieces.iter().filter(|(_, text)| !text.is_empty()) {
            if self.style.color && *tone != open {
                if open != Tone::Plain {
                    self.text.push_str("\x1b[0m");
                }
                if *tone != Tone::Plain {
                    self.text.push_str("\x1b[");
                    self.text.push_str(tone.code());
                    self.text.push('m');
                }
                open = *tone;
            }
            self.text.push_str(text);
        }
        if open != Tone::Plain {
            self.text.push_str("\x1b[0m");
        }
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(width: usize) -> Page {
        Page::new(Style {
            width,
            ..Style::default()
        })
    }

    #[test]
    fn text_stands_beside_its_label_and_goes_on_below_itself() {
        let mut page = page(60);
        page.text("why", &"word ".repeat(12));
        assert_eq!(
            page.into_text(),
            "why          word word word word word word word word word\n             word word word\n"
        );
    }

    #[test]
    fn text_stands_below_its_label_where_there_is_little_room() {
        let mut page = page(40);
        page.text("why", &"word ".repeat(9));
        assert_eq!(
            page.into_text(),
            "why\n  word word word word word word word\n  word word\n"
        );
    }

    #[test]
    fn a_word_is_broken_only_where_no_line_could_hold_it() {
        let mut page = page(60);
        page.text("", &format!("a {} b", "x".repeat(60)));
        let text = page.into_text();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            ["a", &"x".repeat(47), &format!("{} b", "x".repeat(13))]
        );
    }

    #[test]
    fn wide_characters_count_twice() {
        let mut page = Page::new(Style {
            width: 60,
            unicode: true,
            ..Style::default()
        });
        page.text("", &"証".repeat(24));
        assert_eq!(
            page.into_text(),
            format!("{0}{1}\n{0}証\n", " ".repeat(13), "証".repeat(23))
        );
    }

    #[test]
    fn colour_ends_on_its_line() {
        let mut page = Page::new(Style {
            width: 60,
            color: true,
            ..Style::default()
        });
        page.entry("a", &[Span::new(Tone::Bad, "b ".repeat(40)), plain(",")]);
        for line in page.into_text().lines() {
            assert_eq!(
                line.matches("\x1b[0m").count() * 2,
                line.matches('\x1b').count(),
                "{line:?}"
            );
        }
    }

    #[test]
    fn without_unicode_nothing_but_ascii_is_written() {
        let mut page = page(60);
        page.text("names", "DNS:bücher.example");
        assert_eq!(page.into_text(), "names        DNS:b\\u{fc}cher.example\n");
    }

    const RAW: [char; 4] = ['\x1b', '\0', '\u{202e}', '\u{9b}'];

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config {
            failure_persistence: None,
            ..Default::default()
        })]

        /// Whatever a server says: no line is too wide, nothing is lost, nothing comes out raw.
        #[test]
        fn lines_hold_all_of_the_text_and_are_never_too_wide(
            text in "(\\PC|[\\x00-\\x1f\u{202e}\u{9b}証 ]){0,200}",
            width in 40_usize..120,
            unicode: bool,
        ) {
            let mut page = Page::new(Style { width, unicode, ..Style::default() });
            page.text("why", &text);
            page.text("", &text);
            let shown = page.into_text();
            for line in shown.lines() {
                proptest::prop_assert!(line.width() <= width, "{line:?}");
                proptest::prop_assert!(!line.contains(RAW));
                proptest::prop_assert!(unicode || line.is_ascii());
            }
            let squeezed = |text: &str| text.replace([' ', '\n'], "");
            let safe = if unicode { escape(&text) } else { ascii(&text) };
            let expected = format!("why{0}{0}", squeezed(&safe));
            proptest::prop_assert_eq!(squeezed(&shown), expected);
        }
    }

    /// WCAG 2.1, "contrast ratio"; 3 is what it asks of large text and of signs.
    #[test]
    fn every_colour_is_legible_on_black_and_on_white() {
        let channel = |value: u32| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        // xterm's colour cube begins at 16 and has six steps of each channel.
        let step = |number: u32| if number == 0 { 0 } else { 55 + 40 * number };
        for tone in Tone::ALL {
            let Some((_, number)) = tone.code().split_once("38;5;") else {
                continue;
            };
            let number = number.parse::<u32>().unwrap() - 16;
            let [red, green, blue] =
                [number / 36, number / 6 % 6, number % 6].map(|number| channel(step(number)));
            let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
            let on_black = (luminance + 0.05) / 0.05;
            let on_white = 1.05 / (luminance + 0.05);
            assert!(
                on_black > 3.0 && on_white > 3.0,
                "{tone:?} {on_black} {on_white}"
            );
        }
    }
}
