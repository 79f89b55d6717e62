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
    let mut spans: Vec<_> = pieces
        .iter()
        .filter(|piece| !piece.value.is_empty())
        .filter(|piece| {
            Keyword::find(&piece.keyword).is_none_or(|keyword| keyword.secret)
                || holds_secret(&piece.value)
        })
        .map(|piece| piece.span.clone())
        .collect();
    // Where a person may have written user:password@.
    let userinfo = match (uri::after_scheme(text), text.find("://")) {
        (Some(start), _) => Some(start),
        _ if text.contains('=') => None,
        (None, Some(scheme)) => Some(scheme + 3),
        (None, None) => Some(0),
    };
    let password = userinfo
        .and_then(|start| uri::password_span(text, start, failure.is_some()))
        .filter(|password| !password.doubtful || doubt == Doubt::Hide)
        .map(|password| password.span);
    if let Some(failure) = failure {
        let after_userinfo = password.as_ref().map_or(0, |span| span.end);
        let first = spans
            .iter()
            .map(|span| span.start)
            .find(|&start| start >= after_userinfo);
        let rest = text.get(failure.at()..).unwrap_or(text);
        let unknown = matches!(
            failure,
            Failure::InvalidOption { .. } | Failure::InvalidQueryParameter { .. }
        );
        if let Some(start) = first {
            spans.push(start..text.len());
        } else if unknown || looks_secret(rest) {
            spans.push(failure.at().max(after_userinfo).min(text.len())..text.len());
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

/// Whether the value of a harmless keyword carries a connection string with a password in it,
/// as people write `dbname=postgresql://user:password@host`.
pub(crate) fn holds_secret(value: &str) -> bool {
    let value = value.to_lowercase();
    (value.contains("://") && value.contains('@')) || value.contains("password=")
}

/// Whether text that was not understood may hold a secret.
fn looks_secret(text: &str) -> bool {
    let text = text.to_lowercase();
    ["pass", "pwd", "secret", "scram", "@", "%"]
        .iter()
        .any(|sign| text.contains(sign))
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// The text as a C program gets it: nothing comes after a NUL.
fn c_string(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

/// `isspace` in the C locale.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}
