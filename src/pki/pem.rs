//! PEM files as OpenSSL reads a set of certificates and CRLs (`PEM_X509_INFO_read_bio`).

use thiserror::Error;

use std::io::{self, BufRead, Read as _};

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::certificate::Certificate;
use super::crl::Crl;
use super::der::{
    CONTEXT, DerError, DerResult, INTEGER, OCTET_STRING, Reader, SEQUENCE, UNIVERSAL, UTF8_STRING,
};
use super::oid::Oid;
use super::subject_key::SubjectKey;

/// OpenSSL reads lines in pieces of this size (`LINESIZE` less the NUL).
const PIECE: usize = 254;

/// Why OpenSSL refuses the whole file. The text is the reason that libpq shows in
/// `could not read root certificate file "%s": %s`.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PemError {
    /// There is no certificate and no CRL in it: empty, only text, only a key, or DER.
    #[error("no certificate or crl found")]
    NothingFound,
    /// A block is cut short or its end line is another's.
    #[error("bad end line")]
    BadEndLine,
    /// What is between the lines is not base64.
    #[error("bad base64 decode")]
    BadBase64,
    /// Header lines that are not those of an encrypted block.
    #[error("not proc type")]
    NotProcType,
    /// An encrypted block, which OpenSSL tries to decrypt with an empty password.
    #[error("bad decrypt")]
    Encrypted,
    /// A private key that is none.
    #[error("unsupported")]
    BadPrivateKey,
    /// A block without contents, for which OpenSSL gives no reason of its own.
    #[error("PEM lib")]
    NoReason,
    /// The contents of a block do not decode.
    #[error("{0}")]
    Undecodable(DerError),
}

/// The uses a `TRUSTED CERTIFICATE` is trusted or rejected for (`X509_CERT_AUX`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustSettings {
    /// Trusted for these, and then for no other; `None`: no list.
    pub trusted: Option<Vec<Oid>>,
    /// Rejected for these.
    pub rejected: Option<Vec<Oid>>,
}

/// One object of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PemItem {
    /// A certificate, with trust settings if its label said so.
    Certificate(Box<Certificate>, Option<TrustSettings>),
    /// A revocation list.
    Crl(Box<Crl>),
}

/// Reads all certificates and CRLs of a file; any bad block spoils it whole.
pub fn read(bytes: &[u8]) -> Result<Vec<PemItem>, PemError> {
    let mut lines = Lines {
        rest: bytes,
        first: true,
    };
    let mut items = Vec::new();
    while let Some(label) = lines.next_label() {
        let block = read_block(&mut lines, &label)?;
        if let Some(item) = block.item(&label)? {
            items.push(item);
        }
    }
    Ok(items)
}

/// The certificates of a file in order.
pub fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, PemError> {
    Ok(read(bytes)?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate, _) => Some(*certificate),
            PemItem::Crl(_) => None,
        })
        .collect())
}

struct Lines<'a> {
    rest: &'a [u8],
    first: bool,
}

impl<'a> Lines<'a> {
    /// The next piece as `BIO_gets` gives it; nothing at the end or at a line that begins with NUL.
    fn next_piece(&mut self) -> Option<&'a [u8]> {
        let limit = self.rest.len().min(PIECE);
        let window = &self.rest[..limit];
        let length = window
            .iter()
            .position(|octet| *octet == b'\n')
            .map_or(limit, |end| end + 1);
        let (piece, rest) = self.rest.split_at(length);
        self.rest = rest;
        let text = piece
            .iter()
            .position(|octet| *octet == 0)
            .map_or(piece, |end| &piece[..end]);
        (!text.is_empty()).then_some(text)
    }

    /// Skips to the next line `-----BEGIN label-----`.
    fn next_label(&mut self) -> Option<Vec<u8>> {
        loop {
            let mut piece = self.next_piece()?;
            if std::mem::take(&mut self.first) {
                piece = piece.strip_prefix(BYTE_ORDER_MARK).unwrap_or(piece);
            }
            let label = trimmed(piece)
                .strip_prefix(b"-----BEGIN ")
                .and_then(|rest| rest.strip_suffix(b"-----"));
            if let Some(label) = label {
                return Some(label.to_vec());
            }
        }
    }
}

/// What some editors put before UTF-8; OpenSSL 3 passes over it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How many base64 characters of a certificate `select` looks at: a multiple of four that nearly
/// always holds the subject; a certificate where it does not is kept.
const SUBJECT_WITHIN: usize = 640;

/// A longer block than this holds no certificate that anybody would put into a bundle.
const LONGEST_BLOCK: usize = 1024 * 1024;

/// The certificates of a bundle, as PEM, that `wanted` says may be of use, by the keys of their
/// subjects: a quick look for where nothing but these can change an answer.
///
/// # Errors
/// When the bundle cannot be read on.
pub fn select(
    mut bundle: impl BufRead,
    wanted: &dyn Fn(SubjectKey) -> bool,
) -> io::Result<Vec<u8>> {
    let (mut selected, mut block, mut line) = (Vec::new(), Vec::new(), Vec::new());
    let mut base64 = Vec::with_capacity(SUBJECT_WITHIN);
    let mut der = [0; SUBJECT_WITHIN];
    let (mut inside, mut first) = (false, true);
    loop {
        line.clear();
        let room = u64::try_from(LONGEST_BLOCK).unwrap_or(u64::MAX);
        if bundle.by_ref().take(room).read_until(b'\n', &mut line)? == 0 {
            return Ok(selected);
        }
        // As in `read`, a byte order mark is no part of the text.
        if std::mem::take(&mut first) && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        if line.starts_with(b"-----BEGIN ") {
            block.clear();
            base64.clear();
            inside = true;
        }
        if !inside {
            continue;
        }
        block.extend_from_slice(&line);
        if line.starts_with(b"-----END ") {
            // What is not plain base64 has no key, so it is kept for those who read all of it.
            let length = BASE64_STANDARD
                .decode_slice(&base64, &mut der)
                .unwrap_or_default();
            if wanted(SubjectKey::of_certificate(
                der.get(..length).unwrap_or_default(),
            )) {
                selected.extend_from_slice(&block);
            }
            inside = false;
        } else if block.len() > LONGEST_BLOCK {
            inside = false;
        } else if !line.starts_with(b"-") && base64.len() < SUBJECT_WITHIN {
            let text = line.trim_ascii();
            let room = SUBJECT_WITHIN - base64.len();
            base64.extend_from_slice(text.get(..room).unwrap_or(text));
        }
    }
}

/// Without white space, control characters and (as `char` is signed) bytes above 0x7f at the end.
fn trimmed(piece: &[u8]) -> &[u8] {
    let end = piece
        .iter()
        .rposition(|octet| (b'!'..=0x7f).contains(octet))
        .map_or(0, |last| last + 1);
    &piece[..end]
}

struct Block {
    header: Vec<u8>,
    contents: Vec<u8>,
}

#[derive(Eq, PartialEq)]
enum Header {
    Maybe,
    Inside,
    Over,
}

/// Mirrors `get_header_and_data` and the decoding in `PEM_read_bio_ex`.
fn read_block(lines: &mut Lines<'_>, label: &[u8]) -> Result<Block, PemError> {
    let mut state = Header::Maybe;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut partial = false;
    let mut short_line = false;
    loop {
        let piece = lines.next_piece().ok_or(PemError::BadEndLine)?;
        let was_partial = std::mem::replace(
            &mut partial,
            piece.len() == PIECE && !piece.ends_with(b"\n"),
        );
        if state == Header::Maybe && piece.contains(&b':') {
            state = Header::Inside;
        }
        let line = trimmed(piece);
        if line.is_empty() {
            if !was_partial {
                if state == Header::Over {
                    return Err(PemError::BadEndLine);
                }
                state = Header::Over;
            }
            continue;
        }
        if let Some(end) = line.strip_prefix(b"-----END ") {
            if end.strip_prefix(label) != Some(b"-----") {
                return Err(PemError::BadEndLine);
            }
            break;
        }
        if short_line {
            return Err(PemError::BadEndLine);
        }
        let target = if state == Header::Over {
            &mut after
        } else {
            &mut before
        };
        target.extend_from_slice(line);
        target.push(b'\n');
        if state == Header::Over {
            if line.len() > 64 {
                return Err(PemError::NoReason);
            }
            short_line = line.len() < 64;
        }
    }
    let (header, data) = if state == Header::Maybe {
        (Vec::new(), before)
    } else {
        (before, after)
    };
    if data.is_empty() {
        return Err(PemError::NoReason);
    }
    Ok(Block {
        header,
        contents: decode_base64(&data).ok_or(PemError::BadBase64)?,
    })
}

/// Mirrors `EVP_DecodeUpdate` and `EVP_DecodeFinal`.
fn decode_base64(data: &[u8]) -> Option<Vec<u8>> {
    let octets = data.iter().copied();
    let joined: Vec<u8> = octets.filter(|octet| *octet != b'\n').collect();
    // Lines of canonical base64 and nothing else are the rule, and a bundle has thousands of them.
    let canonical = BASE64_STANDARD.decode(joined).ok();
    canonical.or_else(|| decode_any_base64(data))
}

/// The same for what is not canonical, too: white space is skipped, a hyphen ends it, and bits that
/// are over at the end may be set.
fn decode_any_base64(data: &[u8]) -> Option<Vec<u8>> {
    let mut contents = Vec::with_capacity(data.len() / 4 * 3);
    let (mut group, mut count, mut padding) = (0_u32, 0, 0);
    for octet in data {
        let value = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                0
            }
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b'-' => break,
            _ => return None,
        };
        if padding > 2 || (padding > 0 && *octet != b'=') {
            return None;
        }
        group = group << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            let [_, octets @ ..] = group.to_be_bytes();
            contents.extend_from_slice(&octets[..3 - padding]);
            (group, count) = (0, 0);
        }
    }
    (count == 0).then_some(contents)
}

impl Block {
    fn item(&self, label: &[u8]) -> Result<Option<PemItem>, PemError> {
        match label {
            b"CERTIFICATE" | b"X509 CERTIFICATE" => {
                let (certificate, _) = self.certificate()?;
                Ok(Some(PemItem::Certificate(certificate, None)))
            }
            b"TRUSTED CERTIFICATE" => {
                let (certificate, rest) = self.certificate()?;
                let settings = if rest.is_empty() {
                    None
                } else {
                    Some(trust_settings(rest).map_err(PemError::Undecodable)?)
                };
                Ok(Some(PemItem::Certificate(certificate, settings)))
            }
            b"X509 CRL" => {
                self.check_header()?;
                let crl = Crl::parse(&self.contents).map_err(PemError::Undecodable)?;
                Ok(Some(PemItem::Crl(Box::new(crl))))
            }
            _ if contains(label, b"PRIVATE KEY") => {
                self.check_private_key(label)?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn certificate(&self) -> Result<(Box<Certificate>, &[u8]), PemError> {
        self.check_header()?;
        let (certificate, rest) = Certificate::parse_prefix(&self.contents);
        match &certificate.unparsed {
            None => Ok((Box::new(certificate), rest)),
            Some(_) => Err(PemError::Undecodable(
                certificate
                    .decoding_error
                    .unwrap_or(DerError("nested asn1 error")),
            )),
        }
    }

    /// Mirrors `PEM_get_EVP_CIPHER_INFO`, as far as anything but a key can have a header.
    fn check_header(&self) -> Result<(), PemError> {
        match self.header.as_slice() {
            [] => Ok(()),
            header if header.starts_with(b"Proc-Type:") => Err(PemError::Encrypted),
            _ => Err(PemError::NotProcType),
        }
    }

    /// A key is decoded only to be ignored, but one that does not decode spoils the file. Whether
    /// it is a good key is not looked at.
    fn check_private_key(&self, label: &[u8]) -> Result<(), PemError> {
        if self.header.len() > 10 {
            return if self.header.starts_with(b"Proc-Type:") {
                Ok(())
            } else {
                Err(PemError::NotProcType)
            };
        }
        if label == b"ENCRYPTED PRIVATE KEY" {
            return Ok(());
        }
        if looks_like_private_key(label, &self.contents) == Ok(true) {
            Ok(())
        } else {
            Err(PemError::BadPrivateKey)
        }
    }
}

/// Whether the outer structure is that of a key of this label (PKCS #8, PKCS #1, SEC 1, DSA).
fn looks_like_private_key(label: &[u8], contents: &[u8]) -> DerResult<bool> {
    let mut inside = Reader::new(contents).sequence()?;
    inside.integer()?;
    if contains(label, b"EC PRIVATE KEY") {
        return inside.next_is(UNIVERSAL, OCTET_STRING);
    }
    if !contains(label, b"RSA") && !contains(label, b"DSA") {
        inside.sequence()?;
        return inside.next_is(UNIVERSAL, OCTET_STRING);
    }
    let more = if contains(label, b"RSA") { 8 } else { 5 };
    for _ in 0..more {
        inside.expect(UNIVERSAL, INTEGER)?;
    }
    Ok(true)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

fn trust_settings(aux: &[u8]) -> DerResult<TrustSettings> {
    let mut inside = Reader::new(aux).sequence()?;
    let oids = |mut list: Reader<'_>| -> DerResult<Vec<Oid>> {
        let mut oids = Vec::new();
        while !list.is_empty() {
            oids.push(Oid::from_content(list.object_identifier()?));
        }
        Ok(oids)
    };
    let trusted = inside
        .optional(UNIVERSAL, SEQUENCE)?
        .map(|element| oids(element.elements()))
        .transpose()?;
    let rejected = inside
        .optional(CONTEXT, 0)?
        .map(|element| oids(element.elements()))
        .transpose()?;
    for tag in [UTF8_STRING, OCTET_STRING] {
        if let Some(element) = inside.optional(UNIVERSAL, tag)? {
            element.string()?;
        }
    }
    inside.optional(CONTEXT, 1)?;
    inside.finish()?;
    Ok(TrustSettings { trusted, rejected })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    #[test]
    fn a_selection_holds_all_that_is_wanted_and_little_else() {
        let made = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let mut parameters = CertificateParams::new(vec![]).unwrap();
            parameters
                .distinguished_name
                .push(rcgen::DnType::CommonName, name);
            let certificate = parameters.self_signed(&key).unwrap();
            (certificate.pem(), certificate.der().to_vec())
        };
        let all: Vec<_> = ["First CA", "Second CA", "Third CA"].map(made).into();
        let bundle: String = all.iter().map(|(pem, _)| format!("text\n{pem}")).collect();
        let second = SubjectKey::of_certificate(&all[1].1);
        let chosen = select(bundle.as_bytes(), &|subject| subject.may_be(second)).unwrap();
        let found = certificates(&chosen).unwrap();
        assert_eq!(
            found.iter().map(|one| &one.der).collect::<Vec<_>>(),
            [&all[1].1]
        );
        let odd = bundle.replace("MII", "*II");
        assert_eq!(select(odd.as_bytes(), &|_| false).unwrap(), b"");
        let kept = select(odd.as_bytes(), &|subject| subject.may_be(second)).unwrap();
        assert_eq!(kept.windows(5).filter(|text| text == b"BEGIN").count(), 3);
    }

    fn pem() -> String {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec!["db.example.test".to_owned()]).unwrap();
        parameters
            .self_signed(&key)
            .unwrap()
            .pem()
            .replace("\r\n", "\n")
    }

    fn error(text: &str) -> PemError {
        read(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn text_around_the_blocks_does_not_matter() {
        let pem = pem();
        for text in [
            pem.clone(),
            pem.replace('\n', "\r\n"),
            format!("words\n\n{pem}more words"),
            format!("\u{feff}{pem}"),
            pem.trim_end().to_owned(),
            pem.replace("-----\n", "----- \t\n"),
            pem.replace("CERTIFICATE", "X509 CERTIFICATE"),
            pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
            format!("-----BEGIN PARAMETERS-----\nAAAA\n-----END PARAMETERS-----\n{pem}"),
            pem.replacen("-----\n", "-----\n\n", 1),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap().len(), 1, "{text}");
        }
        assert_eq!(read(format!("{pem}{pem}").as_bytes()).unwrap().len(), 2);
        assert_eq!(read(b"").unwrap(), []);
        // A line has to begin with the dashes.
        assert_eq!(read(format!(" {pem}").as_bytes()).unwrap(), []);
    }

    #[test]
    fn one_bad_block_spoils_the_file() {
        let pem = pem();
        let middle = pem.len() / 2;
        for (text, expected) in [
            (pem[..middle].to_owned(), PemError::BadEndLine),
            (
                pem.replace("-----END CERTIFICATE", "-----END X509 CRL"),
                PemError::BadEndLine,
            ),
            (
                pem.replace("-----END CERTIFICATE-----", "-----END CERTIFICATE-----x"),
                PemError::BadEndLine,
            ),
            (
                format!("{pem}-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n"),
                PemError::BadBase64,
            ),
            (
                format!("{pem}-----BEGIN X-----\nA\n-----END X-----\n"),
                PemError::BadBase64,
            ),
            (
                pem.replacen("-----\n", "-----\nA: b\n\n", 1),
                PemError::NotProcType,
            ),
            (
                pem.replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n", 1),
                PemError::Encrypted,
            ),
            (
                "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".to_owned(),
                PemError::NoReason,
            ),
            (
                format!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n{pem}"),
                PemError::BadPrivateKey,
            ),
        ] {
            assert_eq!(error(&text), expected, "{text}");
        }
        let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(error(text), PemError::Undecodable(_)));
    }

    #[test]
    fn base64_need_not_be_canonical() {
        for (text, contents) in [
            ("QUJD", Some("ABC")),
            ("QU\nJD\n", Some("ABC")),
            ("Q U\tJ\rD", Some("ABC")),
            ("QUJD-QUJD", Some("ABC")),
            ("QUI=", Some("AB")),
            ("QUJ=", Some("AB")),
            ("QQ==", Some("A")),
            ("QR==", Some("A")),
            ("QQ=\n=", Some("A")),
            ("+/+/", Some("\u{fb}\u{ff}\u{bf}")),
            ("QQ", None),
            ("QQ=", None),
            ("QQ==QUJD", None),
            ("Q===", None),
            ("QUJD*", None),
        ] {
            let contents = contents.map(|text| text.chars().map(|c| c as u8).collect::<Vec<u8>>());
            assert_eq!(decode_base64(text.as_bytes()), contents, "{text}");
            assert_eq!(decode_any_base64(text.as_bytes()), contents, "{text}");
        }
    }

    #[test]
    fn private_keys_are_passed_over() {
        let key = KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(read(format!("{key}{}", pem()).as_bytes()).unwrap().len(), 1);
        assert_eq!(read(key.as_bytes()).unwrap(), []);
    }

    #[test]
    fn trust_settings_are_read() {
        let certificate = &certificates(pem().as_bytes()).unwrap()[0];
        let server_auth = super::super::der::encode(0x06, super::super::oid::SERVER_AUTH);
        let aux = [
            super::super::der::encode(0x30, &server_auth),
            super::super::der::encode(0xa0, &server_auth),
        ]
        .concat();
        let der = [
            certificate.der.clone(),
            super::super::der::encode(0x30, &aux),
        ]
        .concat();
        let text = format!(
            "-----BEGIN TRUSTED CERTIFICATE-----\n{}\n-----END TRUSTED CERTIFICATE-----\n",
            base64::engine::general_purpose::STANDARD.encode(der)
        );
        let items = read(text.as_bytes()).unwrap();
        let [PemItem::Certificate(_, Some(settings))] = items.as_slice() else {
            panic!("{items:?}");
        };
        let oids = Some(vec![Oid::from_content(super::super::oid::SERVER_AUTH)]);
        assert_eq!(settings.trusted, oids);
        assert_eq!(settings.rejected, oids);
    }

    proptest! {
        #[test]
        fn both_ways_to_decode_base64_give_the_same(text in "[A-Ca-c0-9+/=\n -]{0,24}") {
            prop_assert_eq!(decode_base64(text.as_bytes()), decode_any_base64(text.as_bytes()));
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in any::<Vec<u8>>()) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_change_of_a_file_makes_reading_panic(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut bytes = pem().into_bytes();
            for (place, value) in changes {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            let _ = read(&bytes);
        }
    }
}
