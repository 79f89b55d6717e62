//! Bytes on the wire, both ways. No I/O, no clock, no allocation by a declared length, no panic.

pub mod postgres;
pub mod tls;

use thiserror::Error;

/// What could not be read, and where.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{what} at byte {offset}")]
pub struct DecodeError {
    /// What was expected or is wrong.
    pub what: &'static str,
    /// How many bytes into the message.
    pub offset: usize,
}

/// A cursor over untrusted bytes.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    /// An error that names what is wrong here.
    pub fn error(&self, what: &'static str) -> DecodeError {
        DecodeError {
            what,
            offset: self.offset,
        }
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let taken = self.rest().get(..length).ok_or(self.error(what))?;
        self.offset += length;
        Ok(taken)
    }

    /// The next bytes as an array.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let error = self.error(what);
        self.take(N, what)?.try_into().map_err(|_| error)
    }

    /// One byte.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        Ok(u8::from_be_bytes(self.array(what)?))
    }

    /// Two bytes, big end first.
    pub fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array(what)?))
    }

    /// Three bytes, big end first.
    pub fn u24(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let [a, b, c] = self.array(what)?;
        Ok(u32::from_be_bytes([0, a, b, c]))
    }

    /// Four bytes, big end first.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array(what)?))
    }

    /// A vector with a one-byte length before it (RFC 8446 section 3.4).
    pub fn vector8(&mut self, what: &'static str) -> Result<Self, DecodeError> {
        let length = self.u8(what)?;
        Ok(Self::new(self.take(length.into(), what)?))
    }

    /// A vector with a two-byte length before it.
    pub fn vector16(&mut self, what: &'static str) -> Result<Self, DecodeError> {
        let length = self.u16(what)?;
        Ok(Self::new(self.take(length.into(), what)?))
    }

    /// A vector with a three-byte length before it.
    pub fn vector24(&mut self, what: &'static str) -> Result<Self, DecodeError> {
        let length = self.u24(what)?;
        let length = usize::try_from(length).map_err(|_| self.error(what))?;
        Ok(Self::new(self.take(length, what)?))
    }

    /// The bytes before the next NUL, which is skipped.
    pub fn c_string(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = self.rest().iter().position(|byte| *byte == 0);
        let taken = self.take(length.ok_or(self.error(what))?, what)?;
        self.take(1, what)?;
        Ok(taken)
    }
}
