//! PEM as OpenSSL's `PEM_read_bio` reads it, which is not quite RFC 7468.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::emulates::OpenSsl;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// One block: label, the RFC 1421 header lines (mostly none), the decoded body.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Block {
    pub(super) label: Vec<u8>,
    pub(super) header: Vec<u8>,
    pub(super) body: Vec<u8>,
}

/// Why no further block could be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PemError {
    /// The end of the file (`PEM_R_NO_START_LINE`).
    NoStartLine,
    /// A block that is no good; OpenSSL's reason.
    Malformed(&'static str),
}

impl PemError {
    /// OpenSSL's reason string.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::NoStartLine => "no start line",
            Self::Malformed(reason) => reason,
        }
    }
}

/// The blocks of a file, one after the other.
pub(super) struct Blocks<'a> {
    rest: &'a [u8],
    at_start: bool,
    openssl: OpenSsl,
}

impl<'a> Blocks<'a> {
    pub(super) const fn new(file: &'a [u8], openssl: OpenSsl) -> Self {
        Self {
            rest: file,
            at_start: true,
            openssl,
        }
    }

    /// The next block, whatever its label.
    pub(super) fn next(&mut self) -> Result<Block, PemError> {
        let label = loop {
            let line = self.line().ok_or(PemError::NoStartLine)?;
            let line = match (std::mem::take(&mut self.at_start), self.openssl) {
                (true, OpenSsl::V3Level2 | OpenSsl::V3Level1) => {
                    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
                }
                _ => line,
            };
            if let Some(label) = line
                .strip_prefix(BEGIN)
                .and_then(|rest| rest.strip_suffix(DASHES))
            {
                break label;
            }
        };
        self.after_begin(label)
    }

    /// Everything up to the END line. Lines before the first empty one are a header if there is
    /// an empty one, or if one of them has a colon; otherwise they are the body.
    fn after_begin(&mut self, label: &[u8]) -> Result<Block, PemError> {
        let mut before: Vec<&[u8]> = Vec::new();
        let mut after: Option<Vec<&[u8]>> = None;
        let mut short_line = false;
        let end = loop {
            let Some(line) = self.line() else {
                return Err(PemError::Malformed(match self.openssl {
                    OpenSsl::V111 => "short header",
                    OpenSsl::V3Level1 | OpenSsl::V3Level2 => "bad end line",
                }));
            };
            if line.is_empty() {
                if after.is_some() {
                    return Err(PemError::Malformed("bad end line"));
                }
                after = Some(Vec::new());
                continue;
            }
            if let Some(end) = line.strip_prefix(END) {
                break end;
            }
            match &mut after {
                None => before.push(line),
                // Under a header the lines must be of 64 characters, but for the last.
                Some(lines) => {
                    if short_line || line.len() > 64 {
                        return Err(PemError::Malformed("bad end line"));
                    }
                    short_line = line.len() < 64;
                    lines.push(line);
                }
            }
        };
        if end.strip_suffix(DASHES) != Some(label) {
            return Err(PemError::Malformed("bad end line"));
        }
        let (header, body) = match after {
            Some(body) => (before, body),
            None if before.iter().any(|line| line.contains(&b':')) => (before, Vec::new()),
            None => (Vec::new(), before),
        };
        let mut base64 = body.concat();
        base64.retain(|octet| !octet.is_ascii_whitespace());
        let body = BASE64
            .decode(base64)
            .map_err(|_| PemError::Malformed("bad base64 decode"))?;
        if body.is_empty() {
            return Err(PemError::Malformed("PEM lib"));
        }
        let mut text = header.join(&b'\n');
        if !text.is_empty() {
            text.push(b'\n');
        }
        Ok(Block {
            label: label.to_vec(),
            header: text,
            body,
        })
    }

    /// The next line without what ends it (`sanitize_line`: all trailing octets up to the space).
    fn line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|&octet| octet == b'\n');
        let (line, rest) = match end {
            Some(end) => self.rest.split_at_checked(end.saturating_add(1))?,
            None => (self.rest, [].as_slice()),
        };
        self.rest = rest;
        let kept = line
            .iter()
            .rposition(|&octet| octet > b' ')
            .map_or(0, |last| last.saturating_add(1));
        line.get(..kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, openssl: OpenSsl) -> Result<(String, String, Vec<u8>), &'static str> {
        Blocks::new(text.as_bytes(), openssl)
            .next()
            .map(|block| {
                (
                    String::from_utf8(block.label).unwrap(),
                    String::from_utf8(block.header).unwrap(),
                    block.body,
                )
            })
            .map_err(PemError::reason)
    }

    #[test]
    fn blocks_are_found_as_openssl_finds_them() {
        let abc = Ok(("X".to_owned(), String::new(), b"abc".to_vec()));
        let ok = "-----BEGIN X-----\nYWJj\n-----END X-----\n";
        for text in [
            ok.to_owned(),
            ok.replace('\n', "\r\n"),
            ok.replace('\n', "  \n"),
            format!("text before\n{ok}"),
            ok.replace("YWJj", "YW\nJj"),
            ok.replace("YWJj", " YW Jj"),
            ok.replace("YWJj", "\nYWJj"),
            ok.trim_end().to_owned(),
        ] {
            assert_eq!(first(&text, OpenSsl::V3Level2), abc, "{text}");
            assert_eq!(first(&text, OpenSsl::V111), abc, "{text}");
        }
        let bom = format!("\u{feff}{ok}");
        assert_eq!(first(&bom, OpenSsl::V3Level2), abc);
        assert_eq!(first(&bom, OpenSsl::V111), Err("no start line"));
    }

    #[test]
    fn malformed_blocks_have_openssls_reasons() {
        for (text, reason) in [
            ("", "no start line"),
            ("garbage\n", "no start line"),
            (
                " -----BEGIN X-----\nYWJj\n-----END X-----\n",
                "no start line",
            ),
            (
                "-----BEGIN X-----x\nYWJj\n-----END X-----\n",
                "no start line",
            ),
            ("-----BEGIN X----\nYWJj\n-----END X-----\n", "no start line"),
            ("-----BEGIN X-----\nYWJj\n-----END Y-----\n", "bad end line"),
            (
                "-----BEGIN X-----\nYWJj\n-----END X-----x\n",
                "bad end line",
            ),
            ("-----BEGIN X-----\nYWJj\n", "bad end line"),
            (
                "-----BEGIN X-----\n!!!!\n-----END X-----\n",
                "bad base64 decode",
            ),
            (
                "-----BEGIN X-----\nYWJ\n-----END X-----\n",
                "bad base64 decode",
            ),
            (
                "-----BEGIN X-----\nYW=j\n-----END X-----\n",
                "bad base64 decode",
            ),
            ("-----BEGIN X-----\n-----END X-----\n", "PEM lib"),
            ("-----BEGIN X-----\nYWJj\n\n-----END X-----\n", "PEM lib"),
            (
                "-----BEGIN X-----\na: b\nYWJj\n-----END X-----\n",
                "PEM lib",
            ),
        ] {
            assert_eq!(first(text, OpenSsl::V3Level2), Err(reason), "{text}");
        }
        let unended = "-----BEGIN X-----\nYWJj\n";
        assert_eq!(first(unended, OpenSsl::V111), Err("short header"));
    }

    #[test]
    fn what_stands_before_an_empty_line_is_the_header() {
        let text = "-----BEGIN X-----\na: b\n\nYWJj\n-----END X-----\n";
        let block = first(text, OpenSsl::V3Level2).unwrap();
        assert_eq!(block.1, "a: b\n");
        assert_eq!(block.2, b"abc");
    }
}
