//! What an earlier run of a scan has written already: the file of records is its own checkpoint.

use std::collections::HashSet;
use std::io::{self, BufRead};

use serde::Deserialize;

use super::target::fingerprint;

/// What is in the file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Done {
    /// The fingerprints of the targets that have their record.
    pub targets: HashSet<u128>,
    /// How long the whole records are; what follows is a record torn by the end of its process.
    pub length: u64,
    /// Whether something does follow.
    pub torn: bool,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    scan: Scan<'a>,
}

#[derive(Deserialize)]
struct Scan<'a> {
    #[serde(borrow)]
    target: std::borrow::Cow<'a, str>,
}

/// Reads the records of a scan, and gives each to `note`.
///
/// # Errors
/// When reading fails, and `InvalidData` where a whole line is no record of a scan.
pub fn read(mut file: impl BufRead, mut note: impl FnMut(&[u8])) -> io::Result<Done> {
    let mut done = Done::default();
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        let length = file.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            done.torn = length > 0;
            return Ok(done);
        }
        number += 1;
        let record: Line<'_> = serde_json::from_slice(&line).map_err(|error| {
            let text = format!("line {number} is no record of a scan: {error}");
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        done.targets.insert(fingerprint(&record.scan.target));
        done.length += u64::try_from(length).unwrap_or_default();
        note(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_records_are_kept_and_a_torn_one_is_cut_off() {
        let one = "{\"schema\":1,\"scan\":{\"target\":\"a:1\",\"fields\":{\"scan\":{}}}}\n";
        let two = "{\"schema\":1,\"scan\":{\"target\":\"b\\u0001:1\"}}\n";
        let whole = format!("{one}{two}");
        for cut in 0..=whole.len() {
            let mut noted = Vec::new();
            let note = |line: &[u8]| noted.extend_from_slice(line);
            let done = read(&whole.as_bytes()[..cut], note).unwrap();
            let count = usize::from(cut >= one.len()) + usize::from(cut == whole.len());
            let length = [0, one.len(), whole.len()][count];
            assert_eq!(done.targets.len(), count, "{cut}");
            assert_eq!(done.length, u64::try_from(length).unwrap());
            assert_eq!(done.torn, cut != length, "{cut}");
            assert_eq!(noted, whole.as_bytes()[..length]);
        }
        let done = read(whole.as_bytes(), |_| ()).unwrap();
        assert!(done.targets.contains(&fingerprint("b\u{1}:1")));
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        for text in ["db1\n", "{\"schema\":1}\n", "\n"] {
            let error = read(text.as_bytes(), |_| ()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{text}");
        }
    }
}
