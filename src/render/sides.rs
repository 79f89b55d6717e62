//! A table of several sides: a column for each, or where columns would be too narrow each value
//! with those who have it.

use super::page::{Page, Span, strong};

/// Columns that labels take.
const LABELS: usize = 13;

/// No column of the table is narrower.
const NARROWEST: usize = 16;

/// Something that is compared, and its value at each side.
pub(super) struct Row<'r> {
    pub(super) label: &'static str,
    pub(super) values: Vec<Span<'r>>,
}

impl Row<'_> {
    /// Whether it is the same at all of them.
    pub(super) fn is_same(&self) -> bool {
        let mut values = self.values.iter();
        let first = values.next();
        values.all(|value| first.is_some_and(|first| first.text == value.text))
    }
}

/// Writes the rows, under the names of the sides.
pub(super) fn table(page: &mut Page, heading: &str, sides: &[&str], rows: &[Row<'_>]) {
    let width = page.style.width.saturating_sub(LABELS) / sides.len().max(1);
    let columns = width >= NARROWEST;
    if columns {
        let names: Vec<_> = sides.iter().map(|side| strong(*side)).collect();
        page.cells(heading, LABELS, width, &names);
    } else {
        page.prose(&[strong(heading)]);
    }
    for row in rows {
        let mut words = row.values.iter().flat_map(|value| value.text.split(' '));
        if columns && words.all(|word| page.width_of(word) + 2 <= width) {
            page.cells(row.label, LABELS, width, &row.values);
        } else {
            by_value(page, sides, row);
        }
    }
}

fn by_value(page: &mut Page, sides: &[&str], row: &Row<'_>) {
    let mut values: Vec<(&Span<'_>, Vec<&str>)> = Vec::new();
    for (value, side) in row.values.iter().zip(sides) {
        match values
            .iter_mut()
            .find(|(known, _)| known.text == value.text)
        {
            Some((_, names)) => names.push(side),
            None => values.push((value, vec![side])),
        }
    }
    let mut label = row.label;
    for (value, names) in values {
        // All lines of a value stand under its first word: none can pass for another side's.
        let lead = format!("{}: ", names.join(", "));
        let value = std::slice::from_ref(value);
        if page.width_of(&lead) * 3 > page.room() {
            page.text(label, &lead);
            page.branch("", "  ", value);
        } else {
            page.branch(label, &lead, value);
        }
        label = "";
    }
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use super::super::page::plain;
    use super::*;

    #[test]
    fn between_two_columns_there_is_a_gap() {
        for width in 40..=120 {
            for sides in 2..=6 {
                let mut page = Page::new(Style {
                    width,
                    ..Style::default()
                });
                let row = Row {
                    label: "verify-full",
                    values: vec![plain("TLS, chain, host name"); sides],
                };
                let names = ["A", "B", "C", "D", "E", "F"];
                table(&mut page, "what differs", &names[..sides], &[row]);
                let text = page.into_text();
                assert!(
                    !text.contains("hostTLS") && !text.contains("namename"),
                    "{text}"
                );
                for line in text.lines() {
                    assert!(line.len() <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn what_one_side_says_does_not_pass_for_the_word_of_another() {
        let said = format!("CN={} B: TLS, chain", "x ".repeat(40));
        for width in [40, 60, 80] {
            for padding in 0..80 {
                let mut page = Page::new(Style {
                    width,
                    ..Style::default()
                });
                let said = format!("{}{said}", "y".repeat(padding));
                let row = Row {
                    label: "subject",
                    values: vec![plain(said), plain("CN=b")],
                };
                by_value(&mut page, &["A", "B"], &row);
                let text = page.into_text();
                let indent = |line: &str| line.len() - line.trim_start().len();
                let b = text.lines().filter(|line| line.contains("B: "));
                let own = b.clone().next_back().map(indent);
                assert_eq!(
                    b.filter(|line| Some(indent(line)) == own).count(),
                    1,
                    "{text}"
                );
            }
        }
    }
}
