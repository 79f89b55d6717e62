//! The lints as a whole; and for the tests of each, a server with nothing wrong, and what is changed
//! of it to see the lint fire, or just not.

use std::collections::BTreeSet;

use super::*;
use crate::emulates::Emulates;
use crate::report::enumeration::{
    Check, CheckState, EnumerationReport, ExtensionsReport, FrontEnd, FrontEndReport,
    VersionReport, VersionState,
};
use crate::report::{
    Advice, CertificateIdentity, CertificateReport, ExpectedCertificate, ExpectedVerdict, Fix,
    StartupAnswer, TlsReport,
};

/// When the server is judged: the day after its recording, 2026-11-24.
pub(super) const NOW: i64 = 1_795_478_400;

/// The host of a recorded server with nothing wrong.
pub(crate) fn host() -> HostReport {
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

/// What `--expect-cert` found.
pub(super) fn compared(verdict: ExpectedVerdict) -> ExpectedCertificate {
    ExpectedCertificate {
        file: "server.crt".into(),
        verdict,
        same_key: None,
        expected: CertificateIdentity {
            subject: String::new(),
            serial: String::new(),
            not_before: None,
            not_after: None,
            sha256: String::new(),
        },
        served: None,
    }
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
pub(crate) fn enumerate(host: &mut HostReport) -> &mut EnumerationReport {
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

/// The same, and that it fires where a handshake came about with a suite, and not with another.
pub(super) fn follows_a_suite(lint: &Lint, taken: &str, other: &str) {
    follows_the_enumeration(lint);
    fires(lint, |host| tls(host).cipher_suite = Some(taken.into()));
    passes(lint, |host| tls(host).cipher_suite = Some(other.into()));
}

/// The source of every lint.
fn sources() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lints");
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !["mod", "context", "remedy", "tests"].contains(&name.as_str()) {
            #[expect(clippy::disallowed_methods, reason = "a test reads its own source")]
            let text = std::fs::read_to_string(&path).unwrap();
            sources.push((name, text));
        }
    }
    sources
}

#[test]
fn every_file_of_the_folder_is_a_lint_of_its_name_and_has_both_cases() {
    let files: BTreeSet<String> = sources()
        .into_iter()
        .map(|(name, text)| {
            let has = |case: &str| text.contains(case);
            let both = has("follows_the_enumeration(&LINT")
                || has("follows_a_suite(")
                || (has("fires(&LINT") || has("fires_at(&LINT"))
                    && (has("passes(&LINT") || has("passes_at(&LINT"));
            assert!(both, "{name} has no case that fires and one that does not");
            name.replace('_', "-")
        })
        .collect();
    let names: BTreeSet<String> = LINTS.iter().map(|lint| lint.name.to_owned()).collect();
    assert_eq!(files, names);
    assert_eq!(names.len(), LINTS.len(), "two have one name");
}

#[test]
fn every_lint_says_all_of_itself() {
    for lint in LINTS {
        let name = lint.name;
        assert!(lint.citation.len() > 10, "{name}");
        assert!(lint.explanation.len() > 40, "{name}");
        assert!(lint.explanation.ends_with('.'), "{name}");
        assert!(!lint.summary.ends_with('.'), "{name}");
        assert!(!lint.remedies.is_empty(), "{name}");
        let line = format!("{name:<36} {:<8} {}", lint.severity.name(), lint.summary);
        assert!(line.len() <= 110, "{name}: {}", line.len());
        for covered in lint.covers {
            assert!(find(covered).is_some(), "{name} covers {covered}");
            assert_ne!(name, *covered);
        }
    }
}

#[test]
fn lints_agree_on_the_value_of_a_setting() {
    let mut settings: Vec<(&str, &str, &str)> = Vec::new();
    // What is suggested: the best of those above info.
    for lint in LINTS.iter().filter(|lint| lint.severity > Severity::Info) {
        for remedy in lint.remedies.iter().take(1) {
            for line in remedy.lines {
                let Some(setting) = remedy::setting(line) else {
                    continue;
                };
                for (known, other, by) in &settings {
                    assert!(
                        *known != setting || other == line,
                        "{}: {line}; {by}: {other}",
                        lint.name
                    );
                }
                settings.push((setting, line, lint.name));
            }
        }
    }
    assert!(settings.len() > 5, "{settings:?}");
}

#[test]
fn of_a_host_that_did_not_answer_nothing_is_found() {
    let mut host = host();
    host.tls = None;
    host.certificates.clear();
    host.startup = crate::report::StartupReport::default();
    host.ssl_request = None;
    for status in [
        crate::report::Status::Timeout,
        crate::report::Status::ConnectFailed,
        crate::report::Status::NotResolved,
        crate::report::Status::NothingSent,
    ] {
        host.status = status;
        assert_eq!(findings(&host, i64::MAX), []);
    }
}

#[test]
fn one_cause_is_one_finding() {
    let mut host = host();
    let certificate = leaf(&mut host);
    certificate.version = 1;
    certificate.subject_alt_names.clear();
    let names: Vec<_> = findings(&host, NOW).iter().map(|one| one.lint).collect();
    assert_eq!(names, ["x509-version-1"]);
}

#[test]
fn what_causes_something_worse_is_as_bad() {
    let mut host = host();
    leaf(&mut host).signature_algorithm = "sha1WithRSAEncryption".into();
    let found = |host: &HostReport| {
        let found = findings(host, NOW).into_iter();
        let all: Vec<_> = found.map(|one| (one.lint, one.severity)).collect();
        all
    };
    assert_eq!(
        found(&host),
        [("weak-certificate-digest", Severity::Medium)]
    );
    advise(&mut host, AdviceKind::PlaintextFallback, "md too weak");
    assert_eq!(found(&host), [("weak-certificate-digest", Severity::High)]);
}

#[test]
fn an_advice_that_mends_nothing_is_not_pointed_to() {
    let mut host = host();
    advise(
        &mut host,
        AdviceKind::FrontEnd,
        "the server hands out tickets",
    );
    let of_advice = |host: &HostReport| {
        let found = findings(host, NOW);
        let found = found
            .iter()
            .find(|one| one.lint == "front-end-terminates-tls");
        found.map(|one| (one.advice, one.fixes.len()))
    };
    assert_eq!(of_advice(&host), Some((Some(AdviceKind::FrontEnd), 1)));
    host.advice.last_mut().unwrap().fixes.clear();
    assert_eq!(of_advice(&host), Some((None, 1)));
}

#[test]
fn a_finding_keeps_its_fingerprint_and_another_has_another() {
    let named = |name: &str, hostaddr: Option<&str>, user: &str| {
        let mut host = host();
        host.host = Some(name.into());
        host.hostaddr = hostaddr.map(str::to_owned);
        host.startup.user = Some(user.into());
        host
    };
    let hosts = [
        named("db.example.com", None, "ann"),
        named("db2.example.com", None, "ann"),
        named("db.example.com", Some("192.0.2.1"), "ann"),
        named("db.example.com", None, "bob"),
    ];
    // A user is another only to what asks pg_hba.conf.
    for (lint, count) in [("no-tls", 3), ("trust-authentication", 4)] {
        let prints: BTreeSet<_> = hosts
            .iter()
            .map(|host| fingerprint(lint, None, host))
            .collect();
        assert_eq!(prints.len(), count, "{lint}");
    }
    assert_eq!(
        fingerprint("no-tls", None, &hosts[0]),
        "04b7120e05d69d393a71d4d0c134e9b4f9aa24a53cca3a15c69d285a8682685e"
    );
}

#[test]
fn what_names_a_user_is_told_apart_by_the_user() {
    for (name, text) in sources() {
        let (code, _) = text.split_once("#[cfg(test)]").unwrap();
        if code.contains(".whom()") || code.contains(".over_tls()") || code.contains(".plaintext()")
        {
            let scope = scope(&name.replace('_', "-"), None, &host());
            assert!(scope.user.is_some(), "{name}");
        }
    }
}

#[test]
fn nothing_is_suggested_that_needs_a_file_or_a_password_first() {
    let mut host = host();
    host.status = crate::report::Status::NoTls;
    lets_plaintext_in(&mut host).answer = crate::report::StartupKind::Accepted;
    let found = findings(&host, NOW);
    let names: Vec<_> = found.iter().map(|one| one.lint).collect();
    assert!(names.contains(&"no-tls") && names.contains(&"trust-authentication"));
    let suggestions = suggestions(&found);
    let clears = suggestions.iter().flat_map(|one| &one.clears);
    let clears: Vec<_> = clears
        .filter(|name| **name != "plaintext-accepted")
        .collect();
    assert_eq!(clears, [&""; 0]);
}

#[test]
fn suggestions_name_each_setting_once() {
    let mut host = host();
    tls(&mut host).protocol_version = Some("TLSv1.1".into());
    tls(&mut host).dh_bits = Some(1024);
    tls(&mut host).cipher_suite = Some("TLS_DHE_RSA_WITH_AES_128_CBC_SHA".into());
    let suggestions = suggestions(&findings(&host, NOW));
    assert_eq!(suggestions.len(), 1, "{suggestions:?}");
    let lines: BTreeSet<_> = suggestions[0].lines.iter().collect();
    assert_eq!(lines.len(), suggestions[0].lines.len());
    assert!(suggestions[0].clears.contains(&"tls-1-2-missing"));
    assert!(suggestions[0].clears.contains(&"weak-dh"));
}
