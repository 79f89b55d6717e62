//! The `keyword = value` form of a connection string. Mirrors `conninfo_parse` in fe-connect.c.

use super::{Failure, Piece, Quote, is_space, slice, store};
use crate::emulates::Libpq;

/// Reads `text` pair by pair into `pieces`, which hold what came before a failure.
pub(super) fn read(text: &str, libpq: Libpq, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at = skip_spaces(bytes, at);
        if at == bytes.len() {
            return Ok(());
        }
        let name_start = at;
        while bytes
            .get(at)
            .is_some_and(|&byte| byte != b'=' && !is_space(byte))
        {
            at += 1;
        }
        let name = slice(bytes, name_start..at);
        at = skip_spaces(bytes, at);
        let quote = Quote::new(name, name_start);
        if bytes.get(at) != Some(&b'=') {
            return Err(Failure::MissingEquals(quote));
        }
        let value_start = skip_spaces(bytes, at + 1);
        let Some((value, value_end)) = read_value(bytes, value_start) else {
            pieces.push(Piece::unread(&quote.text, value_start..bytes.len()));
            return Err(Failure::UnterminatedQuote { at: value_start });
        };
        store(quote.text, value, value_start..value_end, libpq, pieces).map_err(|name| {
            Failure::InvalidOption {
                name: Quote {
                    text: name,
                    at: name_start,
                },
                value_start,
            }
        })?;
        at = value_end;
    }
}

/// The value that begins at `start` and where it ends; `None` if its quote is not closed.
fn read_value(bytes: &[u8], start: usize) -> Option<(Vec<u8>, usize)> {
    let quoted = bytes.get(start) == Some(&b'\'');
    let mut at = if quoted { start + 1 } else { start };
    let mut value = Vec::new();
    loop {
        match bytes.get(at) {
            None if quoted => return None,
            None => return Some((value, at)),
            Some(b'\\') => {
                // A backslash at the very end stands for nothing.
                value.extend(bytes.get(at + 1));
                at = (at + 2).min(bytes.len());
            }
            Some(b'\'') if quoted => return Some((value, at + 1)),
            Some(&byte) if !quoted && is_space(byte) => return Some((value, at)),
            Some(&byte) => {
                value.push(byte);
                at += 1;
            }
        }
    }
}

fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|&byte| is_space(byte)) {
        at += 1;
    }
    at
}
