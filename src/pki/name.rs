//! Distinguished names: their printable form, and OpenSSL's canonical form for comparison.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use sha1::{Digest as _, Sha1};

use super::der::{
    self, BMP_STRING, DerError, DerResult, Element, IA5_STRING, PRINTABLE_STRING, Reader, SEQUENCE,
    SET, T61_STRING, UNIVERSAL, UNIVERSAL_STRING, UTF8_STRING, VISIBLE_STRING,
};
use super::oid::{self, Oid};
use crate::memo::Memo;

/// OpenSSL reads no name longer than this (`X509_NAME_MAX`).
const MAX_NAME: usize = 1024 * 1024;

/// One attribute of a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// The attribute type.
    pub oid: Oid,
    /// The string type: a universal tag.
    pub tag: u32,
    /// The contents as OpenSSL keeps them (`ASN1_STRING_get0_data`): not transcoded.
    pub value: Vec<u8>,
    /// Which relative distinguished name it belongs to, from zero.
    pub rdn: usize,
}

impl Attribute {
    /// The text, if the string type is one that OpenSSL transcodes and the contents are right.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        to_utf8(self.tag, &self.value).ok()
    }
}

/// A distinguished name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Name {
    /// The encoding, outer SEQUENCE included.
    pub der: Vec<u8>,
    /// The attributes in the order of the certificate.
    pub attributes: Vec<Attribute>,
    canonical: Vec<u8>,
    text: Memo<String>,
}

impl Name {
    /// Reads the next element as a name.
    pub(crate) fn read(reader: &mut Reader<'_>) -> DerResult<Self> {
        let element = reader.expect(UNIVERSAL, SEQUENCE)?;
        if element.raw.len() > MAX_NAME {
            return Err(DerError("name too long"));
        }
        let mut attributes = Vec::new();
        let mut rdns = element.elements();
        let mut rdn = 0;
        while !rdns.is_empty() {
            let set = rdns.expect(UNIVERSAL, SET)?;
            read_rdn(&mut set.elements(), rdn, &mut attributes)?;
            rdn += 1;
        }
        let canonical = canonical(&attributes)?;
        Ok(Self {
            der: element.raw.to_vec(),
            attributes,
            canonical,
            text: Memo::default(),
        })
    }

    /// A name from its encoding.
    pub fn from_der(der: &[u8]) -> DerResult<Self> {
        Self::read(&mut Reader::new(der))
    }

    /// The name that a distribution point gives relative to this one: one more RDN.
    pub(crate) fn with_relative(&self, set: &Element<'_>) -> DerResult<Self> {
        let mut attributes = self.attributes.clone();
        let rdn = attributes.last().map_or(0, |last| last.rdn + 1);
        read_rdn(&mut set.elements(), rdn, &mut attributes)?;
        let canonical = canonical(&attributes)?;
        Ok(Self {
            der: Vec::new(),
            attributes,
            canonical,
            text: Memo::default(),
        })
    }

    /// What `X509_NAME_cmp` compares: case and spacing folded (`x509_name_canon`).
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// Whether OpenSSL takes the two for the same name.
    pub fn matches(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }

    /// Whether there is no attribute at all.
    pub const fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The attributes of one type, in order.
    pub(crate) fn attributes_of<'a>(
        &'a self,
        content: &'a [u8],
    ) -> impl Iterator<Item = &'a Attribute> {
        self.attributes
            .iter()
            .filter(move |attribute| attribute.oid.is(content))
    }

    /// The commonName attributes in order; libpq looks at the first.
    pub fn common_names(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes_of(oid::COMMON_NAME)
    }

    /// The hash by which a directory of certificates or CRLs is searched: files are named
    /// `HASH.0`, `HASH.r0` with eight hexadecimal digits. Mirrors `X509_NAME_hash`.
    pub fn hash(&self) -> u32 {
        let digest = Sha1::digest(&self.canonical);
        u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]])
    }
}

fn read_rdn(
    entries: &mut Reader<'_>,
    rdn: usize,
    attributes: &mut Vec<Attribute>,
) -> DerResult<()> {
    while !entries.is_empty() {
        let mut entry = entries.sequence()?;
        let oid = Oid::from_content(entry.object_identifier()?);
        if entry.is_empty() {
            return Err(DerError("field missing"));
        }
        let value = entry.element()?;
        if value.class != UNIVERSAL {
            return Err(DerError("mstring not universal"));
        }
        if !may_be_attribute_value(value.tag) {
            return Err(DerError("mstring wrong tag"));
        }
        let octets = attribute_value(&value)?;
        entry.finish()?;
        attributes.push(Attribute {
            oid,
            tag: value.tag,
            value: octets,
            rdn,
        });
    }
    Ok(())
}

fn attribute_value(value: &Element<'_>) -> DerResult<Vec<u8>> {
    if value.tag == der::BIT_STRING {
        return Ok(value.bit_string()?.octets);
    }
    Ok(value.any()?.into_owned())
}

/// The tags in `B_ASN1_PRINTABLE`, which a name's values may have.
const fn may_be_attribute_value(tag: u32) -> bool {
    matches!(tag, 3 | 7 | 8 | 9 | 11 | 12 | 13..=16 | 18..=20 | 22 | 28 | 29 | 30)
}

/// Mirrors `x509_name_canon`: the RDNs without the outer SEQUENCE, strings folded.
fn canonical(attributes: &[Attribute]) -> DerResult<Vec<u8>> {
    let mut encoding = Vec::with_capacity(256);
    let (mut entry, mut entries) = (Vec::with_capacity(128), Vec::with_capacity(128));
    for rdn in attributes.chunk_by(|a, b| a.rdn == b.rdn) {
        entries.clear();
        if let [attribute] = rdn {
            canonical_entry(attribute, &mut entry)?;
            der::encode_into(&mut entries, 0x30, &entry);
        } else {
            let mut sorted = Vec::new();
            for attribute in rdn {
                canonical_entry(attribute, &mut entry)?;
                sorted.push(der::encode(0x30, &entry));
            }
            sorted.sort_unstable();
            entries.extend(sorted.concat());
        }
        der::encode_into(&mut encoding, 0x31, &entries);
    }
    Ok(encoding)
}

/// What the SEQUENCE of an attribute holds, in place of what `entry` held.
fn canonical_entry(attribute: &Attribute, entry: &mut Vec<u8>) -> DerResult<()> {
    entry.clear();
    der::encode_into(entry, 0x06, attribute.oid.content());
    match to_utf8(attribute.tag, &attribute.value) {
        Ok(text) => der::encode_into(entry, 0x0c, folded(&text).as_bytes()),
        Err(NotText::OtherType) => match attribute.tag {
            SEQUENCE => entry.extend_from_slice(&attribute.value),
            tag => {
                let identifier = u8::try_from(tag).unwrap_or(0);
                der::encode_into(entry, identifier, &attribute.value);
            }
        },
        Err(NotText::Malformed) => return Err(DerError("invalid utf8string")),
    }
    Ok(())
}

const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// Mirrors `asn1_string_canon`: ASCII case folded, spaces trimmed and collapsed.
fn folded(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut spaces = false;
    for character in text.trim_matches(is_space).chars() {
        if is_space(character) {
            spaces = true;
            continue;
        }
        if spaces {
            result.push(' ');
            spaces = false;
        }
        result.push(character.to_ascii_lowercase());
    }
    result
}

enum NotText {
    /// Not one of the types that are transcoded.
    OtherType,
    /// `ASN1_STRING_to_UTF8` fails.
    Malformed,
}

/// Mirrors `ASN1_STRING_to_UTF8`, for the types that name comparison transcodes.
fn to_utf8(tag: u32, value: &[u8]) -> Result<Cow<'_, str>, NotText> {
    let from_code_points = |code_points: &mut dyn Iterator<Item = u32>| {
        code_points
            .map(char::from_u32)
            .collect::<Option<String>>()
            .map(Cow::Owned)
            .ok_or(NotText::Malformed)
    };
    match tag {
        UTF8_STRING => std::str::from_utf8(value)
            .map(Cow::Borrowed)
            .map_err(|_| NotText::Malformed),
        PRINTABLE_STRING | T61_STRING | IA5_STRING | VISIBLE_STRING => {
            Ok(match std::str::from_utf8(value) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => Cow::Owned(value.iter().map(|octet| char::from(*octet)).collect()),
            })
        }
        BMP_STRING => from_code_points(&mut value.chunks(2).map(|unit| {
            unit.iter()
                .fold(0, |sum, octet| sum << 8 | u32::from(*octet))
        })),
        UNIVERSAL_STRING => from_code_points(&mut value.chunks(4).map(|unit| {
            unit.iter()
                .fold(0, |sum, octet| sum << 8 | u32::from(*octet))
        })),
        _ => Err(NotText::OtherType),
    }
}

/// The text of a string of a certificate, if it has one.
pub(crate) fn string_text(tag: u32, value: &[u8]) -> Option<Cow<'_, str>> {
    to_utf8(tag, value).ok()
}

impl fmt::Display for Name {
    /// RFC 4514: the last RDN first, special characters escaped; nothing of it can move a cursor.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = || {
            let mut text = String::with_capacity(self.der.len());
            // A String takes all that is written.
            let _ = self.write(&mut text);
            text
        };
        formatter.write_str(self.text.get_or(text))
    }
}

impl Name {
    fn write(&self, out: &mut String) -> fmt::Result {
        for (index, rdn) in self
            .attributes
            .chunk_by(|a, b| a.rdn == b.rdn)
            .rev()
            .enumerate()
        {
            if index > 0 {
                out.write_char(',')?;
            }
            for (position, attribute) in rdn.iter().enumerate() {
                if position > 0 {
                    out.write_char('+')?;
                }
                match oid::attribute_name(&attribute.oid) {
                    Some(name) => {
                        out.write_str(name)?;
                        out.write_char('=')?;
                    }
                    None => write!(out, "{}=", attribute.oid)?,
                }
                write_value(out, attribute)?;
            }
        }
        Ok(())
    }
}

fn write_value(out: &mut String, attribute: &Attribute) -> fmt::Result {
    let Some(text) = attribute.text() else {
        out.write_char('#')?;
        return attribute
            .value
            .iter()
            .try_for_each(|octet| write!(out, "{octet:02X}"));
    };
    let usual = |byte: u8| matches!(byte, b' ' | b'!' | b'$'..=b'*' | b'-'..=b':' | b'=' | b'?'..=b'[' | b']'..=b'~');
    if text.bytes().all(usual) && !text.starts_with(' ') && !text.ends_with(' ') {
        return out.write_str(&text);
    }
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(out, "\\{character}")?,
            '#' if index == 0 => out.write_str("\\#")?,
            ' ' if index == 0 || index == last => out.write_str("\\ ")?,
            // Control characters and the marks that turn the direction of writing.
            _ if character.is_control()
                || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                    | '\u{2066}'..='\u{2069}' | '\u{feff}') =>
            {
                let mut buffer = [0; 4];
                for octet in character.encode_utf8(&mut buffer).bytes() {
                    write!(out, "\\{octet:02X}")?;
                }
            }
            _ => out.write_char(character)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(attributes: &[(&[u8], u8, &[u8])]) -> Name {
        let rdns: Vec<u8> = attributes
            .iter()
            .flat_map(|(oid, tag, value)| {
                let mut entry = der::encode(0x06, oid);
                entry.extend(der::encode(*tag, value));
                der::encode(0x31, &der::encode(0x30, &entry))
            })
            .collect();
        Name::from_der(&der::encode(0x30, &rdns)).unwrap()
    }

    const CN: &[u8] = oid::COMMON_NAME;
    const O: &[u8] = &[0x55, 4, 10];

    #[test]
    fn case_space_and_string_type_do_not_tell_names_apart() {
        let plain = name(&[(CN, 0x0c, b"the ca")]);
        for (tag, value) in [
            (0x13, &b"The CA"[..]),
            (0x0c, b"  THE \t  CA "),
            (0x16, b"the ca"),
            (0x1e, b"\0t\0h\0e\0 \0c\0a"),
        ] {
            assert!(name(&[(CN, tag, value)]).matches(&plain), "{value:?}");
        }
        for (tag, value) in [
            (0x0c, &b"theca"[..]),
            // NumericString is not among the types that are folded.
            (0x12, b"the ca"),
        ] {
            assert!(!name(&[(CN, tag, value)]).matches(&plain), "{value:?}");
        }
        assert!(!name(&[(O, 0x0c, b"the ca")]).matches(&plain));
    }

    #[test]
    fn latin_1_and_utf_8_meet() {
        let utf_8 = name(&[(CN, 0x0c, "b\u{fc}cher".as_bytes())]);
        assert!(name(&[(CN, 0x14, b"b\xfccher")]).matches(&utf_8));
        // Only ASCII letters are folded.
        assert!(!name(&[(CN, 0x0c, "B\u{dc}CHER".as_bytes())]).matches(&utf_8));
    }

    #[test]
    fn a_string_that_is_no_utf_8_is_refused() {
        let entry = [der::encode(0x06, CN), der::encode(0x0c, b"\xff")].concat();
        let bytes = der::encode(0x30, &der::encode(0x31, &der::encode(0x30, &entry)));
        assert_eq!(Name::from_der(&bytes), Err(DerError("invalid utf8string")));
    }

    #[test]
    fn the_text_is_escaped_and_reversed() {
        for (attributes, text) in [
            (
                &[(O, 0x0c, &b"Rig"[..]), (CN, 0x0c, b"db")][..],
                "CN=db,O=Rig",
            ),
            (&[(CN, 0x0c, b" a,b+c ")], "CN=\\ a\\,b\\+c\\ "),
            (&[(CN, 0x0c, b"#x\x1b[2J")], "CN=\\#x\\1B[2J"),
            (&[(CN, 0x0c, b"db\0evil")], "CN=db\\00evil"),
            (&[(CN, 0x0c, "a\u{202e}b".as_bytes())], "CN=a\\E2\\80\\AEb"),
            (&[(CN, 0x12, b"12")], "CN=#3132"),
            (&[(&[0x2a, 3], 0x0c, b"x")], "1.2.3=x"),
            (&[], ""),
        ] {
            assert_eq!(name(attributes).to_string(), text);
        }
    }

    #[test]
    fn the_empty_name_is_empty() {
        assert!(name(&[]).is_empty());
        assert!(name(&[]).canonical().is_empty());
        assert!(name(&[]).matches(&Name::default()));
    }

    proptest! {
        #[test]
        fn no_value_prints_a_control_character(tag in 0u8..31, value in any::<Vec<u8>>()) {
            let entry = [der::encode(0x06, CN), der::encode(tag, &value)].concat();
            let bytes = der::encode(0x30, &der::encode(0x31, &der::encode(0x30, &entry)));
            if let Ok(name) = Name::from_der(&bytes) {
                prop_assert!(!name.to_string().chars().any(char::is_control));
            }
        }
    }
}
