//! Integers in connection parameters, as C reads them.

use crate::libpq::error::LibpqError;

/// Mirrors `pqParseIntParam`: blanks around, an `int`, nothing else.
pub(super) fn parse(value: &str, keyword: &str) -> Result<i32, LibpqError> {
    let (digits, rest) = split(value);
    let number = digits.parse().ok().filter(|_| rest.bytes().all(is_space));
    number.ok_or_else(|| {
        LibpqError::bad_parameter(format!(
            "invalid integer value \"{value}\" for connection option \"{keyword}\""
        ))
    })
}

/// The number `strtol` would read and what follows it.
fn split(value: &str) -> (&str, &str) {
    let value =
        value.trim_start_matches(|character: char| u8::try_from(character).is_ok_and(is_space));
    let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
    let rest = unsigned.trim_start_matches(|character: char| character.is_ascii_digit());
    match value.strip_suffix(rest) {
        Some(number) if rest.len() < unsigned.len() => (number, rest),
        _ => ("", value),
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_may_stand_around_an_integer_and_nothing_else_may() {
        for (value, number) in [
            ("5", Some(5)),
            (" \t5\n ", Some(5)),
            ("+5", Some(5)),
            ("-5", Some(-5)),
            ("2147483647", Some(i32::MAX)),
            ("2147483648", None),
            ("99999999999999999999", None),
            ("", None),
            (" ", None),
            ("+", None),
            ("+-5", None),
            ("5x", None),
            ("5 5", None),
            ("0x5", None),
            ("5\u{a0}", None),
        ] {
            assert_eq!(parse(value, "port").ok(), number, "{value:?}");
        }
    }
}
