//! The connection service file, `pg_service.conf`. Mirrors `parseServiceFile` in fe-connect.c.

use super::{HIDDEN, Keyword, hidden_value, is_space, slice};
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
                let name = String::from_utf8_lossy(keyword);
                let text = String::from_utf8_lossy(value);
                match Keyword::find(&name) {
                    // As it was to the byte: a line must not grow to one that is too long.
                    Some(known) if !known.secret && !super::holds_secret(&text) => {
                        saved.extend_from_slice(&[keyword, b"=", value].concat());
                    }
                    Some(_) => {
                        let hidden = hidden_value(&name, &text);
                        saved.extend_from_slice(format!("{name}={hidden}").as_bytes());
                    }
                    None => saved.extend_from_slice(sign_of(keyword)),
                }
            }
            Line::Other(text) if found => saved.extend_from_slice(sign_of(text)),
            Line::Blank | Line::Setting { .. } | Line::Other(_) => {}
        }
        saved.push(b'\n');
    }
    saved
}

/// What stands for a line that is refused: as much as says why.
fn sign_of(refused: &[u8]) -> &'static [u8] {
    match refused.starts_with(b"ldap") {
        true => b"ldap",
        false => HIDDEN.as_bytes(),
    }
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
        Some(_) => {
            let mut halves = line.splitn(2, |&byte| byte == b'=');
            match (halves.next(), halves.next()) {
                (Some(keyword), Some(value)) => Line::Setting { keyword, value },
                _ => Line::Other(line),
            }
        }
    }
}

/// The pieces that `fgets` would return, each up to its first NUL.
fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = content;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let window = slice(rest, 0..rest.len().min(LINE_LIMIT));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str, libpq: Libpq) -> String {
        match parse_service_file(content.as_bytes(), "F", "s", libpq) {
            Ok(None) => "no section".to_owned(),
            Ok(Some(settings)) => settings
                .iter()
                .map(|(keyword, value)| format!("{keyword}={value}"))
                .collect::<Vec<_>>()
                .join("|"),
            Err(error) => error.to_string(),
        }
    }

    const TABLE: &[(&str, &str)] = &[
        ("", "no section"),
        ("[t]\nhost=a", "no section"),
        ("host=a\n[s]", ""),
        ("nonsense\n[s]\n", ""),
        (
            "[s]\nhost=a\n  port=5  \n\n#x\n[t]\nport=6\n",
            "host=a|port=5",
        ),
        ("[s]x\nhost=a", "host=a"),
        ("[ s]\nhost=a", "no section"),
        (
            "[s]\nhost = a",
            "syntax error in service file \"F\", line 2",
        ),
        ("[s]\nhost=a b = c", "host=a b = c"),
        ("[s]\nhost", "syntax error in service file \"F\", line 2"),
        ("\n[s]\nfoo=a", "syntax error in service file \"F\", line 3"),
        (
            "[s]\nservice=t",
            "nested service specifications not supported in service file \"F\", line 2",
        ),
        ("[s]\nhost=a\n[s]\nport=5", "host=a"),
        (
            "[s]\nldap://h/x",
            "service \"s\" is looked up in LDAP (line 2 of \"F\"), which pgprobe does not do",
        ),
        ("[t]\nldap://h/x\n[s]\nhost=a", "host=a"),
    ];

    #[test]
    fn a_section_is_read_as_libpq_reads_it() {
        for (content, expected) in TABLE {
            assert_eq!(read(content, Libpq::V18), *expected, "{content:?}");
        }
        assert_eq!(
            read("[s]\nsslnegotiation=direct", Libpq::V17),
            "sslnegotiation=direct"
        );
        assert_eq!(
            read("[s]\nsslnegotiation=direct", Libpq::V16),
            "syntax error in service file \"F\", line 2"
        );
    }

    #[test]
    fn a_line_of_1023_bytes_is_too_long() {
        let line = |length: usize| format!("[s]\nuser={}\nport=5", "x".repeat(length - 5));
        assert!(read(&line(1021), Libpq::V18).ends_with("x|port=5"));
        assert_eq!(
            read(&line(1022), Libpq::V18),
            "line 2 too long in service file \"F\""
        );
        let comment = format!("#{}\n[s]\n", "x".repeat(2000));
        assert_eq!(
            read(&comment, Libpq::V18),
            "line 1 too long in service file \"F\""
        );
    }

    #[test]
    fn the_saved_file_reads_the_same_and_holds_no_secret() {
        let long = format!("[s]\npassword={}\n", "x".repeat(2000));
        let more = [
            "[s]\npassword=hunter2\nhost=a\n",
            "[s]\nhunter2\n",
            "[s]\npasswort=hunter2\n",
            "[t]\npassword=hunter2\nhost=b\n\n[s]\nfoo=hunter2",
            "# hunter2\n[s]\nhost=a\n[t]\npassword=hunter2",
            "[s]\ndbname=postgres://u:hunter2@h/d",
            &long,
        ];
        let table = TABLE.iter().map(|(content, _)| *content);
        for content in table.chain(more) {
            let saved = redact_service_file(content.as_bytes(), "s");
            let saved = String::from_utf8(saved).unwrap();
            assert!(!saved.contains("hunter2"), "{saved:?}");
            for libpq in Libpq::ALL {
                let before = read(content, libpq);
                let before = before.replace("password=hunter2", "password=***");
                let before = before.replace("postgres://u:hunter2@h/d", "***");
                assert_eq!(read(&saved, libpq), before, "{content:?}");
            }
        }
    }
}
