//! Hosts as CSV (RFC 4180), for a spreadsheet: the file beside a page that cannot hold them all.

use std::io::{self, Write};

use super::attention::Remark;
use super::host::{Host, day};
use crate::render::csv_line;

/// The names of the columns.
pub const HEADER: [&str; 20] = [
    "target",
    "tag",
    "address",
    "probed_at",
    "status",
    "protocol_version",
    "cipher_suite",
    "group",
    "verify_ca_tls",
    "verify_full_tls",
    "startup_tls",
    "startup_plaintext",
    "subject",
    "names",
    "issuer",
    "key",
    "not_after",
    "chain_expires",
    "sha256",
    "remarks",
];

/// Writes the names of the columns.
///
/// # Errors
/// Those of writing.
pub fn header(out: &mut impl Write) -> io::Result<()> {
    csv_line(&HEADER.map(str::to_owned), out)
}

/// Writes a host.
///
/// # Errors
/// Those of writing.
pub fn row(host: &Host, remarks: &[Remark], out: &mut impl Write) -> io::Result<()> {
    let tls = |mode| {
        host.mode(mode)
            .map(|mode| mode.tls.clone())
            .unwrap_or_default()
    };
    let leaf = host.leaf();
    let of_leaf = |field: fn(&super::host::Chained) -> &String| {
        leaf.map(|leaf| field(leaf).clone()).unwrap_or_default()
    };
    let words: Vec<_> = remarks.iter().map(|remark| remark.1).collect();
    let cells = [
        host.name.clone(),
        host.tag.clone(),
        host.address.clone(),
        if host.probed_at == 0 {
            String::new()
        } else {
            time(host.probed_at)
        },
        host.status.clone(),
        host.protocol_version.clone(),
        host.cipher_suite.clone(),
        host.group.clone(),
        tls("verify-ca"),
        tls("verify-full"),
        host.tls_startup.words().to_owned(),
        host.plaintext_startup.words().to_owned(),
        of_leaf(|leaf| &leaf.subject),
        of_leaf(|leaf| &leaf.names),
        of_leaf(|leaf| &leaf.issuer),
        of_leaf(|leaf| &leaf.key),
        leaf.and_then(|leaf| leaf.not_after)
            .map(day)
            .unwrap_or_default(),
        host.expires().map(day).unwrap_or_default(),
        of_leaf(|leaf| &leaf.sha256),
        words.join("; "),
    ];
    csv_line(&cells, out)
}

fn time(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|time| {
            time.format(&time::format_description::well_known::Rfc3339)
                .ok()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text_and_quotes_are_doubled() {
        let host = Host {
            name: "=cmd|'/c calc'!A0".into(),
            tag: "a \"b\", c".into(),
            ..Host::default()
        };
        let mut out = Vec::new();
        row(&host, &[], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("\"'=cmd|'/c calc'!A0\",\"a \"\"b\"\", c\","),
            "{text}"
        );
        assert_eq!(text.matches("\",\"").count(), HEADER.len() - 1);
    }
}
