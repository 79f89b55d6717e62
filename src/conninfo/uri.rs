//! The URI form of a connection string. Mirrors `conninfo_uri_parse_options` in fe-connect.c.

use std::ops::Range;

use super::{Failure, Piece, Quote, slice, store};
use crate::emulates::Libpq;

/// The bytes after `postgresql://` or `postgres://`; `None` if `text` is no URI to libpq.
///
/// The scheme counts in lower case only. Mirrors `uri_prefix_length`.
pub(super) fn after_scheme(text: &str) -> Option<usize> {
    ["postgresql://", "postgres://"]
        .into_iter()
        .find(|scheme| text.starts_with(scheme))
        .map(str::len)
}

/// Reads the URI `text`, whose scheme is `start` bytes long, into `pieces`.
pub(super) fn read(
    text: &str,
    start: usize,
    libpq: Libpq,
    pieces: &mut Vec<Piece>,
) -> Result<(), Failure> {
    let bytes = text.as_bytes();
    let mut at = start;
    let find = |from: usize, stops: &[u8]| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter()
            .position(|byte| stops.contains(byte))
            .map_or(bytes.len(), |found| from + found)
    };
    let mut part = |keyword: &str, raw: &[u8], span: Range<usize>| {
        if raw.is_empty() {
            return Ok(());
        }
        let at = span.start;
        let value = decode(raw, at, libpq)
            .inspect_err(|_| pieces.push(Piece::unread(keyword, span.clone())))?;
        store(keyword.to_owned(), value, span, libpq, pieces).map_err(|name| {
            Failure::InvalidQueryParameter {
                name: Quote { text: name, at },
                value_start: at,
            }
        })
    };

    // The first `@` before any `/` ends the user and password.
    let end = find(start, b"@/");
    if bytes.get(end) == Some(&b'@') {
        let user_end = find(start, b":@");
        part("user", slice(bytes, start..user_end), start..user_end)?;
        if user_end < end {
            part(
                "password",
                slice(bytes, user_end + 1..end),
                user_end + 1..end,
            )?;
        }
        at = end + 1;
    }

    let hosts_start = at;
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    loop {
        let host_end;
        if bytes.get(at) == Some(&b'[') {
            let close = find(at + 1, b"]");
            if close == bytes.len() {
                return Err(Failure::BracketNotClosed { at });
            }
            if close == at + 1 {
                return Err(Failure::BracketEmpty { at });
            }
            hosts.extend_from_slice(slice(bytes, at + 1..close));
            host_end = close + 1;
            if let Some(&byte) = bytes.get(host_end)
                && !b":/?,".contains(&byte)
            {
                return Err(Failure::UnexpectedCharacter(Quote::new(&[byte], host_end)));
            }
        } else {
            host_end = find(at, b":/?,");
            hosts.extend_from_slice(slice(bytes, at..host_end));
        }
        at = host_end;
        if bytes.get(at) == Some(&b':') {
            let port_end = find(at + 1, b"/?,");
            ports.extend_from_slice(slice(bytes, at + 1..port_end));
            at = port_end;
        }
        if bytes.get(at) != Some(&b',') {
            break;
        }
        at += 1;
        hosts.push(b',');
        ports.push(b',');
    }
    part("host", &hosts, hosts_start..at)?;
    part("port", &ports, hosts_start..at)?;

    if bytes.get(at) == Some(&b'/') {
        let end = find(at + 1, b"?");
        part("dbname", slice(bytes, at + 1..end), at + 1..end)?;
        at = end;
    }
    if at < bytes.len() {
        read_parameters(bytes, at + 1, libpq, pieces)?;
    }
    Ok(())
}

/// Reads `keyword=value&...` from `at` on. Mirrors `conninfo_uri_parse_params`.
fn read_parameters(
    bytes: &[u8],
    mut at: usize,
    libpq: Libpq,
    pieces: &mut Vec<Piece>,
) -> Result<(), Failure> {
    while let Some(rest) = bytes.get(at..)
        && !rest.is_empty()
    {
        let length = rest
            .iter()
            .position(|&byte| byte == b'&')
            .unwrap_or(rest.len());
        let parameter = slice(rest, 0..length);
        let mut parts = parameter.splitn(3, |&byte| byte == b'=');
        let raw_keyword = parts.next().unwrap_or_default();
        let Some(raw_value) = parts.next() else {
            return Err(Failure::MissingSeparator(Quote::new(raw_keyword, at)));
        };
        let value_start = at + raw_keyword.len() + 1;
        let span = value_start..at + length;
        let name = Quote::new(raw_keyword, at);
        if parts.next().is_some() {
            pieces.push(Piece::unread(&name.text, span));
            return Err(Failure::ExtraSeparator(name));
        }
        let mut keyword = lossy(&decode(raw_keyword, at, libpq)?);
        let mut value = decode(raw_value, value_start, libpq)
            .inspect_err(|_| pieces.push(Piece::unread(&keyword, span.clone())))?;
        // What JDBC writes.
        if keyword == "ssl" && value == b"true" {
            keyword = "sslmode".to_owned();
            value = b"require".to_vec();
        }
        store(keyword, value, span, libpq, pieces).map_err(|name| {
            Failure::InvalidQueryParameter {
                name: Quote { text: name, at },
                value_start,
            }
        })?;
        at += length + 1;
    }
    Ok(())
}

/// Undoes percent-encoding. Mirrors `conninfo_uri_decode`.
///
/// libpq 18 also drops spaces at both ends and refuses others.
fn decode(raw: &[u8], at: usize, libpq: Libpq) -> Result<Vec<u8>, Failure> {
    let quote = || Quote::new(raw, at);
    let trims = libpq >= Libpq::V18;
    let mut value = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while trims && let Some(after) = rest.strip_prefix(b" ") {
        rest = after;
    }
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'%' => {
                let digit = |index: usize| {
                    let byte = after.get(index).copied()?;
                    u8::try_from(char::from(byte).to_digit(16)?).ok()
                };
                let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                    return Err(Failure::InvalidPercent(quote()));
                };
                if high == 0 && low == 0 {
                    return Err(Failure::ForbiddenNul(quote()));
                }
                value.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            b' ' if trims => {
                return match rest.iter().all(|&byte| byte == b' ') {
                    true => Ok(value),
                    false => Err(Failure::UnexpectedSpaces(quote())),
                };
            }
            _ => {
                value.push(byte);
                rest = after;
            }
        }
    }
    Ok(value)
}

/// Undoes percent-encoding where it is well-formed.
pub(super) fn decode_leniently(text: &str) -> String {
    let mut rest = text.as_bytes();
    let mut value = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        let token = rest.get(..3).filter(|_| byte == b'%');
        match token.and_then(|token| decode(token, 0, Libpq::V17).ok()) {
            Some(decoded) => {
                value.extend(decoded);
                rest = rest.get(3..).unwrap_or_default();
            }
            None => {
                value.push(byte);
                rest = after;
            }
        }
    }
    lossy(&value)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where the user's password lies in a URI, as the person who wrote it sees it.
///
/// libpq ends the password at the first `@` and sees no user after a `/`. A password written with
/// `@` or `/` in it thus ends up in the host, the port or the database name, so whatever lies
/// between the first `:` and the last `@` may be it.
#[derive(Debug)]
pub(super) struct PasswordSpan {
    /// What can be nothing else.
    pub(super) certain: Range<usize>,
    /// What may also be a port and a database name, as in `postgres://host:5432/me@corp`.
    pub(super) possible: Range<usize>,
}

/// Finds the password in `text`, a URI from `start` on that libpq does (not) take.
pub(super) fn password_span(text: &str, start: usize, malformed: bool) -> Option<PasswordSpan> {
    let rest = text.get(start..)?;
    let authority = rest.split('/').next()?;
    // A `?` before libpq's `@`, or in brackets, begins no query.
    let hosts = authority
        .find('@')
        .max(rest.rfind(']'))
        .map_or(0, |at| at + 1);
    let after_hosts = rest.get(hosts..).unwrap_or_default();
    let query = after_hosts.find('?').map_or(rest.len(), |at| hosts + at);
    let (before_colon, after_colon) = authority.split_once(':')?;
    let colon = before_colon.len();
    let is_port = after_colon.bytes().all(|byte| byte.is_ascii_digit());
    let upto = |end: usize| rest.get(..end).unwrap_or_default();
    let certain = if malformed || !(is_port || authority.contains('@')) {
        rest.rfind('@')
    } else if is_port {
        None
    } else {
        upto(authority.len().min(query)).rfind('@')
    };
    let possible = upto(query).rfind('@').max(certain);
    let span = |last: Option<usize>| {
        let last = last.filter(|&last| last > colon).unwrap_or(colon + 1);
        start + colon + 1..start + last
    };
    Some(PasswordSpan {
        certain: span(certain),
        possible: span(possible),
    })
    .filter(|password| !password.possible.is_empty())
}
