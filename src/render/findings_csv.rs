//! Findings as CSV (RFC 4180), a line each, for a spreadsheet.

use std::io::{self, Write};

use super::csv::line;
use crate::lints;
use crate::report::Report;

/// The names of the columns.
const HEADER: [&str; 13] = [
    "target",
    "tag",
    "host",
    "probed_at",
    "status",
    "severity",
    "finding",
    "message",
    "fix",
    "lines",
    "known_reason",
    "known_until",
    "fingerprint",
];

pub(super) fn header(out: &mut impl Write) -> io::Result<()> {
    line(&HEADER.map(str::to_owned), out)
}

/// The findings of a report; of one without any a line with its status, so that none is missing.
pub(super) fn rows(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let scan = report.scan.as_ref();
    let target = scan.map_or(&report.target.input, |scan| &scan.target);
    let tag = scan.and_then(|scan| scan.tag.clone()).unwrap_or_default();
    let begin = |host: String, status: &str| {
        [
            target.clone(),
            tag.clone(),
            host,
            report.probed_at.clone(),
            status.to_owned(),
        ]
    };
    let mut none = true;
    for host in &report.hosts {
        for finding in &host.findings {
            none = false;
            let fix = finding.fixes.first();
            let known = finding.known.as_ref();
            let mut cells = begin(lints::endpoint(host), host.status.name()).to_vec();
            cells.extend([
                finding.severity.name().to_owned(),
                finding.lint.to_owned(),
                finding.message.clone(),
                fix.map(|fix| fix.text.clone()).unwrap_or_default(),
                // Pasted as it is, all but the first is a comment in each place that takes several.
                fix.map(|fix| fix.paste.join("  # and: "))
                    .unwrap_or_default(),
                known.map(|known| known.reason.clone()).unwrap_or_default(),
                known.map(|known| known.until.clone()).unwrap_or_default(),
                finding.fingerprint.clone(),
            ]);
            line(&cells, out)?;
        }
    }
    if none {
        let mut cells = begin(String::new(), report.status.name()).to_vec();
        cells.resize(HEADER.len(), String::new());
        line(&cells, out)?;
    }
    Ok(())
}
