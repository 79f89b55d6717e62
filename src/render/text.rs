//! The report for people, from the top: the answer, then why and what mends it, then the evidence.

use super::page::{Page, Span, Tone, plain, strong};
use super::wording::{cut, endpoint, reached_address};
use super::{chain, evidence, expected, names, reasons, startup, tls, verdicts};
use crate::emulates::OpenSsl;
use crate::report::{HostReport, Report, Status};

pub(super) fn report(page: &mut Page, report: &Report) {
    verdicts::plaintext(page, report);
    if report.hosts.len() > 1 {
        page.prose(&[strong(format!(
            "the list of {} hosts, as libpq goes through it",
            report.hosts.len()
        ))]);
        page.blank();
        verdicts::table(page, report, &report.sslmodes, true);
        page.blank();
    }
    for one in &report.hosts {
        host(page, report, one);
        page.blank();
    }
    let silent = report
        .hosts
        .iter()
        .all(|host| host.status == Status::NothingSent);
    if silent {
        if report.hosts.is_empty() {
            page.prose(&[strong(cut(&report.target.input))]);
            page.blank();
            verdicts::table(page, report, &report.sslmodes, false);
            page.blank();
            reasons::reasons_of_list(page, &report.sslmodes);
        }
        page.prose(&[plain("nothing was sent: libpq refuses these parameters")]);
    }
    for note in &report.notes {
        page.text("note", &cut(note));
    }
    footer(page, report);
}

fn host(page: &mut Page, report: &Report, host: &HostReport) {
    heading(page, host);
    page.blank();
    verdicts::table(page, report, &host.sslmodes, false);
    page.blank();
    reasons::reasons(page, host);
    page.blank();
    if let Some(seen) = &host.tls {
        tls::tls(page, seen);
    } else if host.status == Status::NoTls {
        tls::none(page);
    }
    tls::other_ways(page, host);
    if let (Some(seen), Some(leaf)) = (&host.tls, host.certificates.first()) {
        chain::chain(page, report, &host.certificates, seen);
        chain::leaf(page, leaf);
        names::names(page, leaf, seen.host_name.as_ref());
    }
    if let Some(file) = &host.expected_certificate {
        expected::expected(page, file);
    }
    startup::startup(page, &host.startup, host.status);
    evidence::addresses(page, host);
    if page.style.verbosity > 0 {
        page.blank();
        chain::fields(page, &host.certificates);
        evidence::steps(page, host);
    }
    if page.style.verbosity > 1 {
        evidence::attempts(page, host);
        if let Some(offer) = host.tls.as_ref().and_then(|tls| tls.offer.as_ref()) {
            evidence::offer(page, offer);
        }
    }
}

/// Who was asked, and what became of it.
fn heading(page: &mut Page, host: &HostReport) {
    let mut name = vec![strong(endpoint(host))];
    if let Some(address) = reached_address(host) {
        name.push(plain(format!(" ({address})")));
    }
    let state = state(host);
    let width = |spans: &[Span<'_>], page: &Page| -> usize {
        spans.iter().map(|span| page.width_of(&span.text)).sum()
    };
    let used = width(&name, page);
    let state_width = page.width_of(&state.text);
    if used + 2 + state_width <= page.style.width {
        name.push(plain("  "));
        name.push(state);
        page.line(&name);
    } else {
        page.prose(&name);
        page.flow(&[plain("  ")], 2, &[state]);
    }
}

fn state(host: &HostReport) -> Span<'static> {
    let version = host
        .tls
        .as_ref()
        .and_then(|tls| tls.protocol_version.clone());
    let word = match host.status {
        Status::Tls => return plain(version.unwrap_or_default()),
        Status::NoTls => return Span::new(Tone::Bad, "no TLS"),
        Status::UnixSocket => return plain("Unix socket: libpq never uses TLS here"),
        Status::TlsFailed => "TLS failed",
        Status::ProtocolError => "not PostgreSQL",
        Status::ConnectionClosed => "closed",
        Status::Timeout => "timeout",
        Status::ConnectFailed => "no connection",
        Status::NotResolved => "no address",
        Status::NothingSent => "nothing sent",
    };
    let text = match &host.failure {
        Some(failure) => format!("{word}: {}", cut(failure)),
        None => word.to_owned(),
    };
    Span::new(Tone::Doubtful, text)
}

fn footer(page: &mut Page, report: &Report) {
    let plural = if report.connections == 1 { "" } else { "s" };
    let all = report.hosts.iter().flat_map(|host| &host.timings);
    let took: f64 = all.map(|timing| timing.ms).sum();
    let took = match report.hosts.as_slice() {
        [_] if report.connections > 0 => format!(", {took:.0} ms"),
        _ => String::new(),
    };
    page.blank();
    page.prose(&[plain(format!(
        "{} connection{plural}{took}; emulates libpq {} with OpenSSL {}",
        report.connections,
        report.emulates.libpq.major(),
        openssl(report.emulates.openssl)
    ))]);
}

fn openssl(library: OpenSsl) -> &'static str {
    match library {
        OpenSsl::V3Level2 => "3 (security level 2)",
        OpenSsl::V3Level1 => "3 (security level 1)",
        OpenSsl::V111 => "1.1.1",
    }
}
