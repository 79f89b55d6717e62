//! Bars in SVG: no script, no style but classes, legible in any colours.

use std::fmt::Write as _;

/// The height of a bar with the room around it.
const ROW: usize = 24;

/// Where bars begin, and how long the longest is.
const LABEL: usize = 190;
const LENGTH: usize = 300;

/// Text for HTML and for attributes in it.
pub(super) fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(character),
        }
    }
    safe
}

/// A bar: its word, and its parts from the left.
pub(super) struct Row(pub(super) String, pub(super) Vec<Part>);

/// A part of a bar: its class, what it stands for, how many.
pub(super) struct Part(pub(super) &'static str, pub(super) String, pub(super) u64);

/// A bar for each word.
pub(super) fn bars(title: &str, counts: &[(String, u64)]) -> String {
    let row =
        |(word, count): &(String, u64)| Row(word.clone(), vec![Part("a", String::new(), *count)]);
    stacked(title, &counts.iter().map(row).collect::<Vec<_>>())
}

/// A bar of several parts for each word.
pub(super) fn stacked(title: &str, rows: &[Row]) -> String {
    let sum = |parts: &[Part]| parts.iter().map(|part| part.2).sum::<u64>();
    let longest = rows.iter().map(|row| sum(&row.1)).max().unwrap_or_default();
    let height = rows.len() * ROW + 4;
    let mut svg = format!(
        "<figure><figcaption>{0}</figcaption><svg viewBox=\"0 0 {1} {height}\" role=\"img\" \
         aria-label=\"{0}\">",
        html(title),
        LABEL + LENGTH + 90,
    );
    for (at, Row(word, parts)) in rows.iter().enumerate() {
        let top = at * ROW;
        let mut label: String = word.chars().take(30).collect();
        if label.len() < word.len() {
            label.push('…');
        }
        let total = sum(parts);
        let _ = write!(
            svg,
            "<g><title>{}: {total}</title><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            html(word),
            LABEL - 8,
            top + 17,
            html(&label),
        );
        let mut left = LABEL;
        for Part(class, meaning, count) in parts {
            let width = length(*count, longest);
            if width > 0 {
                let _ = write!(
                    svg,
                    "<rect class=\"bar {class}\" x=\"{left}\" y=\"{}\" width=\"{width}\" \
                     height=\"16\"><title>{}{}{count}</title></rect>",
                    top + 4,
                    html(meaning),
                    if meaning.is_empty() { "" } else { ": " },
                );
            }
            left += width;
        }
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\">{total}</text></g>",
            left + 6,
            top + 17
        );
    }
    svg.push_str("</svg></figure>");
    svg
}

/// How long a bar is; what is not nothing is seen.
fn length(count: u64, longest: u64) -> usize {
    if count == 0 {
        return 0;
    }
    let room = u128::try_from(LENGTH).unwrap_or_default();
    let length = u128::from(count) * room / u128::from(longest.max(1));
    usize::try_from(length).unwrap_or(LENGTH).clamp(2, LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_server_stay_words() {
        let svg = bars("CAs", &[("<script>alert('x')</script>&\"".to_owned(), 3)]);
        assert!(!svg.contains("<script"));
        assert!(svg.contains("&lt;script&gt;"));
    }

    #[test]
    fn what_is_there_is_seen_and_nothing_overflows() {
        assert_eq!(length(0, 10), 0);
        assert_eq!(length(1, u64::MAX), 2);
        assert_eq!(length(u64::MAX, u64::MAX), LENGTH);
    }
}
