//! Findings as SARIF 2.1.0 (OASIS), for code scanning and whatever else collects results: one run,
//! every lint a rule, every finding a result, every target that did not answer a notification.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::escape::{escape, json as safe_json};
use super::reasons::place;
use crate::lints::{self, LINTS, Lint};
use crate::report::{Finding, Fix, HostReport, Report, Severity};

/// More targets that did not answer are counted, not named.
const MOST_NOTIFICATIONS: usize = 1000;

/// The name and version of the fingerprint in `partialFingerprints`.
const FINGERPRINT: &str = "pgprobeFinding/v1";

/// Writes the begin, up to the results.
pub(super) fn header(out: &mut impl Write) -> io::Result<()> {
    let rules: Vec<Value> = LINTS.iter().map(|lint| rule(lint)).collect();
    let driver = json!({
        "name": "pgprobe",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    writeln!(
        out,
        "{{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\
         \"runs\":[{{\"tool\":{{\"driver\":{driver}}},\"results\":["
    )
}

/// Writes the results of a report, each after a comma: that of the first is not to be written.
pub(super) fn results(report: &Report, out: &mut impl Write) -> io::Result<()> {
    for host in &report.hosts {
        for finding in &host.findings {
            let result = result(report, host, finding).to_string();
            writeln!(out, ",{}", safe_json(&result))?;
        }
    }
    Ok(())
}

/// Why nothing, or not all, could be found of a target, if so: for [`footer`].
pub(super) fn notifications(report: &Report) -> Vec<String> {
    let name = target(report);
    let of_host = |host: &HostReport| match report.hosts.len() {
        1 => String::new(),
        _ => format!(" ({})", lints::endpoint(host)),
    };
    let mut all: Vec<String> = report
        .unobserved()
        .map(|host| {
            let failure = host.failure.as_deref();
            let failure = failure.map_or_else(String::new, |why| format!(": {why}"));
            format!("{name}{}: {}{failure}", of_host(host), host.status.name())
        })
        .collect();
    all.extend(report.hosts.iter().filter_map(|host| {
        let unfinished = host.enumeration.as_ref()?.unfinished.as_deref()?;
        let host = of_host(host);
        Some(format!(
            "{name}{host}: the enumeration did not finish: {unfinished}"
        ))
    }));
    if report.hosts.is_empty() {
        let error = report.target.error.as_ref();
        let why = error.map_or("", |error| error.message.as_str());
        all.push(format!("{name}: {}: {why}", report.status.name()));
    }
    all
}

/// Writes the end, after the results.
pub(super) fn footer(notifications: &[String], out: &mut impl Write) -> io::Result<()> {
    let mut all: Vec<Value> = notifications
        .iter()
        .take(MOST_NOTIFICATIONS)
        .map(|text| json!({"level": "error", "message": {"text": plain(text)}}))
        .collect();
    if let Some(more) = notifications.len().checked_sub(MOST_NOTIFICATIONS + 1) {
        let text = format!("{} more, which are not named here", more + 1);
        all.push(json!({"level": "error", "message": {"text": text}}));
    }
    let invocation = json!({
        "executionSuccessful": notifications.is_empty(),
        "toolExecutionNotifications": all,
    });
    let text = invocation.to_string();
    writeln!(out, "],\"invocations\":[{}]}}]}}", safe_json(&text))
}

fn rule(lint: &Lint) -> Value {
    let fixes: Vec<String> = lint
        .remedies
        .iter()
        .map(|remedy| {
            let lines = remedy.example().join("\n");
            format!("{}\n{lines}", remedy.text).trim_end().to_owned()
        })
        .collect();
    json!({
        "id": lint.name,
        "shortDescription": {"text": message(lint.summary)},
        "fullDescription": {"text": message(lint.explanation)},
        "help": {"text": message(&format!("{}\n\n{}", lint.citation, fixes.join("\n\n")))},
        "defaultConfiguration": {"level": level(lint.severity)},
        "properties": {
            "tags": ["security", "tls", "postgresql"],
            "security-severity": score(lint.severity),
        },
    })
}

fn result(report: &Report, host: &HostReport, finding: &Finding) -> Value {
    let place = LINTS.iter().position(|lint| lint.name == finding.lint);
    let summary = lints::find(finding.lint).map_or("", |lint| lint.summary);
    let fix = finding.fixes.first().map(mend).unwrap_or_default();
    let mut text = plain(&format!("{summary}: {}{fix}", finding.message));
    // Lines to be pasted are lines: on one they would break the file that they are for.
    for line in finding.fixes.first().iter().flat_map(|fix| &fix.paste) {
        text.push('\n');
        text += &plain(line);
    }
    let endpoint = lints::endpoint(host);
    let mut result = json!({
        "ruleId": finding.lint,
        "ruleIndex": place.unwrap_or_default(),
        "level": level(finding.severity),
        "message": {"text": text},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": uri(lints::name_and_port(host))}},
            "logicalLocations": [{"fullyQualifiedName": escape(&endpoint), "kind": "resource"}],
        }],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": {
            "severity": finding.severity.name(),
            "target": escape(target(report)),
            "probed_at": report.probed_at,
        },
    });
    if let (Some(known), Some(result)) = (&finding.known, result.as_object_mut()) {
        let why = format!("{} (until {})", known.reason, known.until);
        result.insert(
            "suppressions".into(),
            json!([{"kind": "external", "justification": escape(&why)}]),
        );
    }
    result
}

/// The best fix, after the message and before its lines.
fn mend(fix: &Fix) -> String {
    format!(". To mend it: {}{}", fix.text, place(fix))
}

fn target(report: &Report) -> &str {
    match &report.scan {
        Some(scan) => &scan.target,
        None => &report.target.input,
    }
}

/// A message that holds a server's words.
fn plain(text: &str) -> String {
    message(&escape(text))
}

/// A text as a SARIF message: brackets would be a link (3.11.6), braces a placeholder (3.11.5).
fn message(text: &str) -> String {
    text.chars().fold(String::new(), |mut safe, c| {
        match c {
            '\\' | '[' | ']' => {
                safe.push('\\');
                safe.push(c);
            }
            '{' | '}' => {
                safe.push(c);
                safe.push(c);
            }
            c => safe.push(c),
        }
        safe
    })
}

/// A host and its port as a URI (RFC 3986 section 3.2.2); the path of a Unix socket stands in the
/// place of the host, percent-encoded, as libpq reads it.
fn uri((name, port): (&str, &str)) -> String {
    use std::fmt::Write as _;
    let mut uri = String::from("postgresql://");
    if name.parse::<std::net::Ipv6Addr>().is_ok() {
        let _ = write!(uri, "[{name}]");
    } else {
        percent_encode(name, &mut uri);
    }
    uri.push(':');
    percent_encode(port, &mut uri);
    uri
}

/// All but what is unreserved in RFC 3986.
fn percent_encode(text: &str, uri: &mut String) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// GitHub's `security-severity`: over 9.0 is critical, 7.0 high, 4.0 medium, 0.0 low.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_a_link_or_a_placeholder_is_text() {
        assert_eq!(
            plain("CN=[x](https://evil) {0} \u{1b}[31m"),
            r"CN=\[x\](https://evil) {{0}} \\u{{1b}}\[31m"
        );
    }

    #[test]
    fn an_endpoint_cannot_leave_its_place_in_the_uri() {
        for (name, port, is) in [
            ("db", "5432", "postgresql://db:5432"),
            ("2001:db8::1", "5432", "postgresql://[2001:db8::1]:5432"),
            ("fe80::1%eth0", "1", "postgresql://fe80%3A%3A1%25eth0:1"),
            ("/run/a b", "5432", "postgresql://%2Frun%2Fa%20b:5432"),
            ("[x]", "a/b", "postgresql://%5Bx%5D:a%2Fb"),
            ("a/b?c#d@e", "1", "postgresql://a%2Fb%3Fc%23d%40e:1"),
        ] {
            assert_eq!(uri((name, port)), is);
        }
    }
}
