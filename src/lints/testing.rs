//! A server with nothing wrong, and what is changed of it to see a lint fire, or just not.

use super::{Context, Lint, findings};
use crate::emulates::Emulates;
use crate::report::enumeration::{
    Check, CheckState, EnumerationReport, ExtensionsReport, FrontEnd, FrontEndReport,
    VersionReport, VersionState,
};
use crate::report::{
    Advice, AdviceKind, CertificateReport, Fix, HostReport, Severity, StartupAnswer, TlsReport,
};

/// When the server is judged: the day after its recording, 2026-11-23.
pub(super) const NOW: i64 = 1_795_392_000;

/// The host of a recorded server with nothing wrong.
pub(super) fn host() -> HostReport {
    let saved = include_str!("../../tests/data/observations/good-full.json");
    let mut observation: serde_json::Value = serde_json::from_str(saved).unwrap();
    observation["observed_at"] = NOW.into();
    let observation = serde_json::from_value(observation).unwrap();
    let report = crate::assess::assess(&observation, Emulates::default(), NOW);
    report.hosts.into_iter().next().unwrap()
}

/// Asserts that a lint fires once a server is changed, and did not before.
pub(super) fn fires(lint: &Lint, change: impl FnOnce(&mut HostReport)) {
    fires_at(lint, NOW, change);
}

/// The same at another time.
pub(super) fn fires_at(lint: &Lint, now: i64, change: impl FnOnce(&mut HostReport)) {
    let mut host = host();
    let context = Context {
        host: &host,
        now: NOW,
    };
    assert_eq!((lint.check)(&context), None, "{} before", lint.name);
    change(&mut host);
    let context = Context { host: &host, now };
    let message = (lint.check)(&context);
    let message = message.unwrap_or_else(|| panic!("{} does not fire", lint.name));
    assert!(!message.is_empty() && !message.ends_with('.'), "{message}");
    let found = findings(&host, now);
    let found = found.iter().find(|one| one.lint == lint.name);
    let found = found.unwrap_or_else(|| panic!("{} is covered", lint.name));
    assert_eq!(found.severity, lint.severity);
    assert!(!found.fixes.is_empty(), "{} mends nothing", lint.name);
}

/// Asserts that a lint does not fire after a change.
pub(super) fn passes(lint: &Lint, change: impl FnOnce(&mut HostReport)) {
    passes_at(lint, NOW, change);
}

/// The same at another time.
pub(super) fn passes_at(lint: &Lint, now: i64, change: impl FnOnce(&mut HostReport)) {
    let mut host = host();
    change(&mut host);
    let context = Context { host: &host, now };
    assert_eq!((lint.check)(&context), None, "{}", lint.name);
}

pub(super) fn leaf(host: &mut HostReport) -> &mut CertificateReport {
    host.certificates.first_mut().unwrap()
}

pub(super) fn tls(host: &mut HostReport) -> &mut TlsReport {
    host.tls.as_mut().unwrap()
}

/// The same answer in plaintext as over TLS: scram-sha-256, without channel binding.
pub(super) fn lets_plaintext_in(host: &mut HostReport) -> &mut StartupAnswer {
    let mut answer = host.startup.tls.clone().unwrap();
    answer.auth = Some(crate::libpq::authentication::Auth::ScramSha256);
    answer.mechanisms = vec!["SCRAM-SHA-256".into()];
    host.startup.plaintext.insert(answer)
}

/// Gives the host an advice of a kind, with a fix.
pub(super) fn advise(host: &mut HostReport, about: AdviceKind, why: &str) {
    host.advice.push(Advice {
        about,
        modes: Vec::new(),
        why: why.into(),
        fixes: vec![Fix {
            text: "mend it".into(),
            place: crate::report::FixPlace::Elsewhere,
            paste: Vec::new(),
        }],
    });
}

/// Gives the host an enumeration of TLS 1.2 and 1.3 that found nothing wrong.
pub(super) fn enumerate(host: &mut HostReport) -> &mut EnumerationReport {
    let version = |name: &str, state| VersionReport {
        protocol_version: name.into(),
        state,
        reason: None,
        cipher_suites: Vec::new(),
        cipher_suites_complete: true,
        cipher_suite_order: None,
        groups: vec!["X25519MLKEM768".into(), "x25519".into()],
        groups_complete: true,
        group_order: None,
        signature_schemes: vec!["ecdsa_secp256r1_sha256".into()],
        signature_schemes_complete: true,
        extensions: ExtensionsReport::default(),
    };
    host.enumeration.insert(EnumerationReport {
        connections: 60,
        max_connections: 1000,
        turned_away: 0,
        finished: true,
        unfinished: None,
        versions: vec![
            version("SSLv3", VersionState::Refused),
            version("TLSv1", VersionState::Refused),
            version("TLSv1.1", VersionState::Refused),
            version("TLSv1.2", VersionState::Accepted),
            version("TLSv1.3", VersionState::Accepted),
        ],
        profiles: Vec::new(),
        keys: Vec::new(),
        dh: Vec::new(),
        server_name_matters: Some(false),
        fallback_refused: Some(true),
        tls_1_3_tickets: Some(0),
        checks: Vec::new(),
        front_end: FrontEndReport {
            conclusion: FrontEnd::NoSign,
            product: None,
            evidence: Vec::new(),
        },
    })
}

/// Says what an enumeration found of a weakness.
pub(super) fn check(host: &mut HostReport, name: &str, state: CheckState) {
    enumerate(host).checks.push(Check {
        name: name.into(),
        severity: Severity::Info,
        citation: String::new(),
        state,
        evidence: "this shows it".into(),
    });
}

/// Asserts that a lint fires by what an enumeration found, and neither where it found nothing nor
/// where it could not look.
pub(super) fn follows_the_enumeration(lint: &Lint) {
    fires(lint, |host| check(host, lint.name, CheckState::Present));
    passes(lint, |host| check(host, lint.name, CheckState::Absent));
    passes(lint, |host| check(host, lint.name, CheckState::NotObserved));
}
