//! What `-v` adds to a check: facts, by the number of `-v` that show them.

use crate::report::{HostReport, Outcome, Report};

/// Each with its level.
pub(super) fn details(report: &Report, host: &HostReport) -> Vec<(u8, String)> {
    let mut all = Vec::new();
    for (place, certificate) in host.certificates.iter().enumerate() {
        let unknown = "?".to_owned();
        let from = certificate.not_before.as_ref().unwrap_or(&unknown);
        let until = certificate.not_after.as_ref().unwrap_or(&unknown);
        let mut add = |text: String| all.push((1, format!("certificate {place}: {text}")));
        add(format!("subject {}", certificate.subject));
        add(format!("issuer {}", certificate.issuer));
        add(format!(
            "serial {}, valid {from} to {until}",
            certificate.serial
        ));
        add(format!("SHA-256 {}", certificate.sha256));
        add(format!("SPKI SHA-256 {}", certificate.spki_sha256));
        if !certificate.subject_alt_names.is_empty() {
            add(format!(
                "names {}",
                certificate.subject_alt_names.join(", ")
            ));
        }
        if let Some(why) = &certificate.unparsed {
            add(format!("cannot be read whole: {why}"));
        }
    }
    for address in &host.addresses {
        let state = match (address.connected, &address.failure) {
            (Some(true), _) => "connected",
            (_, Some(failure)) => failure,
            (Some(false), None) => "not connected",
            (None, None) => "not tried",
        };
        all.push((2, format!("address {}: {state}", address.address)));
    }
    for timing in &host.timings {
        let seconds = timing.ms / 1000.0;
        all.push((2, format!("{} took {seconds:.6} s", timing.step)));
    }
    let emulates = format!(
        "judged as libpq {} on OpenSSL {} at {}; {} connections",
        report.emulates.libpq.major(),
        report.emulates.openssl.name(),
        report.judged_at,
        report.connections
    );
    all.push((2, emulates));
    for verdict in &host.sslmodes {
        let why = verdict.error.as_ref().map(|error| error.message.as_str());
        let why = why.or(verdict.reason.as_deref()).unwrap_or_default();
        let outcome = match verdict.outcome {
            Outcome::Connects => "connects",
            Outcome::Fails => "fails",
            Outcome::Undetermined => "undetermined",
        };
        let text = format!("{}: {outcome} {why}", verdict.mode.name());
        all.push((3, text.trim_end().to_owned()));
    }
    for note in &report.notes {
        all.push((3, format!("note: {note}")));
    }
    all
}
