//! The connection service file, `pg_service.conf`. Mirrors `parseServiceFile` in fe-connect.c.

use super::{HIDDEN, Keyword, hidden_value, is_space};
use crate::emulates::Libpq;

/// Why a service file could not be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ServiceFileError {
    /// libpq refuses the file with this text.
    #[error("{0}")]
    Refused(String),
    /// The section asks an LDAP server, which pgprobe does not do.
    #[error(
        "service \"{service}\" is looked up in LDAP (line {line} of \"{path}\"), which pgprobe does not do"
    )]
    Ldap {
        /// The service's name.
        service: String,
        /// The file.
        path: String,
        /// The line, counted from 1.
        line: usize,
    },
}

/// The settings of section `[service]` in order (of a repeated keyword the first counts), or
/// `None` if the file has no such section.
pub fn parse_service_file(
    content: &[u8],
    path: &str,
    service: &str,
    libpq: Libpq,
) -> Result<Option<Vec<(String, String)>>, ServiceFileError> {
    let mut settings: Option<Vec<(String, String)>> = None;
    for (number, line) in lines(content).enumerate() {
        let number = number + 1;
        let syntax_error = || {
            let text = format!("syntax error in service file \"{path}\", line {number}");
            Err(ServiceFileError::Refused(text))
        };
        if line.len() >= LINE_LIMIT {
            return Err(ServiceFileError::Refused(format!(
                "line {number} too long in service file \"{path}\""
            )));
        }
        match (read_line(line, service), &mut settings) {
            (Line::Blank, _) | (Line::Setting { .. } | Line::Other(_), None) => {}
            (Line::Section { .. }, Some(_)) => break,
            (Line::Section { wanted }, None) => settings = wanted.then(Vec::new),
            (
                Line::Setting {
                    keyword: b"service",
                    ..
                },
                Some(_),
            ) => {
                return Err(ServiceFileError::Refused(format!(
                    "nested service specifications not supported in service file \"{path}\", \
                     line {number}"
                )));
            }
            (Line::Setting { keyword, .. } | Line::Other(keyword), Some(_))
                if keyword.starts_with(b"ldap") =>
            {
                return Err(ServiceFileError::Ldap {
                    service: service.to_owned(),
                    path: path.to_owned(),
                    line: number,
                });
            }
            (Line::Other(_), Some(_)) => return syntax_error(),
            (Line::Setting { keyword, value }, Some(settings)) => {
                let keyword = String::from_utf8_lossy(keyword).into_owned();
                if Keyword::known(&keyword, libpq).is_none() {
                    return syntax_error();
                }
                settings.push((keyword, String::from_utf8_lossy(value).into_owned()));
            }
        }
    }
    Ok(settings)
}

/// What to save of a service file: the section `[service]` without its secrets, every other line
/// blank, so that the file reads the same, line numbers and errors included.
pub fn redact_service_file(content: &[u8], service: &str) -> Vec<u8> {
    let mut saved = Vec::new();
    let mut found = false;
    for line in lines(content) {
        if line.len() >= LINE_LIMIT {
            saved.push(b'#');
            saved.resize(saved.len() + LINE_LIMIT, b'*');
            break;
        }
        match read_line(line, service) {
            Line::Section { wanted } => {
                if found {
                    break;
                }
                if wanted {
                    found = true;
                    saved.extend_from_slice(format!("[{service}]").as_bytes());
                }
            }
            Line::Setting { keyword, value } if found => {
                let keyword = String::from_utf8_lossy(keyword);
                let value = String::from_utf8_lossy(value);
                let harmless = Keyword::find(&keyword).is_some_and(|keyword| !keyword.secret);
                let value = match harmless && !super::holds_secret(&value) {
                    true => value.into_owned(),
                    false => hidden_value(&keyword, &value),
                };
                saved.extend_from_slice(format!("{keyword}={value}").as_bytes());
            }
            Line::Other(text) if found => {
                let sign = if text.starts_with(b"ldap") {
                    "ldap"
                } else {
                    HIDDEN
                };
                saved.extend_from_slice(sign.as_bytes());
            }
            Line::Blank | Line::Setting { .. } | Line::Other(_) => {}
        }
        saved.push(b'\n');
    }
    saved
}

/// The buffer of `parseServiceFile` less its NUL: a line this long, its end included, is refused.
const LINE_LIMIT: usize = 1023;

enum Line<'a> {
    Blank,
    Section { wanted: bool },
    Setting { keyword: &'a [u8], value: &'a [u8] },
    Other(&'a [u8]),
}

fn read_line<'a>(line: &'a [u8], service: &str) -> Line<'a> {
    let line = trim(line);
    match line.first() {
        None | Some(b'#') => Line::Blank,
        Some(b'[') => Line::Section {
            wanted: line
                .get(1..)
                .and_then(|name| name.strip_prefix(service.as_bytes()))
                .is_some_and(|rest| rest.first() == Some(&b']')),
        },
        Some(_) => match line.iter().position(|&byte| byte == b'=') {
            Some(at) => Line::Setting {
                keyword: &line[..at],
                value: &line[at + 1..],
            },
            None => Line::Other(line),
        },
    }
}

/// The pieces that `fgets` would return, each up to its first NUL.
fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = content;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let window = &rest[..rest.len().min(LINE_LIMIT)];
        let length = window
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(window.len(), |end| end + 1);
        let (line, after) = rest.split_at(length);
        rest = after;
        line.split(|&byte| byte == 0).next()
    })
}

fn trim(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., last] = line
        && is_space(*last)
    {
        line = rest;
    }
    while let [first, rest @ ..] = line
        && is_space(*first)
    {
        line = rest;
    }
    line
}
