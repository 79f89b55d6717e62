//! Several servers side by side: what differs, and what is the same for all.

use super::page::{Page, Span, Tone, plain, strong};
use super::sides::{self, Row};
use super::wording::{
    and, auth, cut, encrypted, endpoint, error_class, outcome, reached_address, startup_answer,
    startup_tone, state, subject, tls_answer, validity, verdict_tone, verified,
};
use super::{expected, reasons, verdicts};
use crate::report::{
    Anchors, CertificateReport, ChainStatus, HostReport, Outcome, Report, StartupAnswer,
    StartupKind, Status, TlsReport, Verdict,
};

/// How much of a hash is shown: enough to tell, and to find it in the full report.
const HASH: usize = 16;

/// How many servers can be told apart by a letter.
pub(super) const MOST: usize = 26;

/// A server of the comparison.
struct Server<'r> {
    letter: char,
    report: &'r Report,
    host: &'r HostReport,
}

/// The servers that were reached, if there are so many that they can be compared.
fn servers(reports: &[Report]) -> Option<Vec<Server<'_>>> {
    let hosts = reports
        .iter()
        .flat_map(|report| report.hosts.iter().map(move |host| (report, host)));
    let reached = hosts.filter(|(_, host)| is_reached(host));
    let servers: Vec<_> = reached
        .zip('A'..='Z')
        .map(|((report, host), letter)| Server {
            letter,
            report,
            host,
        })
        .collect();
    (servers.len() > 1).then_some(servers)
}

/// Whether there is something to compare.
pub(super) fn worthwhile(reports: &[Report]) -> bool {
    let hosts = reports
        .iter()
        .map(|report| report.hosts.len())
        .sum::<usize>();
    hosts <= MOST && servers(reports).is_some()
}

/// Writes the comparison; without something to compare, nothing.
pub(super) fn comparison(page: &mut Page, reports: &[Report]) {
    let Some(servers) = servers(reports) else {
        return;
    };
    plaintext(page, &servers);
    page.prose(&[strong(format!("{} servers side by side", servers.len()))]);
    for server in &servers {
        let mut line = vec![strong(endpoint(server.host))];
        if let Some(address) = reached_address(server.host) {
            line.push(plain(format!(" ({address})")));
        }
        line.push(plain("  "));
        line.push(state(server.host));
        page.flow(&[strong(format!("  {}  ", server.letter))], 5, &line);
    }
    unreached(page, reports);
    for report in reports.iter().filter(|report| report.hosts.len() > 1) {
        page.blank();
        verdicts::list(page, report);
    }
    let (same, different): (Vec<_>, Vec<_>) = rows(&servers).into_iter().partition(Row::is_same);
    page.blank();
    if different.is_empty() {
        page.prose(&[strong("nothing of what was compared differs")]);
    } else {
        let letters: Vec<_> = servers
            .iter()
            .map(|server| server.letter.to_string())
            .collect();
        let letters: Vec<_> = letters.iter().map(String::as_str).collect();
        sides::table(page, "what differs", &letters, &different);
    }
    if !same.is_empty() {
        page.blank();
        page.prose(&[strong("the same for all")]);
    }
    for row in same {
        if let Some(value) = row.values.first() {
            page.entry(row.label, std::slice::from_ref(value));
        }
    }
    page.blank();
    why(page, &servers, reports);
}

/// What must be seen before all else.
fn plaintext(page: &mut Page, servers: &[Server<'_>]) {
    let mut open: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    for server in servers {
        let modes = verdicts::plaintext_modes(server.host);
        if modes.is_empty() {
            continue;
        }
        let name = format!("{} ({})", server.letter, endpoint(server.host));
        match open.iter_mut().find(|(known, _)| *known == modes) {
            Some((_, names)) => names.push(name),
            None => open.push((modes, vec![name])),
        }
    }
    for (modes, names) in &open {
        let whom = if names.len() == servers.len() {
            format!("any of these {} servers", names.len())
        } else {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            and(&names)
        };
        verdicts::plaintext_line(page, modes, &whom);
    }
    if !open.is_empty() {
        page.blank();
    }
}

/// The servers that are not in the table, and what became of them.
fn unreached(page: &mut Page, reports: &[Report]) {
    for host in unreached_hosts(reports) {
        let name = strong(endpoint(host));
        page.flow(&[plain("  -  ")], 5, &[name, plain("  "), state(host)]);
    }
    for report in unread(reports) {
        let name = strong(cut(&report.target.input));
        page.flow(&[plain("  -  ")], 5, &[name, plain("  nothing sent")]);
    }
}

/// The hosts that no address of was connected to.
fn unreached_hosts(reports: &[Report]) -> impl Iterator<Item = &HostReport> {
    let hosts = reports.iter().flat_map(|report| &report.hosts);
    hosts.filter(|host| !is_reached(host))
}

/// The targets that libpq reads no host from.
fn unread(reports: &[Report]) -> impl Iterator<Item = &Report> {
    reports.iter().filter(|report| report.hosts.is_empty())
}

fn is_reached(host: &HostReport) -> bool {
    let mut addresses = host.addresses.iter();
    addresses.any(|address| address.connected == Some(true))
}

fn rows<'r>(servers: &[Server<'r>]) -> Vec<Row<'r>> {
    let row = |label, value: &dyn Fn(&Server<'r>) -> Option<Span<'r>>| {
        let values: Vec<_> = servers.iter().map(value).collect();
        // What none of them has is not compared.
        values.iter().any(Option::is_some).then(|| Row {
            label,
            values: values
                .into_iter()
                .map(|value| value.unwrap_or_else(|| plain("-")))
                .collect(),
        })
    };
    let tls = |server: &Server<'r>| server.host.tls.as_ref();
    let leaf = |server: &Server<'r>| server.host.certificates.first();
    let mut rows = Vec::new();
    let modes = servers
        .iter()
        .map(|server| server.host.sslmodes.len())
        .min();
    for number in 0..modes.unwrap_or_default() {
        let verdict = |server: &Server<'r>| server.host.sslmodes.get(number);
        let label = servers.first().and_then(verdict).map(|one| one.mode.name());
        rows.extend(row(label.unwrap_or_default(), &|server| {
            Some(verdict_span(verdict(server)?, server.host))
        }));
    }
    let facts = [
        row("TLS", &|server| {
            tls(server)?.protocol_version.as_deref().map(plain)
        }),
        row("suite", &|server| {
            tls(server)?.cipher_suite_openssl.as_deref().map(plain)
        }),
        row("group", &|server| tls(server)?.group.as_deref().map(plain)),
        row("subject", &|server| {
            Some(plain(subject(&leaf(server)?.subject)))
        }),
        row("certificate", &|server| {
            Some(plain(hash(&leaf(server)?.sha256)))
        }),
        row("its key", &|server| {
            Some(plain(hash(&leaf(server)?.spki_sha256)))
        }),
        row("issuer", &|server| Some(plain(issuer(leaf(server)?)))),
        row("validity", &|server| {
            let (tone, text) = validity(leaf(server)?, &server.report.judged_at);
            Some(Span::new(tone, text))
        }),
        row("sent", &|server| {
            leaf(server)?;
            Some(plain(match server.host.certificates.len() {
                1 => "1 certificate".to_owned(),
                more => format!("{more} certificates"),
            }))
        }),
        row("trusted by", &|server| Some(trusted_by(tls(server)?))),
        row("host name", &|server| host_name(tls(server)?)),
        row("file", &|server| {
            let file = server.host.expected_certificate.as_ref()?;
            Some(plain(expected::verdict(file.verdict)))
        }),
        row("client cert", &|server| {
            let client = &tls(server)?.client_certificate;
            Some(plain(match (client.requested?, client.demanded) {
                (true, Some(true)) => "demanded",
                (true, _) => "asked for",
                (false, _) => "not asked for",
            }))
        }),
        row("pg_hba TLS", &|server| {
            server.host.startup.tls.as_ref().map(startup_span)
        }),
        row("pg_hba plain", &|server| {
            server.host.startup.plaintext.as_ref().map(startup_span)
        }),
        row("direct TLS", &|server| {
            let direct = server.host.direct.as_ref()?;
            Some(plain(if direct.completed { "yes" } else { "no" }))
        }),
    ];
    rows.extend(facts.into_iter().flatten());
    rows
}

/// The answer in short: what a refusal says stands below, among the reasons.
fn startup_span(answer: &StartupAnswer) -> Span<'static> {
    let text = match (answer.answer, answer.auth) {
        (StartupKind::Asked, Some(asked)) => auth(asked).to_owned(),
        (StartupKind::Refused, _) => "refuses".into(),
        _ => startup_answer(answer),
    };
    Span::new(startup_tone(answer), text)
}

fn hash(hexadecimal: &str) -> String {
    format!("{}...", hexadecimal.get(..HASH).unwrap_or(hexadecimal))
}

fn issuer(leaf: &CertificateReport) -> std::borrow::Cow<'_, str> {
    if leaf.self_signed {
        "itself".into()
    } else {
        subject(&leaf.issuer)
    }
}

fn trusted_by(tls: &TlsReport) -> Span<'static> {
    let verified = tls.chain.iter().filter(|set| set.status == ChainStatus::Ok);
    let names: Vec<_> = verified
        .map(|set| match set.anchors {
            Anchors::RootFile => "root file",
            Anchors::System => "system",
            Anchors::Mozilla => "Mozilla",
        })
        .collect();
    if names.is_empty() {
        Span::new(Tone::Doubtful, "nobody")
    } else {
        plain(names.join(", "))
    }
}

fn host_name(tls: &TlsReport) -> Option<Span<'static>> {
    let name = tls.host_name.as_ref()?;
    Some(if name.matches {
        plain("matches")
    } else if name.host.is_empty() {
        plain("not given")
    } else {
        Span::new(Tone::Doubtful, "does not match")
    })
}

fn verdict_span(verdict: &Verdict, host: &HostReport) -> Span<'static> {
    let socket = host.status == Status::UnixSocket;
    let text = match (verdict.outcome, &verdict.error) {
        (Outcome::Connects, _) if verdict.encrypted == Some(true) => {
            format!("{}, {}", encrypted(verdict, socket), verified(verdict))
        }
        (Outcome::Connects, _) => encrypted(verdict, socket).to_owned(),
        (Outcome::Fails, Some(error)) => format!("fails: {}", error_class(error.code)),
        (Outcome::Fails, None) => outcome(verdict).to_owned(),
        (Outcome::Undetermined, _) => {
            format!("undetermined, TLS {}", tls_answer(verdict.tls))
        }
    };
    Span::new(verdict_tone(verdict, false, socket), text)
}

/// The reasons and what mends them, each once, with the servers that they are of.
fn why(page: &mut Page, servers: &[Server<'_>], reports: &[Report]) {
    let reached = servers
        .iter()
        .map(|server| (server.letter.to_string(), reasons::of_host(server.host)));
    let unreached = unreached_hosts(reports).map(|host| (endpoint(host), reasons::of_host(host)));
    let unread = unread(reports).map(|report| {
        let name = cut(&report.target.input).into_owned();
        (name, reasons::of_list(&report.sslmodes))
    });
    let everyone: Vec<_> = reached.chain(unreached).chain(unread).collect();
    let mut all: Vec<(reasons::Reason<'_>, Vec<&str>)> = Vec::new();
    for (name, reason) in everyone
        .iter()
        .flat_map(|(name, reasons)| reasons.iter().map(move |reason| (name, reason)))
    {
        match all.iter_mut().find(|(known, _)| known == reason) {
            Some((_, names)) => names.push(name),
            None => all.push((reason.clone(), vec![name])),
        }
    }
    let all: Vec<_> = all
        .into_iter()
        .map(|(reason, names)| {
            let some = names.len() < everyone.len();
            (reason, some.then(|| and(&names)))
        })
        .collect();
    reasons::write(page, &all);
}
