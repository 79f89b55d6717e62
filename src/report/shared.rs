//! A part of a report that stands in it several times, or in many reports: kept and written once.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use super::line;

/// A value that many own, with its JSON where that was kept; whoever changes it has one alone.
pub struct Shared<T>(Arc<Inner<T>>);

struct Inner<T> {
    value: T,
    json: OnceLock<Vec<u8>>,
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(Inner {
            value,
            json: OnceLock::new(),
        }))
    }
}

/// How long most are.
const ROOM: usize = 4096;

impl<T: Serialize> Shared<T> {
    /// Keeps its JSON, on one line as records have it, where several own it: each of them is
    /// written with that from now on.
    pub fn keep_json(&self) {
        if Arc::strong_count(&self.0) > 1 && self.0.json.get().is_none() {
            let mut json = Vec::with_capacity(ROOM);
            if line::append(&mut json, &self.0.value).is_ok() {
                let _ = self.0.json.set(json);
            }
        }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        T::default().into()
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: Clone> Clone for Inner<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            json: OnceLock::new(),
        }
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        let inner = Arc::make_mut(&mut self.0);
        inner.json.take();
        &mut inner.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(out)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.value == other.0.value
    }
}

impl<'a, T> IntoIterator for &'a Shared<Vec<T>> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.json.get() {
            Some(json) => {
                let value = &self.0.value;
                serializer.serialize_newtype_struct(line::KEPT, &Kept { value, json })
            }
            None => self.0.value.serialize(serializer),
        }
    }
}

/// A value with its JSON, for who asks for either.
struct Kept<'a, T> {
    value: &'a T,
    json: &'a [u8],
}

impl<T: Serialize> Serialize for Kept<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.value.serialize(serializer);
        }
        serializer.serialize_bytes(self.json)
    }
}

impl<T: JsonSchema> JsonSchema for Shared<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_written_as_what_is_not() {
        let alone = Shared::from(vec!["\"", "\u{1b}", "é"]);
        let json = serde_json::to_string(&alone).unwrap();
        assert_eq!(json, serde_json::to_string(&*alone).unwrap());
        alone.keep_json();
        assert!(alone.0.json.get().is_none());
        let other = alone.clone();
        other.keep_json();
        assert!(alone.0.json.get().is_some());
        let both = (&alone, &other, 1);
        let expected = format!("[{json},{json},1]");
        assert_eq!(serde_json::to_string(&both).unwrap(), expected);
        let mut line = Vec::new();
        line::append(&mut line, &both).unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), expected);
        assert_eq!(
            serde_json::to_value(both).unwrap(),
            serde_json::from_str::<serde_json::Value>(&expected).unwrap()
        );
        assert_eq!(alone, other);
        // What is changed is another value, and its JSON another, too.
        let mut changed = other.clone();
        changed.push("more");
        assert_ne!(alone, changed);
        assert_eq!(serde_json::to_string(&other).unwrap(), json);
        let kept = changed.clone();
        changed.keep_json();
        drop(kept);
        changed.pop();
        assert_eq!(serde_json::to_string(&changed).unwrap(), json);
    }
}
