//! Certificate times as OpenSSL reads and compares them.

use super::der::{DerError, DerResult, GENERALIZED_TIME, Reader, UNIVERSAL, UTC_TIME};

/// A UTCTime or GeneralizedTime.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asn1Time {
    /// The characters, as encoded.
    pub text: Vec<u8>,
    /// Whether the type is UTCTime, with its two-digit year.
    pub utc_time: bool,
    /// Unix seconds, where `ASN1_TIME_to_tm` can read the text (offsets and fractions included).
    readable: Option<i64>,
}

impl Asn1Time {
    /// Reads the next element, which must be one of the two types.
    pub(crate) fn read(reader: &mut Reader<'_>) -> DerResult<Self> {
        if reader.is_empty() {
            return Err(DerError("field missing"));
        }
        let element = reader.element()?;
        if element.class != UNIVERSAL {
            return Err(DerError("mstring not universal"));
        }
        if !(element.is(UNIVERSAL, UTC_TIME) || element.is(UNIVERSAL, GENERALIZED_TIME)) {
            return Err(DerError("mstring wrong tag"));
        }
        let utc_time = element.tag == UTC_TIME;
        let text = element.string()?.into_owned();
        let readable = unix_seconds(&text, utc_time);
        Ok(Self {
            text,
            utc_time,
            readable,
        })
    }

    /// Unix seconds, if the text has the one form that `X509_cmp_time` takes:
    /// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`. Anything else is an error in the field (13 or 14).
    pub fn unix(&self) -> Option<i64> {
        let length = if self.utc_time { 13 } else { 15 };
        let (last, digits) = self.text.split_last()?;
        let strict =
            self.text.len() == length && *last == b'Z' && digits.iter().all(u8::is_ascii_digit);
        if strict { self.readable } else { None }
    }

    /// Whether the text is shorter than the one form, which OpenSSL 3.5 refuses to decode at all.
    pub const fn is_short(&self) -> bool {
        self.text.len() < if self.utc_time { 13 } else { 15 }
    }

    /// Unix seconds as `ASN1_TIME_compare` reads them, more leniently.
    pub const fn readable(&self) -> Option<i64> {
        self.readable
    }
}

/// Mirrors `ossl_asn1_time_to_tm` without the strict flag.
fn unix_seconds(text: &[u8], utc_time: bool) -> Option<i64> {
    if text.len() < if utc_time { 11 } else { 13 } {
        return None;
    }
    let mut rest = text;
    let mut two_digits = |limit: std::ops::RangeInclusive<i64>| {
        let ([tens @ b'0'..=b'9', ones @ b'0'..=b'9'], after) = rest.split_at_checked(2)? else {
            return None;
        };
        // Something must follow each field: the zone at last.
        if after.is_empty() {
            return None;
        }
        rest = after;
        let value = i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
        limit.contains(&value).then_some((value, after[0]))
    };
    let year = if utc_time {
        let (year, _) = two_digits(0..=99)?;
        if year < 50 { 2000 + year } else { 1900 + year }
    } else {
        two_digits(0..=99)?.0 * 100 + two_digits(0..=99)?.0
    };
    let (month, _) = two_digits(1..=12)?;
    let (day, _) = two_digits(1..=31)?;
    if day > days_in_month(year, month) {
        return None;
    }
    let (hour, _) = two_digits(0..=23)?;
    let (minute, next) = two_digits(0..=59)?;
    let second = if matches!(next, b'Z' | b'+' | b'-') {
        0
    } else {
        two_digits(0..=59)?.0
    };
    if !utc_time && rest.first() == Some(&b'.') {
        let digits = rest[1..]
            .iter()
            .take_while(|digit| digit.is_ascii_digit())
            .count();
        if digits == 0 {
            return None;
        }
        rest = rest.get(1 + digits..)?;
    }
    let offset = match rest {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), digits @ ..] if digits.len() == 4 => {
            let field = |pair: &[u8], limit: i64| match pair {
                [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
                    let value = i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
                    (value <= limit).then_some(value)
                }
                _ => None,
            };
            let seconds = field(&digits[..2], 12)? * 3600 + field(&digits[2..], 59)? * 60;
            if *sign == b'-' { seconds } else { -seconds }
        }
        _ => return None,
    };
    Some(days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second + offset)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str, utc_time: bool) -> Asn1Time {
        let tag = if utc_time { 0x17 } else { 0x18 };
        let bytes = super::super::der::encode(tag, text.as_bytes());
        Asn1Time::read(&mut Reader::new(&bytes)).unwrap()
    }

    #[test]
    fn only_one_form_of_each_type_is_compared() {
        for (text, utc_time, unix) in [
            ("700101000000Z", true, Some(0)),
            ("500101000000Z", true, Some(-631_152_000)),
            ("491231235959Z", true, Some(2_524_607_999)),
            ("20500101000000Z", false, Some(2_524_608_000)),
            ("20240229000000Z", false, Some(1_709_164_800)),
            ("99991231235959Z", false, Some(253_402_300_799)),
            ("20230229000000Z", false, None),
            ("241301000000Z", true, None),
            ("240100000000Z", true, None),
            ("240101240000Z", true, None),
            ("240101000060Z", true, None),
            ("2401010000Z", true, None),
            ("240101000000+0000", true, None),
            ("20240101000000.5Z", false, None),
            ("20240101000000", false, None),
            ("", true, None),
            ("Z", false, None),
        ] {
            assert_eq!(time(text, utc_time).unix(), unix, "{text}");
        }
    }

    #[test]
    fn more_forms_are_readable() {
        for (text, utc_time, readable) in [
            ("7001010000Z", true, Some(0)),
            ("700101010000+0100", true, Some(0)),
            ("700101000000-0100", true, Some(3600)),
            ("19700101000000.25Z", false, Some(0)),
            ("19700101000000.Z", false, None),
            ("700101000000+1300", true, None),
        ] {
            assert_eq!(time(text, utc_time).readable(), readable, "{text}");
        }
    }
}
