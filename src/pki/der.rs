//! A reader of BER/DER elements with OpenSSL's leniency: long-form lengths with leading zeros,
//! indefinite lengths and constructed strings pass; what `ASN1_item_d2i` refuses is an error.

use std::borrow::Cow;

use thiserror::Error;

/// The universal class (X.690 8.1.2.2).
pub const UNIVERSAL: u8 = 0x00;
/// The context-specific class.
pub const CONTEXT: u8 = 0x80;

/// BOOLEAN.
pub const BOOLEAN: u32 = 1;
/// INTEGER.
pub const INTEGER: u32 = 2;
/// BIT STRING.
pub const BIT_STRING: u32 = 3;
/// OCTET STRING.
pub const OCTET_STRING: u32 = 4;
/// NULL.
pub const NULL: u32 = 5;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u32 = 6;
/// ENUMERATED.
pub const ENUMERATED: u32 = 10;
/// UTF8String.
pub const UTF8_STRING: u32 = 12;
/// SEQUENCE and SEQUENCE OF.
pub const SEQUENCE: u32 = 16;
/// SET and SET OF.
pub const SET: u32 = 17;
/// NumericString.
pub const NUMERIC_STRING: u32 = 18;
/// PrintableString.
pub const PRINTABLE_STRING: u32 = 19;
/// TeletexString, which OpenSSL reads as Latin-1.
pub const T61_STRING: u32 = 20;
/// IA5String.
pub const IA5_STRING: u32 = 22;
/// UTCTime.
pub const UTC_TIME: u32 = 23;
/// GeneralizedTime.
pub const GENERALIZED_TIME: u32 = 24;
/// VisibleString (ISO646String).
pub const VISIBLE_STRING: u32 = 26;
/// UniversalString.
pub const UNIVERSAL_STRING: u32 = 28;
/// BMPString.
pub const BMP_STRING: u32 = 30;

/// How deep OpenSSL lets constructed strings nest (`ASN1_MAX_STRING_NEST`).
const MAX_STRING_NEST: usize = 5;

/// Why OpenSSL's decoder would refuse the bytes, in the words of its reason strings.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub struct DerError(pub &'static str);

/// The result of decoding.
pub type DerResult<T> = Result<T, DerError>;

const TOO_SMALL: DerError = DerError("too small");
const TOO_LONG: DerError = DerError("too long");
const BAD_HEADER: DerError = DerError("header too long");
const FIELD_MISSING: DerError = DerError("field missing");
const WRONG_TAG: DerError = DerError("wrong tag");
const MISSING_EOC: DerError = DerError("missing eoc");
const NOT_PRIMITIVE: DerError = DerError("type not primitive");

/// One element: its tag and where its contents are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Element<'a> {
    /// The class bits of the identifier octet.
    pub class: u8,
    /// The tag number.
    pub tag: u32,
    /// Whether the contents are elements.
    pub constructed: bool,
    /// Whether the length was given by an end-of-contents mark.
    indefinite: bool,
    /// The whole encoding, header included.
    pub raw: &'a [u8],
    /// The contents, without an end-of-contents mark.
    pub content: &'a [u8],
}

struct Header {
    class: u8,
    tag: u32,
    constructed: bool,
    /// `None`: indefinite.
    length: Option<usize>,
    header_length: usize,
}

/// Mirrors `ASN1_get_object`.
fn header(bytes: &[u8]) -> DerResult<Header> {
    let (&first, mut rest) = bytes.split_first().ok_or(TOO_SMALL)?;
    let mut tag = u32::from(first & 0x1f);
    if tag == 0x1f {
        tag = 0;
        loop {
            let (&octet, after) = rest.split_first().ok_or(BAD_HEADER)?;
            rest = after;
            tag = (tag << 7) | u32::from(octet & 0x7f);
            if octet & 0x80 == 0 {
                break;
            }
            if tag > 0x7fff_ffff >> 7 {
                return Err(BAD_HEADER);
            }
        }
    }
    let constructed = first & 0x20 != 0;
    let (&octet, mut rest) = rest.split_first().ok_or(BAD_HEADER)?;
    let length = if octet == 0x80 {
        if !constructed {
            return Err(BAD_HEADER);
        }
        None
    } else if octet & 0x80 != 0 {
        let count = usize::from(octet & 0x7f);
        // OpenSSL wants one octet more than the length itself, an old slip of its own.
        if rest.len() < count + 1 {
            return Err(BAD_HEADER);
        }
        let (digits, after) = rest.split_at(count);
        rest = after;
        let mut length = 0_usize;
        for &digit in digits {
            if length > usize::MAX >> 9 {
                return Err(BAD_HEADER);
            }
            length = (length << 8) | usize::from(digit);
        }
        Some(length)
    } else {
        Some(usize::from(octet))
    };
    if length.is_some_and(|length| length > rest.len()) {
        return Err(TOO_LONG);
    }
    Ok(Header {
        class: first & 0xc0,
        tag,
        constructed,
        length,
        header_length: bytes.len() - rest.len(),
    })
}

/// Where the contents of an indefinite-length element end; mirrors `asn1_find_end`.
fn indefinite_end(bytes: &[u8]) -> DerResult<usize> {
    let mut rest = bytes;
    let mut expected = 1_u32;
    while !rest.is_empty() {
        if rest.starts_with(&[0, 0]) {
            expected -= 1;
            if expected == 0 {
                return Ok(bytes.len() - rest.len());
            }
            rest = &rest[2..];
            continue;
        }
        let header = header(rest)?;
        let skip = match header.length {
            None => {
                expected = expected.checked_add(1).ok_or(BAD_HEADER)?;
                header.header_length
            }
            Some(length) => header.header_length + length,
        };
        rest = rest.get(skip..).ok_or(TOO_LONG)?;
    }
    Err(MISSING_EOC)
}

/// A cursor over a run of elements.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything has been read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    pub fn element(&mut self) -> DerResult<Element<'a>> {
        let header = header(self.rest)?;
        let body = &self.rest[header.header_length..];
        let (content_length, total) = match header.length {
            Some(length) => (length, header.header_length + length),
            None => {
                let end = indefinite_end(body)?;
                (end, header.header_length + end + 2)
            }
        };
        let (raw, rest) = self.rest.split_at(total);
        // An end-of-contents mark where there is nothing to end.
        if raw == [0, 0] {
            return Err(DerError("unexpected eoc"));
        }
        self.rest = rest;
        Ok(Element {
            class: header.class,
            tag: header.tag,
            constructed: header.constructed,
            indefinite: header.length.is_none(),
            raw,
            content: &body[..content_length],
        })
    }

    /// Whether the next element has this tag. A header that cannot be read is an error, as it is
    /// for OpenSSL even where the element is optional.
    pub fn next_is(&self, class: u8, tag: u32) -> DerResult<bool> {
        if self.rest.is_empty() {
            return Ok(false);
        }
        let header = header(self.rest)?;
        Ok(header.class == class && header.tag == tag)
    }

    /// The next element, which must have this tag.
    pub fn expect(&mut self, class: u8, tag: u32) -> DerResult<Element<'a>> {
        if !self.next_is(class, tag)? {
            return Err(if self.rest.is_empty() {
                FIELD_MISSING
            } else {
                WRONG_TAG
            });
        }
        self.element()
    }

    /// The next element if it has this tag.
    pub fn optional(&mut self, class: u8, tag: u32) -> DerResult<Option<Element<'a>>> {
        if self.next_is(class, tag)? {
            self.element().map(Some)
        } else {
            Ok(None)
        }
    }

    /// A reader over the contents of the next element, a SEQUENCE.
    pub fn sequence(&mut self) -> DerResult<Reader<'a>> {
        self.expect(UNIVERSAL, SEQUENCE)?.sequence()
    }

    /// The next element, an OBJECT IDENTIFIER: its contents.
    pub fn object_identifier(&mut self) -> DerResult<&'a [u8]> {
        self.expect(UNIVERSAL, OBJECT_IDENTIFIER)?
            .object_identifier()
    }

    /// The next element, an INTEGER: its contents.
    pub fn integer(&mut self) -> DerResult<&'a [u8]> {
        self.expect(UNIVERSAL, INTEGER)?.integer()
    }

    /// Fails if anything is left inside an explicit tag.
    pub const fn finish_explicit(&self) -> DerResult<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DerError("explicit length mismatch"))
        }
    }

    /// Fails if anything is left.
    pub const fn finish(&self) -> DerResult<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DerError("sequence length mismatch"))
        }
    }
}

impl<'a> Element<'a> {
    /// Whether the element has this tag.
    pub const fn is(&self, class: u8, tag: u32) -> bool {
        self.class == class && self.tag == tag
    }

    /// The contents as elements of a SEQUENCE, whose encoding must be constructed.
    pub const fn sequence(&self) -> DerResult<Reader<'a>> {
        if self.constructed {
            Ok(Reader::new(self.content))
        } else {
            Err(DerError("sequence not constructed"))
        }
    }

    /// The contents as elements of a SET OF or SEQUENCE OF, where OpenSSL does not look at the
    /// constructed bit.
    pub const fn elements(&self) -> Reader<'a> {
        Reader::new(self.content)
    }

    /// The one element inside an explicit tag.
    pub fn explicit(&self) -> DerResult<Reader<'a>> {
        if self.constructed {
            Ok(Reader::new(self.content))
        } else {
            Err(DerError("explicit tag not constructed"))
        }
    }

    const fn primitive(&self) -> DerResult<&'a [u8]> {
        if self.constructed {
            Err(NOT_PRIMITIVE)
        } else {
            Ok(self.content)
        }
    }

    /// The contents of a BOOLEAN: anything but zero is true, as for OpenSSL.
    pub fn boolean(&self) -> DerResult<bool> {
        match self.primitive()? {
            [octet] => Ok(*octet != 0),
            _ => Err(DerError("boolean is wrong length")),
        }
    }

    /// The contents of an INTEGER or ENUMERATED, minimal and not empty (`c2i_ibuf`).
    pub fn integer(&self) -> DerResult<&'a [u8]> {
        let content = self.primitive()?;
        match content {
            [] => Err(DerError("illegal zero content")),
            [0x00, second, ..] if second & 0x80 == 0 => Err(DerError("illegal padding")),
            [0xff, second, ..] if second & 0x80 != 0 => Err(DerError("illegal padding")),
            _ => Ok(content),
        }
    }

    /// The contents of an OBJECT IDENTIFIER (`c2i_ASN1_OBJECT`).
    pub fn object_identifier(&self) -> DerResult<&'a [u8]> {
        let content = self.primitive()?;
        let starts_padded =
            |index: usize| content[index] == 0x80 && (index == 0 || content[index - 1] & 0x80 == 0);
        match content.last() {
            Some(last) if last & 0x80 == 0 && !(0..content.len()).any(starts_padded) => Ok(content),
            _ => Err(DerError("invalid object encoding")),
        }
    }

    /// The contents of a string type, put together where the encoding is constructed.
    pub fn string(&self) -> DerResult<Cow<'a, [u8]>> {
        if !self.constructed {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut collected = Vec::new();
        collect(self.content, 0, &mut collected)?;
        Ok(Cow::Owned(collected))
    }

    /// The contents of a BIT STRING (`c2i_ASN1_BIT_STRING`).
    pub fn bit_string(&self) -> DerResult<BitString> {
        BitString::from_content(&self.string()?)
    }

    /// The contents as a value of type ANY, with the checks that `ASN1_TYPE` makes.
    pub fn any(&self) -> DerResult<Cow<'a, [u8]>> {
        if self.class != UNIVERSAL {
            return Ok(Cow::Borrowed(self.raw));
        }
        match self.tag {
            SEQUENCE | SET => {
                if self.constructed {
                    Ok(Cow::Borrowed(self.raw))
                } else {
                    Err(DerError("type not constructed"))
                }
            }
            BOOLEAN => self.boolean().map(|_| Cow::Borrowed(self.content)),
            INTEGER | ENUMERATED => self.integer().map(Cow::Borrowed),
            OBJECT_IDENTIFIER => self.object_identifier().map(Cow::Borrowed),
            NULL => match self.primitive()? {
                [] => Ok(Cow::Borrowed(self.content)),
                _ => Err(DerError("null is wrong length")),
            },
            BIT_STRING => {
                self.bit_string()?;
                self.string()
            }
            BMP_STRING | UNIVERSAL_STRING => {
                let (unit, reason) = if self.tag == BMP_STRING {
                    (2, "bmpstring is wrong length")
                } else {
                    (4, "universalstring is wrong length")
                };
                let content = self.string()?;
                if content.len() % unit == 0 {
                    Ok(content)
                } else {
                    Err(DerError(reason))
                }
            }
            _ => self.string(),
        }
    }
}

/// Mirrors `asn1_collect`: only the class of the parts is checked.
fn collect(content: &[u8], depth: usize, collected: &mut Vec<u8>) -> DerResult<()> {
    let mut parts = Reader::new(content);
    while !parts.is_empty() {
        let part = parts.element()?;
        if part.constructed {
            if depth >= MAX_STRING_NEST {
                return Err(DerError("nested asn1 string"));
            }
            collect(part.content, depth + 1, collected)?;
        } else {
            collected.extend_from_slice(part.content);
        }
    }
    Ok(())
}

/// A BIT STRING with the unused bits of its last octet cleared.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct BitString {
    /// The octets.
    pub octets: Vec<u8>,
    /// How many low bits of the last octet do not count.
    pub unused: u8,
}

impl BitString {
    fn from_content(content: &[u8]) -> DerResult<Self> {
        let (&unused, octets) = content.split_first().ok_or(DerError("string too short"))?;
        if unused > 7 {
            return Err(DerError("invalid bit string bits left"));
        }
        let mut octets = octets.to_vec();
        if let Some(last) = octets.last_mut() {
            *last &= 0xff << unused;
        }
        Ok(Self { octets, unused })
    }

    /// The first two octets as OpenSSL keeps flags: the first in the low byte.
    pub fn flags(&self) -> u16 {
        let octet = |index: usize| u16::from(self.octets.get(index).copied().unwrap_or(0));
        octet(0) | octet(1) << 8
    }
}

/// The value of INTEGER contents where it is small; mirrors `ASN1_INTEGER_get`.
pub fn small_integer(content: &[u8]) -> Option<i64> {
    if content.len() > 8 {
        return None;
    }
    let negative = content.first()? & 0x80 != 0;
    let start = if negative { -1_i64 } else { 0 };
    Some(
        content
            .iter()
            .fold(start, |value, octet| (value << 8) | i64::from(*octet)),
    )
}

/// A DER encoding from a tag octet and contents; for what is encoded again (canonical names,
/// Mozilla's anchors).
pub fn encode(identifier: u8, content: &[u8]) -> Vec<u8> {
    let mut encoding = Vec::with_capacity(content.len() + 10);
    encode_into(&mut encoding, identifier, content);
    encoding
}

/// The same at the end of what is encoded already.
pub(crate) fn encode_into(encoding: &mut Vec<u8>, identifier: u8, content: &[u8]) {
    encoding.push(identifier);
    let length = content.len();
    if length < 0x80 {
        encoding.push(u8::try_from(length).unwrap_or(0));
    } else {
        let octets = length.to_be_bytes();
        let significant = octets
            .iter()
            .position(|octet| *octet != 0)
            .map_or(&octets[..0], |first| &octets[first..]);
        encoding.push(0x80 | u8::try_from(significant.len()).unwrap_or(0));
        encoding.extend_from_slice(significant);
    }
    encoding.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_are_read_as_openssl_reads_them() {
        type Row<'a> = (&'a [u8], Result<&'a [u8], &'a str>);
        let table: &[Row<'_>] = &[
            (&[0x04, 1, 9], Ok(&[9])),
            // More length octets than needed, and leading zeros in them.
            (&[0x04, 0x81, 1, 9], Ok(&[9])),
            (&[0x04, 0x84, 0, 0, 0, 1, 9], Ok(&[9])),
            (&[0x30, 0x80, 0x04, 1, 9, 0, 0], Ok(&[0x04, 1, 9])),
            (
                &[0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0],
                Ok(&[0x30, 0x80, 0, 0]),
            ),
            (&[0x1f, 0x81, 0x00, 1, 9], Ok(&[9])),
            (&[0x04, 2, 9], Err("too long")),
            (&[0x04, 0x80, 0, 0], Err("header too long")),
            (&[0x04, 0x81, 0], Err("header too long")),
            (&[0x04], Err("header too long")),
            (
                &[0x04, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                Err("header too long"),
            ),
            (&[0x30, 0x80, 0x04, 1, 9], Err("missing eoc")),
            (&[0x00, 0x00], Err("unexpected eoc")),
            (&[], Err("too small")),
        ];
        for (bytes, expected) in table {
            let read = Reader::new(bytes).element();
            assert_eq!(
                read.map(|element| element.content),
                expected.map_err(DerError),
                "{bytes:02x?}"
            );
        }
    }

    #[test]
    fn integers_must_be_minimal() {
        for (content, good) in [
            (&[0][..], true),
            (&[0x80], true),
            (&[0, 0x80], true),
            (&[0xff, 0x7f], true),
            (&[0, 1], false),
            (&[0xff, 0x80], false),
            (&[], false),
        ] {
            let bytes = encode(0x02, content);
            let read = Reader::new(&bytes).integer();
            assert_eq!(read.is_ok(), good, "{content:02x?}");
        }
    }

    #[test]
    fn any_octet_but_zero_is_true() {
        for (octet, truth) in [(0, false), (1, true), (0xff, true)] {
            let bytes = [1, 1, octet];
            let element = Reader::new(&bytes).element().unwrap();
            assert_eq!(element.boolean(), Ok(truth));
        }
        assert!(
            Reader::new(&[1, 2, 0, 0])
                .element()
                .unwrap()
                .boolean()
                .is_err()
        );
    }

    #[test]
    fn a_constructed_string_is_put_together() {
        let bytes = [0x24, 0x80, 0x04, 1, b'a', 0x24, 3, 0x04, 1, b'b', 0, 0];
        let element = Reader::new(&bytes).element().unwrap();
        assert_eq!(&*element.string().unwrap(), b"ab");
        let mut nested = vec![0x04, 1, b'x'];
        for _ in 0..7 {
            nested = encode(0x24, &nested);
        }
        assert_eq!(
            Reader::new(&nested).element().unwrap().string(),
            Err(DerError("nested asn1 string"))
        );
    }

    #[test]
    fn object_identifiers_with_padding_are_refused() {
        for (content, good) in [
            (&[0x55, 4, 3][..], true),
            (&[0x55, 0x80, 3], false),
            (&[0x80], false),
            (&[0x55, 0x81], false),
            (&[], false),
        ] {
            let bytes = encode(0x06, content);
            assert_eq!(Reader::new(&bytes).object_identifier().is_ok(), good);
        }
    }

    #[test]
    fn unused_bits_do_not_count() {
        let bits = Reader::new(&[3, 2, 5, 0xff])
            .element()
            .unwrap()
            .bit_string();
        assert_eq!(bits.unwrap().octets, [0xe0]);
        assert!(
            Reader::new(&[3, 2, 8, 0])
                .element()
                .unwrap()
                .bit_string()
                .is_err()
        );
    }

    #[test]
    fn lengths_are_encoded_in_the_shortest_form() {
        assert_eq!(encode(0x04, &[7; 127])[..2], [0x04, 127]);
        assert_eq!(encode(0x04, &[7; 128])[..3], [0x04, 0x81, 128]);
        assert_eq!(encode(0x04, &[7; 300])[..4], [0x04, 0x82, 1, 44]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(&bytes);
            while let Ok(element) = reader.element() {
                let _ = (element.any(), element.string(), element.bit_string());
            }
        }
    }
}
