//! Makes text of a server safe for a terminal: nothing but printable characters goes through.

use std::borrow::Cow;

/// Escapes control characters, line breaks, and what changes the direction of text, as Rust does.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_harmless(character) {
            safe.push(character);
        } else {
            safe.extend(character.escape_default());
        }
    }
    Cow::Owned(safe)
}

fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            // Line and paragraph separators, bidirectional controls, invisible characters, and the
            // replacement character of bytes that are no UTF-8.
            '\u{2028}' | '\u{2029}' | '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_sequences_line_breaks_and_direction_marks_are_escaped() {
        assert_eq!(
            escape("\x1b[31mred\x07\n\0"),
            "\\u{1b}[31mred\\u{7}\\n\\u{0}"
        );
        assert_eq!(escape("\u{202e}evil\u{9b}"), "\\u{202e}evil\\u{9b}");
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        assert!(matches!(escape("CN=Bücher, O=Zoë | x"), Cow::Borrowed(_)));
    }
}
