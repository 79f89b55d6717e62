//! Random hosts and certificates: whether libpq's verify-full takes the name, and its message to the
//! letter, next to those of real libpqs.
//!
//! `PGPROBE_HOST_NAMES` says how many pairs, `PGPROBE_HOST_NAMES_SEED` which.

use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pgprobe::libpq::host_name;
use pgprobe::pki::Certificate;
use serde_json::Value;

use crate::support::installation::cache;
use crate::support::repository::repository;

/// How many pairs each run of the tests looks at.
const SLICE: usize = 120;

/// What verify-full says of a leaf, as `assess` asks it; `None`: it takes the name.
fn ours(host: &str, der: &[u8]) -> Option<String> {
    let leaf = Certificate::parse(der);
    assert_eq!(leaf.unparsed, None, "{host:?}");
    let common_name = leaf.common_names().next().map(|name| &*name.value);
    let result = host_name::verify(host, &host_name::presented(&leaf), common_name);
    result.err().map(|mismatch| mismatch.message)
}

/// A message of libpq's, in which the pairs have `\\xNN` for what is no UTF-8, as pgprobe shows it.
fn shown(message: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend(before.bytes());
        match after.get(..2).map(|digits| u8::from_str_radix(digits, 16)) {
            Some(Ok(byte)) if byte >= 0x80 => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.extend(b"\\x");
                rest = after;
            }
        }
    }
    bytes.extend(rest.bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn random_names_are_compared_as_libpq_does_in_its_words() {
    let variable = |name: &str| std::env::var(name).ok();
    let count = variable("PGPROBE_HOST_NAMES").map_or(SLICE, |count| count.parse().unwrap());
    let seed = variable("PGPROBE_HOST_NAMES_SEED").unwrap_or_else(|| "1".to_owned());
    let output = Command::new(cache().join("venv/bin/python"))
        .arg(repository("tests/host_names/host_names.py"))
        .args(["--seed", &seed, "--count", &count.to_string()])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let (mut all, mut taken, mut differing) = (0, 0, Vec::new());
    for line in lines.lines() {
        let pair: Value = serde_json::from_str(line).unwrap();
        let host = pair["host"].as_str().unwrap();
        let der = BASE64_STANDARD
            .decode(pair["certificate"].as_str().unwrap())
            .unwrap();
        let ours = ours(host, &der);
        taken += usize::from(ours.is_none());
        for (libpq, theirs) in pair["said"].as_object().unwrap() {
            all += 1;
            if ours != theirs.as_str().map(shown) {
                differing.push(format!(
                    "{host:?}, libpq {libpq}: {ours:?}, it says {theirs}\n{line}"
                ));
            }
        }
    }
    say(&format!("both agree in {} of {all}", all - differing.len()));
    assert_eq!(all, 4 * count);
    assert!(taken > 0);
    assert!(
        differing.is_empty(),
        "{} differ:\n{}",
        differing.len(),
        differing[..differing.len().min(20)].join("\n")
    );
}

/// The figures of `tests/run`.
#[expect(clippy::print_stdout, reason = "tests/run reads what a test prints")]
fn say(line: &str) {
    println!("{line}");
}
