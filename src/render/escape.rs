//! Makes text of a server safe for a terminal: nothing but printable characters goes through.

use std::borrow::Cow;
use std::fmt::Write as _;

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

/// The same where the terminal has nothing but ASCII: all else is escaped, too.
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if matches!(character, ' '..='~') {
            safe.push(character);
        } else {
            safe.extend(character.escape_default());
        }
    }
    Cow::Owned(safe)
}

/// The same for JSON, which escapes nothing but the first 32: in its own way, so that it stays JSON.
pub fn json(text: &str) -> Cow<'_, str> {
    // Nearly all text is ASCII, and can be told so many bytes at a time.
    let printable = |byte: u8| (b' '..=b'~').contains(&byte);
    if text.bytes().fold(true, |all, byte| all & printable(byte)) || text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_harmless(character) {
            safe.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        }
    }
    Cow::Owned(safe)
}

/// Whether a character does nothing but show itself.
pub(crate) fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            // Line and paragraph separators, bidirectional controls, invisible characters, and the
            // replacement character of bytes that are no UTF-8.
            '\u{ad}' | '\u{180e}' | '\u{115f}' | '\u{3164}' | '\u{fe0f}'
            | '\u{2028}' | '\u{2029}' | '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
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
    fn where_there_is_only_ascii_nothing_else_comes_out() {
        assert_eq!(ascii("CN=B\u{fc}cher\x1b\t"), "CN=B\\u{fc}cher\\u{1b}\\t");
        assert!(matches!(ascii("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_stays_json_and_says_the_same() {
        let text = "a\u{9b}\u{202e}\u{e0001}\u{7f}";
        let quoted = serde_json::to_string(text).unwrap();
        let safe = json(&quoted);
        assert!(safe.is_ascii(), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        assert!(matches!(escape("CN=Bücher, O=Zoë | x"), Cow::Borrowed(_)));
    }
}
