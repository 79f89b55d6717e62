//! The little of X.690 that keys and certificates need, as leniently as OpenSSL reads it.

/// The INTEGER tag.
pub(super) const INTEGER: u8 = 0x02;
/// The BIT STRING tag.
pub(super) const BIT_STRING: u8 = 0x03;
/// The OCTET STRING tag.
pub(super) const OCTET_STRING: u8 = 0x04;
/// The OBJECT IDENTIFIER tag.
pub(super) const OID: u8 = 0x06;
/// The SEQUENCE tag.
pub(super) const SEQUENCE: u8 = 0x30;

/// Why a structure could not be read, in OpenSSL's words (`ASN1_R_*`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum DerError {
    /// Another type than the one that belongs here.
    WrongTag,
    /// A length that leads beyond the end.
    TooLong,
}

impl DerError {
    /// OpenSSL's reason string.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::WrongTag => "wrong tag",
            Self::TooLong => "too long",
        }
    }
}

/// What is still unread of a constructed value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The tag of the next value, if there is one.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value: its tag, its contents, and all of its octets.
    pub(super) fn any(&mut self) -> Result<(u8, &'a [u8], &'a [u8]), DerError> {
        let (&[tag, first], after) = self
            .rest
            .split_first_chunk::<2>()
            .ok_or(DerError::TooLong)?;
        if tag & 0x1f == 0x1f {
            return Err(DerError::WrongTag);
        }
        let (length, after) = if first < 0x80 {
            (usize::from(first), after)
        } else {
            let (octets, after) = after
                .split_at_checked(usize::from(first & 0x7f))
                .ok_or(DerError::TooLong)?;
            if octets.is_empty() || octets.len() > 4 {
                return Err(DerError::TooLong);
            }
            let length = octets
                .iter()
                .fold(0usize, |sum, &octet| (sum << 8) | usize::from(octet));
            (length, after)
        };
        let (contents, after) = after.split_at_checked(length).ok_or(DerError::TooLong)?;
        let whole = self.rest.len() - after.len();
        let octets = self.rest.get(..whole).ok_or(DerError::TooLong)?;
        self.rest = after;
        Ok((tag, contents, octets))
    }

    /// The contents of the next value, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<&'a [u8], DerError> {
        let mut ahead = *self;
        let (found, contents, _) = ahead.any()?;
        if found != tag {
            return Err(DerError::WrongTag);
        }
        *self = ahead;
        Ok(contents)
    }

    /// The inside of the next value, which must be a SEQUENCE.
    pub(super) fn sequence(&mut self) -> Result<Self, DerError> {
        self.expect(SEQUENCE).map(Self::new)
    }

    /// The next INTEGER as an unsigned number without leading zeros.
    pub(super) fn integer(&mut self) -> Result<&'a [u8], DerError> {
        self.expect(INTEGER).map(without_zeros)
    }

    /// The next INTEGER, if it fits.
    pub(super) fn small(&mut self) -> Result<u64, DerError> {
        let octets = self.integer()?;
        if octets.len() > 8 {
            return Err(DerError::TooLong);
        }
        Ok(octets
            .iter()
            .fold(0, |sum, &octet| (sum << 8) | u64::from(octet)))
    }
}

fn without_zeros(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|&&octet| octet == 0).count();
    octets.get(zeros..).unwrap_or_default()
}

/// One value with this tag around these contents.
pub(super) fn wrap(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let length = without_zeros(&length);
    let mut out = vec![tag];
    match length {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            let count = u8::try_from(long.len()).unwrap_or(u8::MAX);
            out.push(0x80 | count);
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(contents);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_forms_are_read_and_written() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let value = wrap(OCTET_STRING, &vec![7; length]);
            let mut reader = Reader::new(&value);
            assert_eq!(reader.expect(OCTET_STRING).unwrap().len(), length);
            assert!(reader.rest().is_empty());
        }
    }

    #[test]
    fn what_is_cut_off_is_too_long_and_what_is_other_is_a_wrong_tag() {
        let value = wrap(SEQUENCE, &wrap(INTEGER, &[1]));
        for end in 0..value.len() {
            let mut reader = Reader::new(&value[..end]);
            assert_eq!(reader.sequence().unwrap_err(), DerError::TooLong, "{end}");
        }
        let mut reader = Reader::new(&value);
        assert_eq!(reader.integer().unwrap_err(), DerError::WrongTag);
        assert_eq!(reader.sequence().unwrap().small().unwrap(), 1);
    }
}
