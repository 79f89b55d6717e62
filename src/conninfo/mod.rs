//! What a connection string says, read byte for byte as libpq reads it. Pure grammar.

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emulates::Libpq;

mod bare;
mod keyword;
mod keyword_value;
mod redaction;
mod service_file;
mod uri;

pub use keyword::{
    HIDDEN, KEYWORDS, Keyword, SCRAM_KEY_LENGTH, hidden_value, scram_key_length_of_hidden,
};
pub(crate) use redaction::holds_secret;
pub use redaction::redact;
use redaction::{Doubt, hidden_spans};
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
}
