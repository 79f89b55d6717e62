//! Reports as metrics: the names of blackbox_exporter where it has one, `pgprobe_...` for the rest.
//!
//! What may be unknown is one series for each state, the true one 1, so that nothing undetermined
//! can be read as a 0 or a 1; what does not apply has no series at all.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::escape::escape;
use crate::libpq::parameters::SslMode;
use crate::report::{
    Anchors, CertificateReport, ChainReport, ChainStatus, HostReport, KeyPossession, Outcome,
    Report, StartupKind, Status,
};

/// How metrics are written down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exposition {
    /// Prometheus's text format, version 0.0.4.
    Prometheus,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Exposition {
    /// The media type to answer with.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Whether a metric's value can fall.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It can.
    Gauge,
    /// It only grows while the process lives.
    Counter,
}

impl Kind {
    /// The word after `# TYPE`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// A report with what only its maker knows.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// The report.
    pub report: &'a Report,
    /// The value of a label `target` on every series; `None` where the scraper adds its own.
    pub target: Option<&'a str>,
    /// How long the probe took, in seconds.
    pub seconds: Option<f64>,
    /// How long it was allowed to take, in seconds.
    pub timeout_seconds: Option<f64>,
}

/// A metric that a report can have.
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Its labels, beside `target`.
    pub labels: &'static [&'static str],
    series: fn(&Probe<'_>, &mut Series),
}

/// The values of one metric.
#[derive(Debug, Default)]
pub struct Series(Vec<(Vec<String>, f64)>);

impl Series {
    /// Adds a value with its labels' values, in the order of the labels.
    pub fn add(&mut self, labels: impl IntoIterator<Item = impl Into<String>>, value: f64) {
        let labels = labels.into_iter().map(Into::into).collect();
        self.0.push((labels, value));
    }

    fn plain(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.0.push((Vec::new(), value));
        }
    }

    /// One series for each state after the labels given: 1 for the true one.
    fn states(&mut self, labels: &[&str], states: &[&str], is: &str) {
        for state in states {
            let labels = labels
                .iter()
                .chain([state])
                .map(|label| (*label).to_owned());
            self.0
                .push((labels.collect(), f64::from(u8::from(*state == is))));
        }
    }
}

/// The most certificates of a chain that get series of their own.
const CERTIFICATES: usize = 10;

/// The most characters of a label's value: a server can make its names as long as it likes.
const LABEL_LENGTH: usize = 512;

const STATUSES: [&str; 10] = [
    "tls",
    "no_tls",
    "tls_failed",
    "protocol_error",
    "connection_closed",
    "timeout",
    "connect_failed",
    "not_resolved",
    "unix_socket",
    "nothing_sent",
];
const OUTCOMES: [&str; 3] = ["connects", "fails", "undetermined"];
const TLS_ANSWERS: [&str; 4] = ["accepted", "refused", "not used", "unknown"];
const POSSESSIONS: [&str; 4] = ["proved", "refuted", "unchecked", "not_seen"];
const CHAIN_STATUSES: [&str; 5] = ["ok", "failed", "undetermined", "absent", "unreadable"];
const ACCEPTED: [&str; 3] = ["accepted", "refused", "unknown"];
const REQUIRED: [&str; 3] = ["required", "not_required", "unknown"];
const SUPPORTED: [&str; 3] = ["supported", "not_supported", "unknown"];

/// Every metric of a probe, in the order in which they are written.
pub const METRICS: [Metric; 33] = [
    Metric {
        name: "probe_success",
        help: "1 if the probe succeeded: the TLS handshake was completed and the server proved \
               that it has the key of its certificate; with a demanded sslmode: libpq connects as \
               that promises. 0 also where that is undetermined.",
        labels: &[],
        series: |probe, series| series.plain(Some(number(succeeded(probe.report)))),
    },
    Metric {
        name: "probe_duration_seconds",
        help: "How long the probe took.",
        labels: &[],
        series: |probe, series| series.plain(probe.seconds),
    },
    Metric {
        name: "probe_timeout_seconds",
        help: "How long the probe was allowed to take.",
        labels: &[],
        series: |probe, series| series.plain(probe.timeout_seconds),
    },
    Metric {
        name: "probe_dns_lookup_time_seconds",
        help: "How long the name resolution took.",
        labels: &[],
        series: |probe, series| {
            let timings = shown(probe.report).map(|host| &host.timings);
            let lookup = timings.and_then(|all| all.iter().find(|timing| timing.step == "resolve"));
            series.plain(lookup.map(|timing| timing.ms / 1000.0));
        },
    },
    Metric {
        name: "probe_ip_protocol",
        help: "The IP version of the address that accepted the connection: 4 or 6.",
        labels: &[],
        series: |probe, series| {
            let addresses = shown(probe.report).map(|host| &host.addresses);
            let reached = addresses
                .and_then(|all| all.iter().find(|address| address.connected == Some(true)));
            let address: Option<std::net::SocketAddr> =
                reached.and_then(|reached| reached.address.parse().ok());
            series.plain(address.map(|address| if address.is_ipv4() { 4.0 } else { 6.0 }));
        },
    },
    Metric {
        name: "probe_ssl_earliest_cert_expiry",
        help: "The earliest end of validity of the certificates that the server sent, in seconds \
               since 1970.",
        labels: &[],
        series: |probe, series| {
            let ends = probe.report.certificates.iter();
            let ends = ends.filter_map(|certificate| unix(certificate.not_after.as_deref()));
            series.plain(ends.reduce(f64::min));
        },
    },
    Metric {
        name: "probe_ssl_last_chain_expiry_timestamp_seconds",
        help: "When the last verified chain ends, in seconds since 1970: that of the module's root \
               file if it has one, else those of the system's and of Mozilla's roots; no series if \
               no chain is verified.",
        labels: &[],
        series: |probe, series| {
            let verified = verified_chains(probe.report);
            let ends = verified.filter_map(|chain| unix(chain.not_after.as_deref()));
            series.plain(ends.reduce(f64::max));
        },
    },
    Metric {
        name: "probe_ssl_last_chain_info",
        help: "The server's own certificate.",
        labels: &[
            "fingerprint_sha256",
            "subject",
            "issuer",
            "subjectalternative",
            "serialnumber",
        ],
        series: |probe, series| {
            if let Some(leaf) = probe.report.certificates.first() {
                let names = leaf.subject_alt_names.iter();
                let names: Vec<_> = names.filter_map(|name| name.strip_prefix("DNS:")).collect();
                series.add(
                    [
                        leaf.sha256.to_ascii_lowercase(),
                        leaf.subject.clone(),
                        leaf.issuer.clone(),
                        names.join(","),
                        serial(leaf),
                    ],
                    1.0,
                );
            }
        },
    },
    Metric {
        name: "probe_tls_version_info",
        help: "The TLS version that was agreed on.",
        labels: &["version"],
        series: |probe, series| {
            let tls = probe.report.tls.as_ref().filter(|tls| tls.completed);
            if let Some(version) = tls.and_then(|tls| tls.protocol_version.as_deref()) {
                series.add([version.replacen("TLSv", "TLS ", 1)], 1.0);
            }
        },
    },
    Metric {
        name: "probe_tls_cipher_info",
        help: "The cipher suite that was agreed on, by IANA's name.",
        labels: &["cipher"],
        series: |probe, series| {
            let tls = probe.report.tls.as_ref().filter(|tls| tls.completed);
            series_info(series, tls.and_then(|tls| tls.cipher_suite.as_ref()));
        },
    },
    Metric {
        name: "pgprobe_probe_info",
        help: "The client whose behaviour is stated, how much was asked of the server, and the \
               sslmode that the module demands (empty if none).",
        labels: &["libpq", "openssl", "depth", "sslmode"],
        series: |probe, series| {
            let report = probe.report;
            let demanded = report.target.sslmode.map(SslMode::name).unwrap_or_default();
            series.add(
                [
                    word(&report.emulates.libpq),
                    word(&report.emulates.openssl),
                    word(&report.depth),
                    demanded.to_owned(),
                ],
                1.0,
            );
        },
    },
    Metric {
        name: "pgprobe_probe_timestamp_seconds",
        help: "When the probe began, in seconds since 1970.",
        labels: &[],
        series: |probe, series| series.plain(unix(Some(&probe.report.probed_at))),
    },
    Metric {
        name: "pgprobe_status",
        help: "What became of the target, as one series for each state.",
        labels: &["status"],
        series: |probe, series| series.states(&[], &STATUSES, &word(&probe.report.status)),
    },
    Metric {
        name: "pgprobe_connections",
        help: "How many connections the probe opened or tried.",
        labels: &[],
        series: |probe, series| {
            let count = u32::try_from(probe.report.connections).unwrap_or(u32::MAX);
            series.plain(Some(count.into()));
        },
    },
    Metric {
        name: "pgprobe_step_duration_seconds",
        help: "How long each step of each connection took.",
        labels: &["connection", "step"],
        series: |probe, series| {
            for timing in shown(probe.report)
                .into_iter()
                .flat_map(|host| &host.timings)
            {
                let connection = timing.purpose.as_ref().map(word).unwrap_or_default();
                series.add([connection, timing.step.to_owned()], timing.ms / 1000.0);
            }
        },
    },
    Metric {
        name: "pgprobe_sslmode_tls",
        help: "Whether libpq would take the TLS of the server in this sslmode (protocol, chain, \
               name), as one series for each answer.",
        labels: &["mode", "tls"],
        series: |probe, series| {
            for verdict in &probe.report.sslmodes {
                series.states(&[verdict.mode.name()], &TLS_ANSWERS, &word(&verdict.tls));
            }
        },
    },
    Metric {
        name: "pgprobe_sslmode_outcome",
        help: "Whether libpq would reach the point where the server accepts it or asks for \
               credentials in this sslmode, as one series for each answer; mostly undetermined at \
               depth handshake.",
        labels: &["mode", "outcome"],
        series: |probe, series| {
            for verdict in &probe.report.sslmodes {
                series.states(&[verdict.mode.name()], &OUTCOMES, &word(&verdict.outcome));
            }
        },
    },
    Metric {
        name: "pgprobe_sslmode_encrypted",
        help: "Whether that connection is encrypted; no series unless the outcome is connects.",
        labels: &["mode"],
        series: |probe, series| {
            for verdict in &probe.report.sslmodes {
                if let Some(encrypted) = verdict.encrypted {
                    series.add([verdict.mode.name()], number(encrypted));
                }
            }
        },
    },
    Metric {
        name: "pgprobe_sslmode_error_info",
        help: "Why libpq would not connect in this sslmode: error.code of the JSON report.",
        labels: &["mode", "code"],
        series: |probe, series| {
            for verdict in &probe.report.sslmodes {
                if let Some(error) = &verdict.error {
                    series.add([verdict.mode.name().to_owned(), word(&error.code)], 1.0);
                }
            }
        },
    },
    Metric {
        name: "pgprobe_plaintext",
        help: "Whether the server lets this user into this database without TLS, as one series \
               for each answer; unknown at depth handshake.",
        labels: &["plaintext"],
        series: |probe, series| series.states(&[], &ACCEPTED, plaintext(probe.report)),
    },
    Metric {
        name: "pgprobe_startup_info",
        help: "The answer of the server to a StartupMessage, and what it asks for.",
        labels: &["transport", "answer", "auth"],
        series: |probe, series| {
            let Some(host) = shown(probe.report) else {
                return;
            };
            let answers = [
                ("tls", &host.startup.tls),
                ("plaintext", &host.startup.plaintext),
            ];
            for (transport, answer) in answers {
                if let Some(answer) = answer {
                    let auth = answer.auth.as_ref().map(word).unwrap_or_default();
                    series.add([transport.to_owned(), word(&answer.answer), auth], 1.0);
                }
            }
        },
    },
    Metric {
        name: "pgprobe_direct_tls",
        help: "Whether the server takes TLS from the first byte, as one series for each answer; \
               unknown below depth full.",
        labels: &["direct_tls"],
        series: |probe, series| {
            let direct = shown(probe.report).and_then(|host| host.direct.as_ref());
            let answer = match direct.map(|direct| direct.completed) {
                Some(true) => "supported",
                Some(false) => "not_supported",
                None => "unknown",
            };
            series.states(&[], &SUPPORTED, answer);
        },
    },
    Metric {
        name: "pgprobe_client_certificate",
        help: "Whether the server lets nobody in without a client certificate, as one series for \
               each answer.",
        labels: &["client_certificate"],
        series: |probe, series| {
            let tls = probe.report.tls.as_ref();
            let answer = match tls.and_then(|tls| tls.client_certificate.demanded) {
                Some(true) => "required",
                Some(false) => "not_required",
                None => "unknown",
            };
            series.states(&[], &REQUIRED, answer);
        },
    },
    Metric {
        name: "pgprobe_client_certificate_requested",
        help: "Whether the TLS handshake asked for a client certificate; no series if it did not \
               come so far.",
        labels: &[],
        series: |probe, series| {
            let tls = probe.report.tls.as_ref();
            let requested = tls.and_then(|tls| tls.client_certificate.requested);
            series.plain(requested.map(number));
        },
    },
    Metric {
        name: "pgprobe_key_possession",
        help: "Whether the server proved that it has the private key of its certificate, as one \
               series for each answer.",
        labels: &["key_possession"],
        series: |probe, series| {
            let tls = probe.report.tls.as_ref();
            let seen = tls.map_or(KeyPossession::NotSeen, |tls| tls.key_possession);
            series.states(&[], &POSSESSIONS, &word(&seen));
        },
    },
    Metric {
        name: "pgprobe_tls_info",
        help: "The key exchange group, the scheme of the handshake signature and the ALPN protocol \
               that were agreed on.",
        labels: &["group", "signature_scheme", "alpn"],
        series: |probe, series| {
            if let Some(tls) = probe.report.tls.as_ref().filter(|tls| tls.completed) {
                let parts = [&tls.group, &tls.signature_scheme, &tls.alpn];
                series.add(parts.map(|part| part.clone().unwrap_or_default()), 1.0);
            }
        },
    },
    Metric {
        name: "pgprobe_chain",
        help: "What the chain is worth against each set of trust anchors by the rules of OpenSSL, \
               as one series for each answer.",
        labels: &["anchors", "status"],
        series: |probe, series| {
            for chain in chains(probe.report) {
                let anchors = word(&chain.anchors);
                series.states(&[&anchors], &CHAIN_STATUSES, &word(&chain.status));
            }
        },
    },
    Metric {
        name: "pgprobe_chain_error_info",
        help: "Why the chain is not trusted: the X509_V_ERR number of OpenSSL, and which \
               certificate of the path it is about, 0 being the server's own.",
        labels: &["anchors", "error", "depth"],
        series: |probe, series| {
            for chain in chains(probe.report) {
                if let Some(error) = chain.error {
                    let depth = chain.depth.map(|depth| depth.to_string());
                    let anchors = word(&chain.anchors);
                    series.add([anchors, error.to_string(), depth.unwrap_or_default()], 1.0);
                }
            }
        },
    },
    Metric {
        name: "pgprobe_host_name_matches",
        help: "Whether the certificate is for the host by the rules of libpq; no series if no \
               certificate was seen.",
        labels: &[],
        series: |probe, series| {
            let tls = probe.report.tls.as_ref();
            let name = tls.and_then(|tls| tls.host_name.as_ref());
            series.plain(name.map(|name| number(name.matches)));
        },
    },
    Metric {
        name: "pgprobe_certificates",
        help: "How many certificates the server sent.",
        labels: &[],
        series: |probe, series| {
            if probe.report.tls.is_some() {
                let count = u32::try_from(probe.report.certificates.len()).unwrap_or(u32::MAX);
                series.plain(Some(count.into()));
            }
        },
    },
    Metric {
        name: "pgprobe_certificate_not_before_timestamp_seconds",
        help: "When a certificate becomes valid, in seconds since 1970; position 0 is the \
               server's own.",
        labels: &["position"],
        series: |probe, series| {
            for (position, certificate) in certificates(probe.report) {
                if let Some(start) = unix(certificate.not_before.as_deref()) {
                    series.add([position], start);
                }
            }
        },
    },
    Metric {
        name: "pgprobe_certificate_not_after_timestamp_seconds",
        help: "When the validity of a certificate ends, in seconds since 1970; minus time() it is \
               what is left.",
        labels: &["position"],
        series: |probe, series| {
            for (position, certificate) in certificates(probe.report) {
                if let Some(end) = unix(certificate.not_after.as_deref()) {
                    series.add([position], end);
                }
            }
        },
    },
    Metric {
        name: "pgprobe_certificate_info",
        help: "A certificate that the server sent: its names, its key and its digests.",
        labels: &[
            "position",
            "subject",
            "issuer",
            "serial",
            "sha256",
            "spki_sha256",
            "key",
            "key_bits",
            "signature_algorithm",
        ],
        series: |probe, series| {
            for (position, certificate) in certificates(probe.report) {
                let bits = certificate.key_bits.map(|bits| bits.to_string());
                series.add(
                    [
                        position,
                        certificate.subject.clone(),
                        certificate.issuer.clone(),
                        certificate.serial.clone(),
                        certificate.sha256.clone(),
                        certificate.spki_sha256.clone(),
                        certificate.key_type.clone(),
                        bits.unwrap_or_default(),
                        certificate.signature_algorithm.clone(),
                    ],
                    1.0,
                );
            }
        },
    },
];

/// Whether a report is a success: the value of `probe_success`.
pub fn succeeded(report: &Report) -> bool {
    if report.target.error.is_some() {
        return false;
    }
    let Some(demanded) = report.target.sslmode else {
        let tls = report.tls.as_ref().filter(|_| report.status == Status::Tls);
        return tls.is_some_and(|tls| tls.completed && tls.key_possession == KeyPossession::Proved);
    };
    let verdict = report
        .sslmodes
        .iter()
        .find(|verdict| verdict.mode == demanded);
    verdict.is_some_and(|verdict| verdict.outcome == Outcome::Connects)
}

/// Writes the metrics of all probes, each metric once with all its series.
///
/// # Errors
/// When `out` does not take it.
pub fn render(
    probes: &[Probe<'_>],
    exposition: Exposition,
    out: &mut impl Write,
) -> io::Result<()> {
    for metric in &METRICS {
        let mut labels = metric.labels.to_vec();
        let mut all = Series::default();
        for probe in probes {
            let mut series = Series::default();
            (metric.series)(probe, &mut series);
            for (mut values, value) in series.0 {
                values.extend(probe.target.map(str::to_owned));
                all.0.push((values, value));
            }
        }
        if probes.iter().any(|probe| probe.target.is_some()) {
            labels.push("target");
        }
        let family = Family {
            name: metric.name,
            kind: Kind::Gauge,
            help: metric.help,
            labels: &labels,
        };
        family.write(&all, exposition, out)?;
    }
    end(exposition, out)
}

/// The name, meaning and labels of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Family<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it can fall.
    pub kind: Kind,
    /// What it means.
    pub help: &'a str,
    /// Its labels.
    pub labels: &'a [&'a str],
}

impl Family<'_> {
    /// Writes it with its series; nothing if it has none.
    ///
    /// # Errors
    /// When `out` does not take it.
    pub fn write(
        &self,
        series: &Series,
        exposition: Exposition,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if series.0.is_empty() {
            return Ok(());
        }
        // OpenMetrics names a counter without the suffix of its sample.
        let name = match exposition {
            Exposition::Prometheus => self.name,
            Exposition::OpenMetrics => self.name.strip_suffix("_total").unwrap_or(self.name),
        };
        writeln!(out, "# HELP {name} {}", self.help)?;
        writeln!(out, "# TYPE {name} {}", self.kind.name())?;
        // The same series twice would make the whole answer invalid.
        let mut written = HashSet::new();
        for (values, value) in &series.0 {
            let mut line = self.name.to_owned();
            for (number, (label, value)) in self.labels.iter().zip(values).enumerate() {
                line.push(if number == 0 { '{' } else { ',' });
                let _ = write!(line, "{label}=\"{}\"", label_value(value));
            }
            if !self.labels.is_empty() {
                line.push('}');
            }
            if written.insert(line.clone()) {
                writeln!(out, "{line} {value}")?;
            }
        }
        Ok(())
    }
}

/// Writes what must stand at the end.
///
/// # Errors
/// When `out` does not take it.
pub fn end(exposition: Exposition, out: &mut impl Write) -> io::Result<()> {
    match exposition {
        Exposition::Prometheus => Ok(()),
        Exposition::OpenMetrics => writeln!(out, "# EOF"),
    }
}

/// A label's value, without its quotes: harmless on a screen, and not longer than it may be.
fn label_value(text: &str) -> String {
    let safe = match text.char_indices().nth(LABEL_LENGTH) {
        Some((end, _)) => format!("{}...", escape(text.get(..end).unwrap_or_default())),
        None => escape(text).into_owned(),
    };
    // Line breaks are escaped already.
    safe.replace('\\', "\\\\").replace('"', "\\\"")
}

fn number(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn series_info(series: &mut Series, value: Option<&String>) {
    if let Some(value) = value {
        series.add([value.as_str()], 1.0);
    }
}

/// The word of the JSON report.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The host that `tls` and `certificates` of the report are from, or the first.
fn shown(report: &Report) -> Option<&HostReport> {
    report.hosts.get(report.host_index.unwrap_or_default())
}

fn chains(report: &Report) -> impl Iterator<Item = &ChainReport> {
    report.tls.iter().flat_map(|tls| &tls.chain)
}

/// The verified chains that count.
fn verified_chains(report: &Report) -> impl Iterator<Item = &ChainReport> {
    let own = chains(report)
        .any(|chain| chain.anchors == Anchors::RootFile && chain.status != ChainStatus::Absent);
    chains(report)
        .filter(move |chain| !own || chain.anchors == Anchors::RootFile)
        .filter(|chain| chain.status == ChainStatus::Ok)
}

fn certificates(report: &Report) -> impl Iterator<Item = (String, &CertificateReport)> {
    let numbered = report.certificates.iter().enumerate().take(CERTIFICATES);
    numbered.map(|(position, certificate)| (position.to_string(), &**certificate))
}

/// The serial number as blackbox_exporter writes it: whole bytes in lower case, without its sign.
fn serial(certificate: &CertificateReport) -> String {
    let digits = certificate
        .serial
        .trim_start_matches('-')
        .to_ascii_lowercase();
    if digits.len().is_multiple_of(2) {
        digits
    } else {
        format!("0{digits}")
    }
}

/// Whether plaintext is let in: only what pg_hba.conf says counts.
fn plaintext(report: &Report) -> &'static str {
    let answer = shown(report).and_then(|host| host.startup.plaintext.as_ref());
    match answer.map(|answer| answer.answer) {
        Some(StartupKind::Accepted | StartupKind::Asked) => "accepted",
        Some(StartupKind::Refused) => "refused",
        Some(StartupKind::Error | StartupKind::Failed | StartupKind::Timeout) | None => "unknown",
    }
}

/// RFC 3339 as seconds since 1970.
fn unix(time: Option<&str>) -> Option<f64> {
    let time = OffsetDateTime::parse(time?, &Rfc3339).ok()?;
    // Exact: years of four digits are far below 2^53 seconds.
    time.unix_timestamp().to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde_json::Value;

    use super::*;
    use crate::report::TlsAnswer;

    /// The words that a type can be in the JSON report.
    fn words<T: JsonSchema>() -> Vec<String> {
        fn collect(schema: &Value, into: &mut Vec<String>) {
            match schema {
                Value::Object(object) => {
                    for (key, value) in object {
                        match (key.as_str(), value) {
                            ("const", Value::String(word)) => into.push(word.clone()),
                            ("enum", Value::Array(words)) => {
                                into.extend(words.iter().filter_map(Value::as_str).map(Into::into));
                            }
                            _ => collect(value, into),
                        }
                    }
                }
                Value::Array(list) => list.iter().for_each(|schema| collect(schema, into)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        collect(schemars::schema_for!(T).as_value(), &mut found);
        found
    }

    #[test]
    fn states_are_the_words_of_the_json_report() {
        assert_eq!(words::<Status>(), STATUSES);
        assert_eq!(words::<Outcome>(), OUTCOMES);
        assert_eq!(words::<TlsAnswer>(), TLS_ANSWERS);
        assert_eq!(words::<KeyPossession>(), POSSESSIONS);
        assert_eq!(words::<ChainStatus>(), CHAIN_STATUSES);
    }

    #[test]
    fn labels_are_escaped_and_bounded() {
        assert_eq!(
            label_value("a\"b\\c\nd\u{202e}"),
            "a\\\"b\\\\c\\\\nd\\\\u{202e}"
        );
        let long = label_value(&"\u{fc}".repeat(100_000));
        assert_eq!(long.chars().count(), LABEL_LENGTH + 3);
        assert!(long.ends_with("\u{fc}..."));
    }

    #[test]
    fn names_are_unique_and_the_labels_of_a_metric_too() {
        let mut names = HashSet::new();
        for metric in &METRICS {
            assert!(names.insert(metric.name), "{}", metric.name);
            let labels: HashSet<_> = metric.labels.iter().collect();
            assert_eq!(labels.len(), metric.labels.len(), "{}", metric.name);
            assert!(!metric.labels.contains(&"target"), "{}", metric.name);
            // What must be escaped in a HELP line differs between the two formats.
            assert!(!metric.help.contains(['\\', '"', '\n']), "{}", metric.name);
        }
    }

    #[test]
    fn the_same_series_is_written_once() {
        let mut series = Series::default();
        series.add(["x"], 1.0);
        series.add(["x"], 2.0);
        let family = Family {
            name: "a_total",
            kind: Kind::Counter,
            help: "Help.",
            labels: &["l"],
        };
        let mut text = Vec::new();
        family
            .write(&series, Exposition::OpenMetrics, &mut text)
            .unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(
            text,
            "# HELP a Help.\n# TYPE a counter\na_total{l=\"x\"} 1\n"
        );
    }
}
