//! The report for people, from the top: the answer, then why and what mends it, then the evidence.

use super::page::{Page, Span, plain, strong};
use super::wording::{cut, endpoint, reached_address, state};
use super::{
    chain, comparison, evidence, expected, findings, names, profiles, reasons, startup, tls,
    verdicts, ways,
};
use crate::emulates::OpenSsl;
use crate::report::{HostReport, Report, Status};

/// One report, whole.
pub(super) fn report(page: &mut Page, report: &Report) {
    verdicts::plaintext(page, report);
    if report.hosts.len() > 1 {
        verdicts::list(page, report);
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
            let reasons = reasons::of_list(&report.sslmodes).into_iter();
            let reasons: Vec<_> = reasons.map(|reason| (reason, None)).collect();
            reasons::write(page, &reasons);
            page.blank();
        }
        page.prose(&[plain("nothing was sent: libpq refuses these parameters")]);
        if let Some(hint) = &report.target.hint {
            page.prose(&[plain(format!("hint: {hint}"))]);
        }
    }
    notes(page, &[report]);
    footer(page, &[report]);
}

/// Several reports: what differs, and each in full with `-v`.
pub(super) fn several(page: &mut Page, reports: &[Report]) {
    comparison::comparison(page, reports);
    let all: Vec<_> = reports.iter().collect();
    if page.style.verbosity == 0 {
        page.blank();
        notes(page, &all);
        page.text("more", "-v shows the report of each in full");
        footer(page, &all);
        return;
    }
    footer(page, &all);
    page.style.verbosity -= 1;
    for one in reports {
        page.blank();
        page.rule();
        report(page, one);
    }
}

/// What the reader should know beside the answers, each once.
fn notes(page: &mut Page, reports: &[&Report]) {
    let mut shown: Vec<&str> = Vec::new();
    for note in reports.iter().flat_map(|report| &report.notes) {
        if shown.contains(&note.as_str()) {
            continue;
        }
        shown.push(note);
        let with = reports.iter().filter(|report| report.notes.contains(note));
        let with: Vec<_> = with.map(|report| cut(&report.target.input)).collect();
        if with.len() == reports.len() {
            page.text("note", &cut(note));
        } else {
            page.text("note", &format!("{}: {}", with.join(", "), cut(note)));
        }
    }
}

fn host(page: &mut Page, report: &Report, host: &HostReport) {
    heading(page, host);
    page.blank();
    verdicts::table(page, report, &host.sslmodes, false);
    page.blank();
    let reasons = reasons::of_host(host);
    let all: Vec<_> = reasons.iter().cloned().map(|one| (one, None)).collect();
    reasons::write(page, &all);
    page.blank();
    reasons::other_clients(page, &host.other_clients);
    page.blank();
    if let Some(seen) = &host.tls {
        tls::tls(page, seen);
    } else if host.status == Status::NoTls {
        tls::none(page);
    }
    if let (Some(seen), Some(leaf)) = (&host.tls, host.certificates.first()) {
        chain::chain(page, report, &host.certificates, seen);
        chain::leaf(page, leaf);
        names::names(page, leaf, seen.host_name.as_ref());
    }
    if let Some(file) = &host.expected_certificate {
        expected::expected(page, file);
    }
    startup::startup(page, &host.startup, host.status, &reasons);
    ways::ways(page, host);
    evidence::addresses(page, host);
    findings::findings(page, host);
    profiles::profiles(page, host);
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
        evidence::answers(page, host);
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

fn footer(page: &mut Page, reports: &[&Report]) {
    let Some(first) = reports.first() else { return };
    let connections: usize = reports.iter().map(|report| report.connections).sum();
    let plural = if connections == 1 { "" } else { "s" };
    // Hosts are asked side by side: only of one host the sum is how long it took.
    let took = match reports {
        [Report { hosts, .. }] if connections > 0 => match hosts.as_slice() {
            [host] => {
                // The sum of nothing is -0.
                let took = host.timings.iter().fold(0.0, |sum, timing| sum + timing.ms);
                format!(", {took:.0} ms")
            }
            _ => String::new(),
        },
        _ => String::new(),
    };
    page.blank();
    page.prose(&[plain(format!(
        "{connections} connection{plural}{took}; emulates libpq {} with OpenSSL {}",
        first.emulates.libpq.major(),
        openssl(first.emulates.openssl)
    ))]);
}

fn openssl(library: OpenSsl) -> &'static str {
    match library {
        OpenSsl::V3Level2 => "3 (security level 2)",
        OpenSsl::V3Level1 => "3 (security level 1)",
        OpenSsl::V111 => "1.1.1",
    }
}
