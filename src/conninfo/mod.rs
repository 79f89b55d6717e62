//! What a connection string says, read byte for byte as libpq reads it. Pure grammar.

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emulates::Libpq;

mod bare;
mod keyword;
mod keyword_value;
mod service_file;
mod uri;

pub use keyword::{
    HIDDEN, KEYWORDS, Keyword, SCRAM_KEY_LENGTH, hidden_value, scram_key_length_of_hidden,
};
pub use service_file::{ServiceFileError, parse_service_file, redact_service_file};

/// The settings of a connection string in its order; of a repeated keyword the last counts.
///
/// Mirrors `parse_connection_string` in fe-connect.c. Text that is neither a URI nor holds a `=`
/// is pgprobe's own: a host, `host:port`, `[v6]:port`, a list of these, or a socket folder.
///
/// The values are bare, secrets included: see [`redact`]. What is not UTF-8 once decoded (`%FF`)
/// is replaced by U+FFFD.
pub fn parse(text: &str, libpq: Libpq) -> Result<Vec<(String, String)>, ConninfoError> {
    let settings = parse_settings(text, libpq)?;
    Ok(settings
        .into_iter()
        .map(|setting| (setting.keyword, setting.value))
        .collect())
}

/// One setting of a connection string.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Setting {
    /// The keyword, one of [`KEYWORDS`].
    pub keyword: String,
    /// Its value, decoded.
    pub value: String,
    /// Whether (part of) the value is a secret: by its keyword, or because a password that was
    /// not percent-encoded spilled into it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

/// As [`parse`], with each setting's secrecy.
pub fn parse_settings(text: &str, libpq: Libpq) -> Result<Vec<Setting>, ConninfoError> {
    let text = c_string(text);
    let mut pieces = Vec::new();
    if let Err(failure) = read(text, libpq, &mut pieces) {
        return Err(ConninfoError::new(&failure, text));
    }
    let hidden = hidden_spans(text, Doubt::Show);
    let secret = |piece: &Piece| hidden.iter().any(|span| overlap(span, &piece.span));
    Ok(pieces
        .into_iter()
        .map(|piece| Setting {
            secret: secret(&piece),
            keyword: piece.keyword,
            value: piece.value,
        })
        .collect())
}

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

/// Whether libpq takes `text` for a connection string. Mirrors `recognized_connection_string`.
pub fn is_connection_string(text: &str) -> bool {
    uri::after_scheme(text).is_some() || text.contains('=')
}

/// Why a connection string was refused.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct ConninfoError {
    /// libpq's text, or ours where libpq knows no such target; no secret is quoted in it.
    pub message: String,
    /// Whether libpq says so; else the target is none that pgprobe understands.
    pub by_libpq: bool,
}

impl ConninfoError {
    fn new(failure: &Failure, text: &str) -> Self {
        let hidden = hidden_spans(text, Doubt::Hide);
        let shown = Shown {
            failure,
            text,
            hidden: &hidden,
        };
        Self {
            message: shown.to_string(),
            by_libpq: !matches!(failure, Failure::NotATarget { .. }),
        }
    }
}

/// A keyword with its value and the bytes of the text it came from.
#[derive(Debug)]
struct Piece {
    keyword: String,
    value: String,
    span: Range<usize>,
}

impl Piece {
    /// A setting whose value could not be read: only for [`hidden_spans`] to know its place.
    fn unread(keyword: &str, span: Range<usize>) -> Self {
        Self {
            keyword: keyword.to_owned(),
            value: HIDDEN.to_owned(),
            span,
        }
    }
}

/// Text of the connection string that libpq's message repeats, and where it stands.
#[derive(Debug)]
struct Quote {
    text: String,
    at: usize,
}

impl Quote {
    fn new(bytes: &[u8], at: usize) -> Self {
        Self {
            text: String::from_utf8_lossy(bytes).into_owned(),
            at,
        }
    }
}

/// Where reading stopped, one variant for each message of libpq.
#[derive(Debug)]
enum Failure {
    BracketEmpty { at: usize },
    BracketNotClosed { at: usize },
    ExtraSeparator(Quote),
    ForbiddenNul(Quote),
    InvalidOption { name: Quote, value_start: usize },
    InvalidPercent(Quote),
    InvalidQueryParameter { name: Quote, value_start: usize },
    MissingEquals(Quote),
    MissingSeparator(Quote),
    NotATarget { why: &'static str, quote: Quote },
    UnexpectedCharacter(Quote),
    UnexpectedSpaces(Quote),
    UnterminatedQuote { at: usize },
}

impl Failure {
    /// From where on the text was not understood.
    fn at(&self) -> usize {
        match self {
            Self::BracketEmpty { at }
            | Self::BracketNotClosed { at }
            | Self::UnterminatedQuote { at } => *at,
            Self::InvalidOption { value_start, .. }
            | Self::InvalidQueryParameter { value_start, .. } => *value_start,
            Self::ExtraSeparator(quote)
            | Self::ForbiddenNul(quote)
            | Self::InvalidPercent(quote)
            | Self::MissingEquals(quote)
            | Self::MissingSeparator(quote)
            | Self::NotATarget { quote, .. }
            | Self::UnexpectedCharacter(quote)
            | Self::UnexpectedSpaces(quote) => quote.at,
        }
    }
}

/// A failure in libpq's words, without the secrets of the text.
struct Shown<'a> {
    failure: &'a Failure,
    text: &'a str,
    hidden: &'a [Range<usize>],
}

impl Shown<'_> {
    fn quote<'q>(&self, quote: &'q Quote) -> &'q str {
        let span = quote.at..quote.at + quote.text.len().max(1);
        let known = Keyword::find(&quote.text).is_some();
        match !known && self.hidden.iter().any(|hidden| overlap(hidden, &span)) {
            true => HIDDEN,
            false => &quote.text,
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failure {
            Failure::BracketEmpty { .. } => write!(
                f,
                "IPv6 host address may not be empty in URI: \"{}\"",
                redact(self.text)
            ),
            Failure::BracketNotClosed { .. } => write!(
                f,
                "end of string reached when looking for matching \"]\" in IPv6 host address in \
                 URI: \"{}\"",
                redact(self.text)
            ),
            Failure::ExtraSeparator(name) => write!(
                f,
                "extra key/value separator \"=\" in URI query parameter: \"{}\"",
                self.quote(name)
            ),
            Failure::ForbiddenNul(quote) => write!(
                f,
                "forbidden value %00 in percent-encoded value: \"{}\"",
                self.quote(quote)
            ),
            Failure::InvalidOption { name, .. } => {
                write!(f, "invalid connection option \"{}\"", self.quote(name))
            }
            Failure::InvalidPercent(quote) => {
                write!(
                    f,
                    "invalid percent-encoded token: \"{}\"",
                    self.quote(quote)
                )
            }
            Failure::InvalidQueryParameter { name, .. } => {
                write!(f, "invalid URI query parameter: \"{}\"", self.quote(name))
            }
            Failure::MissingEquals(quote) => write!(
                f,
                "missing \"=\" after \"{}\" in connection info string",
                self.quote(quote)
            ),
            Failure::MissingSeparator(quote) => write!(
                f,
                "missing key/value separator \"=\" in URI query parameter: \"{}\"",
                self.quote(quote)
            ),
            Failure::NotATarget { why, quote } => {
                // The word is hidden by the same rules as the text it is.
                let word = redact(&quote.text);
                write!(f, "\"{word}\" is not a connection target: {why}")
            }
            Failure::UnexpectedCharacter(quote) => write!(
                f,
                "unexpected character \"{}\" at position {} in URI (expected \":\" or \"/\"): \
                 \"{}\"",
                self.quote(quote),
                quote.at + 1,
                redact(self.text)
            ),
            Failure::UnexpectedSpaces(quote) => write!(
                f,
                "unexpected spaces found in \"{}\", use percent-encoded spaces (%20) instead",
                self.quote(quote)
            ),
            Failure::UnterminatedQuote { .. } => {
                f.write_str("unterminated quoted string in connection info string")
            }
        }
    }
}

/// Reads `text` into `pieces` up to the first thing that `libpq` refuses.
fn read(text: &str, libpq: Libpq, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
    if let Some(start) = uri::after_scheme(text) {
        uri::read(text, start, libpq, pieces)
    } else if text.contains('=') {
        keyword_value::read(text, libpq, pieces)
    } else {
        bare::read(text, pieces)
    }
}

/// Keeps one setting; an unknown keyword comes back as the error.
///
/// Mirrors `conninfo_storeval`, which turns the old `requiressl` into sslmode.
fn store(
    keyword: String,
    value: Vec<u8>,
    span: Range<usize>,
    libpq: Libpq,
    pieces: &mut Vec<Piece>,
) -> Result<(), String> {
    if keyword == "requiressl" {
        let mode = if value.first() == Some(&b'1') {
            "require"
        } else {
            "prefer"
        };
        pieces.push(Piece {
            keyword: "sslmode".to_owned(),
            value: mode.to_owned(),
            span,
        });
        return Ok(());
    }
    if Keyword::known(&keyword, libpq).is_none() {
        return Err(keyword);
    }
    let value = String::from_utf8_lossy(&value).into_owned();
    pieces.push(Piece {
        keyword,
        value,
        span,
    });
    Ok(())
}

/// What to do with text that may be a password, but that libpq reads as something harmless.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Doubt {
    Hide,
    Show,
}

/// The spans of `text` to hide, in order and apart.
fn hidden_spans(text: &str, doubt: Doubt) -> Vec<Range<usize>> {
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

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// The bytes in `span`: none if it lies outside.
fn slice(bytes: &[u8], span: Range<usize>) -> &[u8] {
    bytes.get(span).unwrap_or_default()
}

/// The text as a C program gets it: nothing comes after a NUL.
fn c_string(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

/// `isspace` in the C locale.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> String {
        match parse(text, Libpq::V18) {
            Ok(settings) => settings
                .iter()
                .map(|(keyword, value)| format!("{keyword}={value}"))
                .collect::<Vec<_>>()
                .join("|"),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn a_bare_word_names_hosts() {
        for (text, settings) in [
            ("", ""),
            ("  ", ""),
            ("db.test", "host=db.test"),
            (" db.test\n", "host=db.test"),
            ("db.test:5433", "host=db.test|port=5433"),
            ("db.test:", "host=db.test"),
            ("db.test:abc", "host=db.test|port=abc"),
            ("127.0.0.1:1", "host=127.0.0.1|port=1"),
            ("[::1]:5433", "host=::1|port=5433"),
            ("[::1]", "host=::1"),
            ("::1", "host=::1"),
            ("fe80::1%eth0", "host=fe80::1%eth0"),
            ("a,b:5433,[::1]:7,::2", "host=a,b,::1,::2|port=,5433,7,"),
            ("/run/postgresql", "host=/run/postgresql"),
            ("@abstract", "host=@abstract"),
            (
                "a b",
                "error: \"a b\" is not a connection target: it holds a space; a connection \
                 string is written keyword=value",
            ),
            (
                "h/db",
                "error: \"h/db\" is not a connection target: write it as a URI, \
                 postgresql://user@host:port/dbname",
            ),
            (
                "u:pw@h/db",
                "error: \"u:***@h/db\" is not a connection target: write it as a URI, \
                 postgresql://user@host:port/dbname",
            ),
            (
                "POSTGRES://u:pw@h",
                "error: \"POSTGRES://u:***@h\" is not a connection target: the scheme of a \
                 connection URI is postgresql:// or postgres://",
            ),
            (
                "1::2::3",
                "error: \"1::2::3\" is not a connection target: an IPv6 address with a port is \
                 written [address]:port",
            ),
            (
                "[::1",
                "error: \"[::1\" is not a connection target: an IPv6 address with a port is written [address]:port",
            ),
            (
                "[]:5",
                "error: \"[]:5\" is not a connection target: an IPv6 address with a port is written [address]:port",
            ),
        ] {
            assert_eq!(pairs(text), settings, "{text:?}");
        }
        assert!(!parse("h/db", Libpq::V15).unwrap_err().by_libpq);
        assert!(parse("=", Libpq::V15).unwrap_err().by_libpq);
    }

    #[test]
    fn the_two_notations_are_libpqs() {
        for (text, settings) in [
            (
                "host = a  user='it\\'s' dbname=x\\ y",
                "host=a|user=it's|dbname=x y",
            ),
            (
                "host=a port",
                "error: missing \"=\" after \"port\" in connection info string",
            ),
            (
                "host='a",
                "error: unterminated quoted string in connection info string",
            ),
            ("hots=a", "error: invalid connection option \"hots\""),
            ("requiressl=1", "sslmode=require"),
            ("postgresql://", ""),
            (
                "postgres://u:p%40@h:5/d?sslmode=require",
                "user=u|password=p@|host=h|port=5|dbname=d|sslmode=require",
            ),
            ("postgres://h?ssl=true", "host=h|sslmode=require"),
            (
                "postgres://h?ssl=1",
                "error: invalid URI query parameter: \"ssl\"",
            ),
            (
                "postgres://h?sslmode=%7",
                "error: invalid percent-encoded token: \"%7\"",
            ),
            (
                "postgres://[::1",
                "error: end of string reached when looking for matching \"]\" in IPv6 host address in URI: \"postgres://[::1\"",
            ),
            (
                "postgres://[::1]x",
                "error: unexpected character \"x\" at position 17 in URI (expected \":\" or \"/\"): \"postgres://[::1]x\"",
            ),
            (
                "postgres://h?sslmode=a b",
                "error: unexpected spaces found in \"a b\", use percent-encoded spaces (%20) instead",
            ),
        ] {
            assert_eq!(pairs(text), settings, "{text:?}");
        }
        // What follows a NUL does not exist for C.
        assert_eq!(pairs("host=a\0password=b"), "host=a");
    }

    #[test]
    fn a_keyword_is_as_old_as_the_libpq_that_brought_it() {
        for (text, since) in [
            ("sslcertmode=allow", Libpq::V16),
            ("sslnegotiation=direct", Libpq::V17),
            ("sslkeylogfile=x", Libpq::V18),
        ] {
            for libpq in Libpq::ALL {
                assert_eq!(
                    parse(text, libpq).is_ok(),
                    libpq >= since,
                    "{text} {libpq:?}"
                );
            }
        }
        assert!(parse("postgres://h?user=a ", Libpq::V18).unwrap()[1].1 == "a");
        assert!(parse("postgres://h?user=a ", Libpq::V17).unwrap()[1].1 == "a ");
    }

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
