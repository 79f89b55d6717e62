//! A record as a line of CSV (RFC 4180), for a spreadsheet.

use std::io::{self, Write};

use super::escape::escape;
use crate::libpq::parameters::SslMode;
use crate::report::{Report, TlsAnswer};

/// The names of the columns.
const HEADER: [&str; 21] = [
    "target",
    "tag",
    "address",
    "probed_at",
    "status",
    "failure",
    "protocol_version",
    "cipher_suite",
    "group",
    "require_tls",
    "verify_ca_tls",
    "verify_full_tls",
    "subject",
    "names",
    "issuer",
    "key",
    "signature_algorithm",
    "not_before",
    "not_after",
    "days_left",
    "sha256",
];

pub(super) fn header(out: &mut impl Write) -> io::Result<()> {
    line(&HEADER.map(str::to_owned), out)
}

pub(super) fn row(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let host = report.hosts.first();
    let address = host.and_then(|host| {
        let mut addresses = host.addresses.iter();
        addresses
            .clone()
            .find(|address| address.connected == Some(true))
            .or_else(|| addresses.next())
    });
    let tls = report.tls.as_ref();
    let answer = |mode| {
        let verdict = report.sslmodes.iter().find(|verdict| verdict.mode == mode);
        verdict.map_or("", |verdict| match verdict.tls {
            TlsAnswer::Accepted => "accepted",
            TlsAnswer::Refused => "refused",
            TlsAnswer::NotUsed => "not used",
            TlsAnswer::Unknown => "unknown",
        })
    };
    let scan = report.scan.as_ref();
    let leaf = report.certificates.first();
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    line(
        &[
            scan.map_or(&report.target.input, |scan| &scan.target)
                .clone(),
            text(scan.and_then(|scan| scan.tag.as_ref())),
            text(address.map(|address| &address.address)),
            report.probed_at.clone(),
            report.status.name().to_owned(),
            text(host.and_then(|host| host.failure.as_ref())),
            text(tls.and_then(|tls| tls.protocol_version.as_ref())),
            text(tls.and_then(|tls| tls.cipher_suite.as_ref())),
            text(tls.and_then(|tls| tls.group.as_ref())),
            answer(SslMode::Require).to_owned(),
            answer(SslMode::VerifyCa).to_owned(),
            answer(SslMode::VerifyFull).to_owned(),
            text(leaf.map(|leaf| &leaf.subject)),
            leaf.map(|leaf| leaf.subject_alt_names.join(" "))
                .unwrap_or_default(),
            text(leaf.map(|leaf| &leaf.issuer)),
            leaf.map(|leaf| match leaf.key_bits {
                Some(bits) => format!("{} {bits}", leaf.key_type),
                None => leaf.key_type.clone(),
            })
            .unwrap_or_default(),
            text(leaf.map(|leaf| &leaf.signature_algorithm)),
            text(leaf.and_then(|leaf| leaf.not_before.as_ref())),
            text(leaf.and_then(|leaf| leaf.not_after.as_ref())),
            leaf.and_then(|leaf| leaf.days_left)
                .map(|days| days.to_string())
                .unwrap_or_default(),
            text(leaf.map(|leaf| &leaf.sha256)),
        ],
        out,
    )
}

/// Writes cells, each quoted and none a formula.
pub(super) fn line(cells: &[String], out: &mut impl Write) -> io::Result<()> {
    let mut separator = "";
    for cell in cells {
        // A spreadsheet takes a cell that begins so for a formula, quoted or not; days may be fewer
        // than none.
        let number = cell.parse::<i64>().is_ok();
        let formula = !number && cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let mark = if formula { "'" } else { "" };
        write!(
            out,
            "{separator}\"{mark}{}\"",
            escape(cell).replace('"', "\"\"")
        )?;
        separator = ",";
    }
    out.write_all(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text_and_quotes_and_control_characters_harmless() {
        let mut cells = HEADER.map(|_| String::new());
        cells[0] = "=cmd|'/c calc'!A0".into();
        cells[1] = "a \"b\"\n, c".into();
        cells[19] = "-3".into();
        let mut out = Vec::new();
        line(&cells, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("\"'=cmd|'/c calc'!A0\",\"a \"\"b\"\"\\n, c\",\"\","),
            "{text}"
        );
        assert!(text.ends_with(",\"-3\",\"\"\r\n"), "{text}");
    }
}
