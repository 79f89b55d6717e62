//! JSON on one line, byte for byte as `serde_json` writes it, for records that come by thousands a
//! second: what needs no escape is found eight bytes at a time, and what is kept as JSON
//! ([`Shared`](super::Shared)) is copied.

use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct,
    SerializeStructVariant, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
    Serializer,
};
use serde_json::Error;

/// The name under which a value offers the JSON that it kept.
///
/// It is asked for by a serializer that is for machines only; whoever else meets it gets the value.
pub(super) const KEPT: &str = "$pgprobe::kept";

/// Appends a value to `out`.
///
/// # Errors
/// Where `serde_json` has one: a map with keys that are no words.
pub fn append<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    value.serialize(Line { out })
}

struct Line<'a> {
    out: &'a mut Vec<u8>,
}

/// Between the brackets of a list or an object.
struct Inside<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    end: &'static [u8],
}

/// Whether one of eight bytes is a quote, a backslash or a control character.
const fn any_escape(eight: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    // A borrow can only come from a byte below that is one of these itself.
    let below_space = eight.wrapping_sub(ONES * 0x20) & !eight;
    let quote = eight ^ (ONES * 0x22);
    let backslash = eight ^ (ONES * 0x5c);
    let is_quote = quote.wrapping_sub(ONES) & !quote;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    (below_space | is_quote | is_backslash) & HIGH != 0
}

fn is_plain(text: &[u8]) -> bool {
    let (eights, rest) = text.as_chunks::<8>();
    !eights
        .iter()
        .any(|eight| any_escape(u64::from_le_bytes(*eight)))
        && !rest
            .iter()
            .any(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'))
}

fn string(out: &mut Vec<u8>, text: &str) -> Result<(), Error> {
    if is_plain(text.as_bytes()) {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return Ok(());
    }
    serde_json::to_writer(out, text)
}

impl<'a> Line<'a> {
    fn inside(self, begin: &[u8], end: &'static [u8]) -> Inside<'a> {
        self.out.extend_from_slice(begin);
        Inside {
            out: self.out,
            first: true,
            end,
        }
    }

    /// `{"variant":`
    fn variant(self, variant: &str, begin: &[u8], end: &'static [u8]) -> Result<Inside<'a>, Error> {
        self.out.push(b'{');
        string(self.out, variant)?;
        Ok(self.inside(begin, end))
    }
}

/// Numbers are rare: `serde_json` writes them.
macro_rules! numbers {
    ($($method:ident($type:ty),)*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            serde_json::to_writer(self.out, &value)
        })*
    };
}

impl<'a> Serializer for Line<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Inside<'a>;
    type SerializeTuple = Inside<'a>;
    type SerializeTupleStruct = Inside<'a>;
    type SerializeTupleVariant = Inside<'a>;
    type SerializeMap = Inside<'a>;
    type SerializeStruct = Inside<'a>;
    type SerializeStructVariant = Inside<'a>;

    numbers! {
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128),
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_char(char),
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        string(self.out, value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        string(self.out, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if name == KEPT {
            return value.serialize(Kept { out: self.out });
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let inside = self.variant(variant, b":", b"}")?;
        value.serialize(Line { out: inside.out })?;
        inside.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'a>, Error> {
        Ok(self.inside(b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside<'a>, Error> {
        Ok(self.inside(b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'a>, Error> {
        Ok(self.inside(b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'a>, Error> {
        self.variant(variant, b":[", b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'a>, Error> {
        Ok(self.inside(b"{", b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside<'a>, Error> {
        Ok(self.inside(b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'a>, Error> {
        self.variant(variant, b":{", b"}}")
    }
}

impl Inside<'_> {
    fn comma(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.comma();
        value.serialize(Line { out: self.out })
    }

    /// The names of fields are those of this crate: none has anything to escape.
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        self.out.reserve(name.len() + 4);
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        value.serialize(Line { out: self.out })
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the traits have it")]
    fn finish(self) -> Result<(), Error> {
        self.out.extend_from_slice(self.end);
        Ok(())
    }
}

macro_rules! elements {
    ($($kind:ident $method:ident,)*) => {
        $(impl $kind for Inside<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        })*
    };
}

elements! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! fields {
    ($($kind:ident,)*) => {
        $(impl $kind for Inside<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        })*
    };
}

fields! {
    SerializeStruct,
    SerializeStructVariant,
}

impl SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.comma();
        let begin = self.out.len();
        key.serialize(Line { out: self.out })?;
        // A number is a key in quotes; nothing else is one.
        match self.out.get(begin) {
            Some(b'"') => Ok(()),
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.out.insert(begin, b'"');
                self.out.push(b'"');
                Ok(())
            }
            _ => Err(Error::custom("key must be a string")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push(b':');
        value.serialize(Line { out: self.out })
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

/// Takes the JSON that a value kept, and nothing else.
struct Kept<'a> {
    out: &'a mut Vec<u8>,
}

macro_rules! nothing_else {
    ($($method:ident($($argument:ty),*) -> $ok:ty,)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, Error> {
            Err(Error::custom("no JSON was kept"))
        })*
    };
}

impl Serializer for Kept<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bytes(self, kept: &[u8]) -> Result<(), Error> {
        self.out.extend_from_slice(kept);
        Ok(())
    }

    nothing_else! {
        serialize_bool(bool) -> (),
        serialize_i8(i8) -> (),
        serialize_i16(i16) -> (),
        serialize_i32(i32) -> (),
        serialize_i64(i64) -> (),
        serialize_u8(u8) -> (),
        serialize_u16(u16) -> (),
        serialize_u32(u32) -> (),
        serialize_u64(u64) -> (),
        serialize_f32(f32) -> (),
        serialize_f64(f64) -> (),
        serialize_char(char) -> (),
        serialize_str(&str) -> (),
        serialize_none() -> (),
        serialize_unit() -> (),
        serialize_unit_struct(&'static str) -> (),
        serialize_unit_variant(&'static str, u32, &'static str) -> (),
        serialize_seq(Option<usize>) -> Self::SerializeSeq,
        serialize_tuple(usize) -> Self::SerializeTuple,
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct,
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeTupleVariant,
        serialize_map(Option<usize>) -> Self::SerializeMap,
        serialize_struct(&'static str, usize) -> Self::SerializeStruct,
        serialize_struct_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeStructVariant,
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Error> {
        Err(Error::custom("no JSON was kept"))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(Error::custom("no JSON was kept"))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(Error::custom("no JSON was kept"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Serialize;

    use super::append;

    fn ours<T: Serialize + ?Sized>(value: &T) -> String {
        let mut out = Vec::new();
        append(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn same<T: Serialize + ?Sized>(value: &T) {
        assert_eq!(ours(value), serde_json::to_string(value).unwrap());
    }

    #[derive(Serialize)]
    enum Kinds {
        Unit,
        New(u8),
        Tuple(i64, String),
        Struct { a: Option<bool>, b: () },
    }

    #[derive(Serialize)]
    struct Outer {
        kinds: Vec<Kinds>,
        #[serde(flatten)]
        more: BTreeMap<String, f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<u8>,
    }

    #[test]
    fn every_kind_of_value_is_written_as_serde_json_writes_it() {
        same(&Outer {
            kinds: vec![
                Kinds::Unit,
                Kinds::New(7),
                Kinds::Tuple(-1, "\u{7f}\u{1f}é\"\\\n".into()),
                Kinds::Struct {
                    a: Some(true),
                    b: (),
                },
                Kinds::Struct { a: None, b: () },
            ],
            more: BTreeMap::from([("x".into(), 0.1), ("y".into(), 1e300), ("z".into(), 3.0)]),
            left_out: None,
        });
        same(&BTreeMap::from([(-3, 'a'), (5, '"')]));
        same(&BTreeMap::from([(true, f64::NAN)]));
        same(&(1_u128 << 100, [(); 0], BTreeMap::<String, ()>::new()));
        same(&serde_json::json!({"a\"b": [1, -2, 3.5, null, "\u{8}", {"": {}}]}));
        let no_key = BTreeMap::from([(vec![1], 1)]);
        assert!(append(&mut Vec::new(), &no_key).is_err());
    }

    #[test]
    fn each_byte_at_each_place_is_escaped_or_not() {
        for code in 0..=0x100_u32 {
            let character = char::from_u32(code).unwrap();
            for place in 0..18 {
                let mut text: Vec<char> = "0123456789abcdefgh".chars().collect();
                text[place] = character;
                same(&text.iter().collect::<String>());
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_serde_json_writes_it(text in any::<String>()) {
            same(&text);
        }
    }
}
