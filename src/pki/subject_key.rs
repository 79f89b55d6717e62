//! A cheap key by which names are told apart before they are read: names that OpenSSL takes for
//! the same always have the same key, so what has another can be left aside.

use super::der::{CONTEXT, DerResult, INTEGER, Reader, SEQUENCE, UNIVERSAL};

/// The key of a name; a name that cannot be folded byte by byte may be any.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SubjectKey(Option<u64>);

/// The offset basis and the prime of FNV-1a.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl SubjectKey {
    /// The key of a Name, given the contents of its outer SEQUENCE.
    pub fn of_rdns(rdns: &[u8]) -> Self {
        Self(fold(rdns))
    }

    /// The key of a Name in its whole encoding.
    pub fn of_name(name: &[u8]) -> Self {
        let rdns = Reader::new(name).sequence().map(|inside| inside.rest());
        rdns.map_or(Self(None), Self::of_rdns)
    }

    /// The key of a certificate's subject; its beginning is enough.
    pub fn of_certificate(der: &[u8]) -> Self {
        subject(der).map_or(Self(None), Self::of_name)
    }

    /// The key as a number; `None` where it may be any.
    pub fn number(self) -> Option<u64> {
        self.0
    }

    /// Whether the names may be the same.
    pub fn may_be(self, other: Self) -> bool {
        self.0.is_none() || other.0.is_none() || self == other
    }
}

/// What the canonical form keeps of a name in every string type of one byte a character: the
/// letters and digits, their case aside. `None` for other encodings than the plain one.
fn fold(mut rdns: &[u8]) -> Option<u64> {
    let mut hash = BASIS;
    while !rdns.is_empty() {
        let (mut entries, rest) = plain(SET_OF, rdns)?;
        rdns = rest;
        while !entries.is_empty() {
            let (entry, rest) = plain(SEQUENCE_OF, entries)?;
            entries = rest;
            let (_, value) = plain(OID, entry)?;
            let tag = *value.first()?;
            let (text, after) = plain(tag, value)?;
            if !after.is_empty() || !ONE_BYTE_STRINGS.contains(&tag) {
                return None;
            }
            for octet in text.iter().filter(|octet| octet.is_ascii_alphanumeric()) {
                hash = (hash ^ u64::from(octet.to_ascii_lowercase())).wrapping_mul(PRIME);
            }
        }
    }
    Some(hash)
}

const SET_OF: u8 = 0x31;
const SEQUENCE_OF: u8 = 0x30;
const OID: u8 = 0x06;
/// UTF8String, PrintableString, T61String, IA5String.
const ONE_BYTE_STRINGS: [u8; 4] = [12, 19, 20, 22];

/// The contents of an element of this tag, and what follows it; lengths of one or two bytes only.
fn plain(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match bytes {
        [found, length @ 0..=0x7f, rest @ ..] if *found == tag => (*length, rest),
        [found, 0x81, length, rest @ ..] if *found == tag => (*length, rest),
        _ => return None,
    };
    rest.split_at_checked(usize::from(length))
}

/// The subject of a certificate, encoded.
fn subject(der: &[u8]) -> DerResult<&[u8]> {
    let mut fields = Reader::new(inside(inside(der)));
    fields.optional(CONTEXT, 0)?;
    fields.expect(UNIVERSAL, INTEGER)?;
    // signature, issuer, validity
    for _ in 0..3 {
        fields.expect(UNIVERSAL, SEQUENCE)?;
    }
    Ok(fields.expect(UNIVERSAL, SEQUENCE)?.raw)
}

/// What follows the header of the first element, whole or not.
fn inside(der: &[u8]) -> &[u8] {
    let header = match der.get(1) {
        Some(length @ 0x81..) => 2 + usize::from(length & 0x7f),
        _ => 2,
    };
    der.get(header..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::der::encode;
    use crate::pki::name::Name;
    use proptest::prelude::*;

    fn name(tag: u8, text: &str) -> Vec<u8> {
        let common_name = [encode(6, &[0x55, 4, 3]), encode(tag, text.as_bytes())].concat();
        encode(0x30, &encode(0x31, &encode(0x30, &common_name)))
    }

    #[test]
    fn other_names_have_other_keys() {
        let [one, two] = ["Rig Root CA", "Rig Other CA"].map(|text| name(12, text));
        assert!(!SubjectKey::of_name(&one).may_be(SubjectKey::of_name(&two)));
    }

    proptest! {
        #[test]
        fn names_that_match_have_the_same_key(a in "[aA b\u{e4}1]{0,5}", b in "[aA b\u{e4}1]{0,5}") {
            let (one, two) = (name(12, &a), name(19, &b));
            if let (Ok(x), Ok(y)) = (Name::from_der(&one), Name::from_der(&two))
                && x.matches(&y)
            {
                prop_assert!(SubjectKey::of_name(&one).may_be(SubjectKey::of_name(&two)));
            }
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = SubjectKey::of_certificate(&bytes);
            let _ = SubjectKey::of_rdns(&bytes);
        }
    }
}
