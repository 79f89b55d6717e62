//! Values in lines that are meant to be pasted: quoted for where they go, and none at all that
//! could do something else there.

use super::Situation;

/// Whether nothing in a text can move a cursor, end a line or change its direction.
pub(super) fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, ' '..='~') || (!c.is_ascii() && c.is_alphanumeric()))
}

/// A word of a POSIX shell.
pub(super) fn shell(word: &str) -> Option<String> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !is_plain(word) {
        return None;
    }
    Some(if !word.is_empty() && word.chars().all(bare) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    })
}

/// Whether a host or address can stand in a configuration of openssl's as it is.
pub(crate) fn is_simple_name(name: &str) -> bool {
    let in_names = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(in_names)
}

/// A user or database in `pg_hba.conf`: the quotes take the meaning of `all` and its like away,
/// but not that of a slash, which begins a regular expression since PostgreSQL 16.
pub(crate) fn hba(name: &str) -> Option<String> {
    let plain = is_plain(name) && !name.is_empty() && !name.contains('"') && !name.starts_with('/');
    plain.then(|| format!("\"{name}\""))
}

/// The parameters as they are added to the target that was typed: to a URI as `a=b&c=d`, to a
/// string of keywords as `a=b c=d`; a bare host name is written out first.
pub(super) fn connection(situation: &Situation<'_>, settings: &[(&str, &str)]) -> Vec<String> {
    let input = situation.client.input.as_str();
    let is_uri = input.starts_with("postgresql://") || input.starts_with("postgres://");
    let spec = situation.spec;
    let mut all = Vec::new();
    if !input.is_empty() && !is_uri && !input.contains('=') {
        let given = |name: &str| settings.iter().any(|(keyword, _)| *keyword == name);
        all.extend(
            [
                ("host", spec.host.as_deref().filter(|_| !given("host"))),
                ("hostaddr", spec.hostaddr.as_deref()),
                (
                    "port",
                    Some(spec.port.as_str()).filter(|port| !["", "5432"].contains(port)),
                ),
            ]
            .into_iter()
            .filter_map(|(keyword, value)| Some((keyword, value?))),
        );
    }
    all.extend(settings.iter().copied());
    // What was an option of pgprobe's has to be said in the string; `mozilla` is only an option.
    let options = situation.client.options.iter();
    all.extend(
        options
            .map(|(keyword, value)| (keyword.as_str(), value.as_str()))
            .filter(|(keyword, value)| {
                keyword.starts_with("ssl")
                    && *keyword != "sslpassword"
                    && *value != "mozilla"
                    && !settings.iter().any(|(given, _)| given == keyword)
            }),
    );
    let mut text = String::new();
    for (keyword, value) in all {
        let value = if is_uri {
            uri_value(value)
        } else {
            keyword_value(value)
        };
        let Some(value) = value else {
            return Vec::new();
        };
        if !text.is_empty() {
            text.push(if is_uri { '&' } else { ' ' });
        }
        text.extend([keyword, "=", &value]);
    }
    vec![text]
}

fn keyword_value(value: &str) -> Option<String> {
    if !is_plain(value) {
        return None;
    }
    let needs_quotes = value.is_empty() || value.contains([' ', '\'', '\\']);
    Some(if needs_quotes {
        format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
    } else {
        value.to_owned()
    })
}

fn uri_value(value: &str) -> Option<String> {
    if !is_plain(value) {
        return None;
    }
    Some(value.bytes().fold(String::new(), |mut text, byte| {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~/:".contains(c) {
            text.push(c);
        } else {
            text += &format!("%{byte:02X}");
        }
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted_and_what_moves_a_cursor_is_not_given() {
        for (word, quoted) in [
            ("/home/ann/root.crt", Some("/home/ann/root.crt")),
            ("", Some("''")),
            ("a b", Some("'a b'")),
            ("it's", Some(r"'it'\''s'")),
            ("$(reboot)", Some("'$(reboot)'")),
            ("~/x", Some("'~/x'")),
            ("Bücher", Some("'Bücher'")),
            ("a\nb", None),
            ("\u{202e}x", None),
            ("\x1b[31m", None),
        ] {
            assert_eq!(shell(word).as_deref(), quoted, "{word:?}");
        }
    }

    #[test]
    fn values_of_connection_strings_are_quoted_as_libpq_reads_them() {
        for (value, keyword, uri) in [
            ("/a/b.crt", "/a/b.crt", "/a/b.crt"),
            ("a b", "'a b'", "a%20b"),
            (r"it's\", r"'it\'s\\'", "it%27s%5C"),
            ("", "''", ""),
            ("ü&=", "ü&=", "%C3%BC%26%3D"),
        ] {
            assert_eq!(keyword_value(value).as_deref(), Some(keyword));
            assert_eq!(uri_value(value).as_deref(), Some(uri));
        }
        assert_eq!((keyword_value("a\0"), uri_value("a\n")), (None, None));
    }

    #[test]
    fn names_of_pg_hba_conf_lose_their_other_meaning() {
        for (name, quoted) in [
            ("ann", Some("\"ann\"")),
            ("all", Some("\"all\"")),
            ("a b", Some("\"a b\"")),
            ("a\"b", None),
            ("/.*", None),
            ("a/b", Some("\"a/b\"")),
            ("", None),
        ] {
            assert_eq!(hba(name).as_deref(), quoted);
        }
    }
}
