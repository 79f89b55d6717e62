//! Which bytes of a connection string are secret, also where it is no connection string.

use std::ops::Range;

use super::{Failure, HIDDEN, Keyword, Piece, c_string, read, uri};
use crate::emulates::Libpq;

/// `text` with the values of its secrets replaced by `***`.
///
/// Where the string does not parse, everything from a secret's value on goes, because nobody can
/// tell where the secret ends.
pub fn redact(text: &str) -> String {
    let text = c_string(text);
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for span in hidden_spans(text, Doubt::Hide) {
        shown.push_str(text.get(at..span.start).unwrap_or_default());
        shown.push_str(HIDDEN);
        at = span.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

/// What to do with text that may be a password, but that libpq reads as something harmless.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Doubt {
    Hide,
    Show,
}

/// The spans of `text` to hide, in order and apart.
pub(super) fn hidden_spans(text: &str, doubt: Doubt) -> Vec<Range<usize>> {
    // The newest libpq knows every keyword; what it refuses is suspect to us.
    let mut pieces = Vec::new();
    let failure = read(text, Libpq::V18, &mut pieces).err();
    let secrets: Vec<&Piece> = pieces
        .iter()
        .filter(|piece| {
            Keyword::find(&piece.keyword).is_none_or(|keyword| keyword.secret)
                || holds_secret(&piece.value)
        })
        .collect();
    let with_value = secrets.iter().filter(|piece| !piece.value.is_empty());
    let mut spans: Vec<_> = with_value.map(|piece| piece.span.clone()).collect();
    // Where a person may have written user:password@.
    let userinfo = match (uri::after_scheme(text), scheme(text)) {
        (Some(start), _) => Some(start),
        _ if failure.is_none() && text.contains('=') => None,
        (None, Some(scheme)) => Some(scheme),
        (None, None) => Some(0),
    };
    let password = userinfo
        .and_then(|start| uri::password_span(text, start, failure.is_some()))
        .map(|password| match doubt {
            Doubt::Hide => password.possible,
            Doubt::Show => password.certain,
        });
    if let Some(failure) = failure {
        // Only a URI has a place for it; elsewhere it is a guess beside what is known.
        let pairs = uri::after_scheme(text).is_none() && text.contains('=');
        let userinfo = password.as_ref().filter(|_| !pairs);
        let after_userinfo = userinfo.map_or(0, |span| span.end + 1);
        let mut starts = secrets.iter().map(|piece| piece.span.start);
        let first = starts.find(|&start| start >= after_userinfo);
        let start = failure.at().max(after_userinfo);
        let rest = text.get(start..).unwrap_or(text);
        let unknown = matches!(
            failure,
            Failure::InvalidOption { .. } | Failure::InvalidQueryParameter { .. }
        );
        if let Some(start) = first {
            spans.push(start..text.len());
        } else if (unknown && start == failure.at()) || looks_secret(rest) {
            spans.push(start.min(text.len())..text.len());
        }
    }
    spans.extend(password);
    spans.retain(|span| !span.is_empty());
    spans.sort_by_key(|span| span.start);
    let mut apart: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match apart.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    apart
}

/// The bytes of a URI's scheme, whichever it is.
fn scheme(text: &str) -> Option<usize> {
    let (scheme, _) = text.split_once("://")?;
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_scheme.then_some(scheme.len() + 3)
}

/// Whether the value of a harmless keyword carries a connection string with a password in it,
/// as people write `dbname=postgresql://user:password@host`.
pub(crate) fn holds_secret(value: &str) -> bool {
    let userinfo = value
        .split_once("://")
        .and_then(|(_, rest)| rest.rsplit_once('@'));
    userinfo.is_some_and(|(userinfo, _)| userinfo.contains(':'))
        || value.to_lowercase().contains("password=")
}

/// Whether text that was not understood may hold a secret, percent-encoded or not.
fn looks_secret(text: &str) -> bool {
    let text = uri::decode_leniently(text).to_lowercase();
    ["pass", "pwd", "secret", "scram", "@"]
        .iter()
        .any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conninfo::{parse, parse_service_file, parse_settings, redact_service_file};

    #[test]
    fn secrets_are_hidden_and_nothing_else() {
        for (text, shown) in [
            ("host=h user=u", "host=h user=u"),
            (
                "host=h password=secret user=u",
                "host=h password=*** user=u",
            ),
            ("password='a b' host=h", "password=*** host=h"),
            ("password = a\\ b host=h", "password = *** host=h"),
            ("password='' host=h", "password='' host=h"),
            (
                "sslpassword=a scram_client_key=b scram_server_key=c oauth_client_secret=d",
                "sslpassword=*** scram_client_key=*** scram_server_key=*** oauth_client_secret=***",
            ),
            ("password=a b host=h", "password=***"),
            ("password='a", "password=***"),
            ("host=h pasword=secret", "host=h pasword=***"),
            ("host=h foo password=secret", "host=h ***"),
            ("host=h foo port=1", "host=h foo port=1"),
            ("dbname=postgres://u:pw@h/d host=h", "dbname=*** host=h"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres://h:5432/d", "postgres://h:5432/d"),
            (
                "postgres://u:pw@h:5432/d?sslmode=require",
                "postgres://u:***@h:5432/d?sslmode=require",
            ),
            ("postgres://u:p%40w@h/d", "postgres://u:***@h/d"),
            ("postgres://:pw@h/d", "postgres://:***@h/d"),
            ("postgres://u:@h/d", "postgres://u:@h/d"),
            ("postgres://u:p@w@h/d", "postgres://u:***@h/d"),
            ("postgres://u:p/w@h/d", "postgres://u:***@h/d"),
            ("postgres://u:p?w@h/d", "postgres://u:***@h/d"),
            ("postgres://u:p/w?x=y@h/d", "postgres://u:***@h/d"),
            ("postgres://u:1/w@h/d", "postgres://u:***@h/d"),
            (
                "postgres://u:pw@h/d?options=a@b",
                "postgres://u:***@h/d?options=a@b",
            ),
            ("postgres://u:pw@h/d?foo=a@b", "postgres://u:***@b"),
            ("postgres://u:pw@h/d?foo=a", "postgres://u:***@h/d?foo=***"),
            (
                "postgres://h/d?password=pw&user=u",
                "postgres://h/d?password=***&user=u",
            ),
            (
                "postgres://h/d?%70assword=p%77&user=u",
                "postgres://h/d?%70assword=***&user=u",
            ),
            (
                "postgres://h/d?password=p&w&user=u",
                "postgres://h/d?password=***",
            ),
            ("postgres://h/d?password=p=w", "postgres://h/d?password=***"),
            (
                "postgres://h/d?password=p w&user=u",
                "postgres://h/d?password=***",
            ),
            (
                "postgres://h/d?password=%zz&user=u",
                "postgres://h/d?password=***",
            ),
            ("postgres://u:pw@[::1", "postgres://u:***@[::1"),
            ("postgres://[::1", "postgres://[::1"),
            ("POSTGRES://u:pw@h/d", "POSTGRES://u:***@h/d"),
            (
                "POSTGRES://u:pw@h/d?sslmode=require",
                "POSTGRES://u:***@h/d?sslmode=***",
            ),
            ("u:pw@h", "u:***@h"),
            ("h:5432", "h:5432"),
        ] {
            assert_eq!(redact(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_message_repeats_no_piece_of_a_secret() {
        for (text, message) in [
            (
                "password=my secret",
                "missing \"=\" after \"***\" in connection info string",
            ),
            ("password=a se=cret", "invalid connection option \"***\""),
            ("password='a' sslmod=x", "invalid connection option \"***\""),
            (
                "sslmod=x password='a'",
                "invalid connection option \"sslmod\"",
            ),
            (
                "postgres://u:%zz@h",
                "invalid percent-encoded token: \"***\"",
            ),
            (
                "postgres://h?password=a&secret",
                "missing key/value separator \"=\" in URI query parameter: \"***\"",
            ),
            (
                "postgres://h?password=a=secret",
                "extra key/value separator \"=\" in URI query parameter: \"password\"",
            ),
            (
                "postgres://u:p@h?foo=1",
                "invalid URI query parameter: \"foo\"",
            ),
            (
                "postgres://u:p/w?r=d@h",
                "invalid URI query parameter: \"***\"",
            ),
            (
                "postgres://u:p@[::1",
                "end of string reached when looking for matching \"]\" in IPv6 host address in URI: \"postgres://u:***@[::1\"",
            ),
            (
                "POSTGRES://u:p@h?user=x",
                "invalid connection option \"***\"",
            ),
        ] {
            assert_eq!(
                parse(text, Libpq::V18).unwrap_err().message,
                message,
                "{text:?}"
            );
        }
        // What an older libpq does not know is known to be no secret.
        let error = parse("password=a sslnegotiation=direct", Libpq::V16).unwrap_err();
        assert_eq!(
            error.message,
            "invalid connection option \"sslnegotiation\""
        );
    }

    #[test]
    fn a_password_that_spilled_into_the_port_is_marked() {
        let secret = |text: &str| -> Vec<String> {
            let settings = parse_settings(text, Libpq::V18).unwrap();
            settings
                .into_iter()
                .filter(|it| it.secret)
                .map(|it| it.keyword)
                .collect()
        };
        assert_eq!(secret("postgres://u:p/w@h/d"), ["host", "port", "dbname"]);
        // A database name may hold an @.
        assert!(secret("postgres://h:5432/me@corp").is_empty());
        assert_eq!(secret("postgres://u:p@h:5432/me@corp"), ["password"]);
    }

    /// A secret nothing else in the text can look like.
    const SECRET: &str = "[A-Z]{6,12}";

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_panics(text in "\\PC*|(postgres://)?[a-z=&?%'@:/,\\[\\]\\\\ \\x00-\\x7f]{0,40}") {
            for libpq in Libpq::ALL {
                let _ = parse(&text, libpq);
            }
            redact(&text);
            for service in ["", "a"] {
                let _ = parse_service_file(text.as_bytes(), "f", service, Libpq::V18);
                redact_service_file(text.as_bytes(), service);
            }
        }

        #[test]
        fn a_planted_password_never_shows(
            secret in SECRET,
            keyword in "password|sslpassword|scram_client_key|scram_server_key|oauth_client_secret",
            before in "(host=h |port=1 |user='a b' |x |y=z |' |= |é=\\\\ ){0,2}",
            inside in "([a-z]|\\\\.|'|=|%[0-9a-g]{1,2}|&| ){0,4}",
            after in "( host=h| port| '|=| x=y|\\\\){0,3}",
            quote in "'?",
        ) {
            for text in [
                format!("{before}{keyword}={quote}{secret}{inside}{secret}{quote}{after}"),
                format!("{before}{keyword} = {quote}{inside}{secret}{quote}{after}"),
            ] {
                // Inside another value, or as part of another keyword, it is none of libpq's
                // secrets.
                let mut pieces = Vec::new();
                let planted = read(&text, Libpq::V18, &mut pieces).is_err()
                    || pieces.iter().any(|piece| piece.keyword == keyword);
                prop_assume!(planted);
                assert_hidden(&text, &secret);
            }
        }

        #[test]
        fn a_planted_password_never_shows_in_a_uri(
            secret in SECRET,
            user in "[a-z]{0,3}",
            inside in "([a-z]|@|/|\\?|=|&|:|\\[|%[0-9a-g]{1,2}| ){0,5}",
            host in "(h|\\[::1\\]|\\[::1|a,b|)(:5432|:x|)",
            rest in "(/d|/d\\?user=a|/d\\?x|/d\\?a=b|\\?sslmode=%zz|/%|)",
        ) {
            assert_hidden(&format!("postgresql://{user}:{secret}{inside}{secret}@{host}{rest}"), &secret);
            assert_hidden(&format!("postgresql://{user}:{inside}{secret}@{host}{rest}"), &secret);
            assert_hidden(&format!("{user}:{secret}{inside}@{host}{rest}"), &secret);
        }

        #[test]
        fn a_planted_password_never_shows_in_a_query(
            secret in SECRET,
            before in "(user=a&|x&|y=z&|sslmode=%zz&|&){0,2}",
            keyword in "password|%70assword|sslp%61ssword|oauth_client_secret| password",
            inside in "([a-z]|@|/|\\?|=|&|:|%[0-9a-g]{1,2}| ){0,5}",
            after in "(&user=b|&x|=|&){0,2}",
        ) {
            assert_hidden(&format!("postgres://h/d?{before}{keyword}={secret}{inside}{secret}{after}"), &secret);
        }
    }

    fn assert_hidden(text: &str, secret: &str) {
        let shown = redact(text);
        assert!(!shown.contains(secret), "{text:?} is shown as {shown:?}");
        for libpq in Libpq::ALL {
            match parse_settings(text, libpq) {
                Err(error) => assert!(!error.message.contains(secret), "{text:?}: {error}"),
                Ok(settings) => {
                    for setting in settings.iter().filter(|setting| !setting.secret) {
                        let doubtful = ["host", "port", "dbname"].contains(&&*setting.keyword);
                        assert!(
                            doubtful || !setting.value.contains(secret),
                            "{text:?} {setting:?}"
                        );
                    }
                }
            }
        }
    }
}
