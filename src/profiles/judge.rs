//! How each kind of rule is looked at in what a report says of a host.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Check;
use crate::report::enumeration::{CheckState, EnumerationReport, SuiteReport, VersionState};
use crate::report::{CertificateReport, HostReport, RuleOutcome, StartupKind, Status, TlsReport};

/// What became of a rule, and why.
type Judged = (RuleOutcome, String);

const PASS: RuleOutcome = RuleOutcome::Pass;
const FAIL: RuleOutcome = RuleOutcome::Fail;
const NOT_APPLICABLE: RuleOutcome = RuleOutcome::NotApplicable;
const NOT_OBSERVED: RuleOutcome = RuleOutcome::NotObserved;

/// Said where only an enumeration would tell.
const ASK_MORE: &str = "--enumerate would tell";

pub(super) fn judge(check: &Check, host: &HostReport) -> Judged {
    match check {
        Check::NotFromHere(why) => return (NOT_OBSERVED, why.clone()),
        Check::Tls => return tls(host),
        Check::PlaintextRefused => return plaintext(host),
        _ if host.status == Status::NoTls => {
            return (NOT_APPLICABLE, "there is no TLS".into());
        }
        _ => {}
    }
    let Some(tls) = &host.tls else {
        return (NOT_OBSERVED, "no TLS was seen".into());
    };
    let seen = host.enumeration.as_ref();
    match check {
        Check::VersionsAllowed(allowed) => versions_allowed(allowed, tls, seen),
        Check::VersionsRequired(required) => versions_required(required, tls, seen),
        Check::SuitesAllowed(allowed) => suites(tls, seen, "not among those allowed", |suite| {
            allowed.contains(&suite.name)
        }),
        Check::KeyExchangesAllowed(allowed) => {
            suites(tls, seen, "of another key exchange", |suite| {
                suite.key_exchange == "any" || allowed.contains(&suite.key_exchange)
            })
        }
        Check::SuiteBitsAtLeast(least) => {
            suites(tls, seen, "of fewer bits", |suite| suite.bits >= *least)
        }
        Check::GroupsAllowed(allowed) => groups_allowed(allowed, tls, seen),
        Check::GroupsAny(wanted) => groups_any(wanted, tls, seen),
        Check::DhBitsAtLeast(least) => dh_bits(*least, tls, seen),
        Check::ChecksAbsent(names) => checks_absent(names, seen),
        Check::KeyTypes(allowed) => certificate(host, |leaf| {
            let kind = leaf.key_type.split(' ').next().unwrap_or_default();
            let kind = if kind == "RSA-PSS" { "RSA" } else { kind };
            let passes = allowed.iter().any(|one| one == kind);
            (outcome(passes), format!("the key is {}", leaf.key_type))
        }),
        Check::CurvesAllowed(allowed) => {
            certificate(host, |leaf| match leaf.key_type.strip_prefix("EC ") {
                Some(curve) => {
                    let passes = allowed.iter().any(|one| one == curve);
                    (outcome(passes), format!("the curve is {curve}"))
                }
                None => other_key(leaf),
            })
        }
        Check::RsaBitsAtLeast(least) => certificate(host, |leaf| key_bits(leaf, "RSA", *least)),
        Check::EcBitsAtLeast(least) => certificate(host, |leaf| key_bits(leaf, "EC", *least)),
        Check::SignatureAlgorithms(allowed) => certificate(host, |leaf| {
            let passes = allowed.contains(&leaf.signature_algorithm);
            (
                outcome(passes),
                format!("it is signed with {}", leaf.signature_algorithm),
            )
        }),
        Check::LifetimeDaysAtMost(most) => certificate(host, |leaf| lifetime(leaf, *most)),
        Check::X509Version(wanted) => certificate(host, |leaf| {
            (
                outcome(leaf.version == *wanted),
                format!("it is of version {}", leaf.version),
            )
        }),
        // Done above.
        Check::NotFromHere(_) | Check::Tls | Check::PlaintextRefused => {
            (NOT_OBSERVED, String::new())
        }
    }
}

const fn outcome(passes: bool) -> RuleOutcome {
    if passes { PASS } else { FAIL }
}

fn tls(host: &HostReport) -> Judged {
    match host.status {
        Status::Tls => (PASS, "a handshake was completed".into()),
        Status::NoTls => (FAIL, "the server answers N to SSLRequest".into()),
        Status::TlsFailed => (FAIL, "TLS is begun and fails".into()),
        Status::UnixSocket => (NOT_APPLICABLE, "it is a Unix socket".into()),
        Status::ProtocolError
        | Status::ConnectionClosed
        | Status::Timeout
        | Status::ConnectFailed
        | Status::NotResolved
        | Status::NothingSent => (NOT_OBSERVED, "the server was not reached".into()),
    }
}

fn plaintext(host: &HostReport) -> Judged {
    if host.status == Status::UnixSocket {
        return (NOT_APPLICABLE, "it is a Unix socket".into());
    }
    let Some(answer) = &host.startup.plaintext else {
        return (NOT_OBSERVED, "--depth startup would tell".into());
    };
    let user = host.startup.user.as_deref().unwrap_or_default();
    match answer.answer {
        StartupKind::Accepted | StartupKind::Asked => {
            (FAIL, format!("user \"{user}\" is let in without TLS"))
        }
        // Others come in by other lines of pg_hba.conf.
        StartupKind::Refused => (
            NOT_OBSERVED,
            format!("user \"{user}\" is refused without TLS; nobody else was asked for"),
        ),
        StartupKind::Error | StartupKind::Failed | StartupKind::Timeout => {
            (NOT_OBSERVED, "the answer does not tell".into())
        }
    }
}

/// The version that the handshake came about with.
fn negotiated(tls: &TlsReport) -> Option<&String> {
    tls.protocol_version.as_ref().filter(|_| tls.completed)
}

fn versions_allowed(
    allowed: &[String],
    tls: &TlsReport,
    seen: Option<&EnumerationReport>,
) -> Judged {
    if let Some(version) = negotiated(tls).filter(|version| !allowed.contains(version)) {
        return (FAIL, format!("the handshake came about with {version}"));
    }
    let Some(seen) = seen else {
        return (NOT_OBSERVED, ASK_MORE.into());
    };
    let others = || {
        let versions = seen.versions.iter();
        versions.filter(|version| !allowed.contains(&version.protocol_version))
    };
    let spoken = others().find(|version| version.state == VersionState::Accepted);
    if let Some(version) = spoken {
        return (FAIL, format!("{} is spoken", version.protocol_version));
    }
    if seen.versions.is_empty() || others().any(|one| one.state == VersionState::Unknown) {
        return (NOT_OBSERVED, "not every version could be asked for".into());
    }
    (PASS, "all others are refused".into())
}

fn versions_required(
    required: &[String],
    tls: &TlsReport,
    seen: Option<&EnumerationReport>,
) -> Judged {
    for version in required.iter().filter(|one| negotiated(tls) != Some(one)) {
        let Some(seen) = seen else {
            return (NOT_OBSERVED, ASK_MORE.into());
        };
        let found = seen
            .versions
            .iter()
            .find(|one| one.protocol_version == *version);
        match found.map(|found| found.state) {
            Some(VersionState::Accepted) => {}
            Some(VersionState::Refused) => return (FAIL, format!("{version} is refused")),
            Some(VersionState::Unknown) | None => {
                return (NOT_OBSERVED, format!("{version} could not be asked for"));
            }
        }
    }
    (PASS, "spoken".into())
}

/// Holds every suite that was seen against a rule.
fn suites(
    tls: &TlsReport,
    seen: Option<&EnumerationReport>,
    what: &str,
    allowed: impl Fn(&SuiteReport) -> bool,
) -> Judged {
    let Some(seen) = seen else {
        let Some(suite) = negotiated_suite(tls) else {
            return (NOT_OBSERVED, ASK_MORE.into());
        };
        let name = suite.openssl.as_deref().unwrap_or(&suite.name);
        return match allowed(&suite) {
            true => (
                NOT_OBSERVED,
                format!("of the suites only {name} was seen; {ASK_MORE}"),
            ),
            false => (
                FAIL,
                format!("the handshake came about with {name}, {what}"),
            ),
        };
    };
    let all = || seen.versions.iter().flat_map(|one| &one.cipher_suites);
    if let Some(bad) = all().find(|suite| !allowed(suite)) {
        let name = bad.openssl.as_deref().unwrap_or(&bad.name);
        return (FAIL, format!("{name} is taken, {what}"));
    }
    let complete = seen.versions.iter().all(|version| {
        version.state == VersionState::Refused
            || version.state == VersionState::Accepted && version.cipher_suites_complete
    });
    if !complete || all().next().is_none() {
        return (NOT_OBSERVED, "not every suite could be asked for".into());
    }
    (PASS, format!("all {} suites", all().count()))
}

/// The suite of the handshake, as an enumeration would have it.
fn negotiated_suite(tls: &TlsReport) -> Option<SuiteReport> {
    let name = tls.cipher_suite.clone().filter(|_| tls.completed)?;
    let parts = name
        .strip_prefix("TLS_")
        .and_then(|rest| rest.split_once("_WITH_"));
    // Without that word it is one of TLS 1.3.
    let (exchange, authentication) = match parts {
        Some((both, _)) => both.split_once('_').unwrap_or((both, both)),
        None => ("any", "any"),
    };
    Some(SuiteReport {
        code: String::new(),
        openssl: tls.cipher_suite_openssl.clone(),
        key_exchange: exchange.to_owned(),
        authentication: authentication.to_owned(),
        encryption: String::new(),
        bits: tls.bits?,
        group: tls.group.clone(),
        dh_bits: None,
        name,
    })
}

fn groups_allowed(allowed: &[String], tls: &TlsReport, seen: Option<&EnumerationReport>) -> Judged {
    let bad = |group: &&String| !allowed.contains(group);
    if let Some(group) = tls.group.as_ref().filter(bad) {
        return (FAIL, format!("the handshake came about with {group}"));
    }
    let Some(seen) = seen else {
        return (NOT_OBSERVED, ASK_MORE.into());
    };
    if let Some(group) = seen.versions.iter().flat_map(|one| &one.groups).find(bad) {
        return (FAIL, format!("{group} is taken"));
    }
    match groups_complete(seen) {
        true => (PASS, "no other is taken".into()),
        false => (NOT_OBSERVED, "not every group could be asked for".into()),
    }
}

fn groups_complete(seen: &EnumerationReport) -> bool {
    let some = seen.versions.iter().any(|one| !one.groups.is_empty());
    some && seen.versions.iter().all(|one| match one.state {
        VersionState::Refused => true,
        // Below TLS 1.2 they are the same, and asked for only where that is the newest version.
        VersionState::Accepted => {
            one.groups_complete
                || one.groups.is_empty()
                    && !["TLSv1.2", "TLSv1.3"].contains(&&*one.protocol_version)
        }
        VersionState::Unknown => false,
    })
}

fn groups_any(wanted: &[String], tls: &TlsReport, seen: Option<&EnumerationReport>) -> Judged {
    let all = seen.into_iter().flat_map(|seen| &seen.versions);
    let mut groups = tls.group.iter().chain(all.flat_map(|one| &one.groups));
    if let Some(group) = groups.find(|group| wanted.contains(group)) {
        return (PASS, format!("{group} is taken"));
    }
    match seen {
        None => (NOT_OBSERVED, ASK_MORE.into()),
        Some(seen) if groups_complete(seen) => (FAIL, "none of them is taken".into()),
        Some(_) => (NOT_OBSERVED, "not every group could be asked for".into()),
    }
}

fn dh_bits(least: u32, tls: &TlsReport, seen: Option<&EnumerationReport>) -> Judged {
    let enumerated = seen.into_iter().flat_map(|seen| &seen.dh);
    let enumerated = enumerated.filter_map(|dh| u32::try_from(dh.bits).ok());
    match tls.dh_bits.into_iter().chain(enumerated).min() {
        Some(bits) if bits < least => (FAIL, format!("a prime of {bits} bits")),
        Some(bits) if seen.is_some_and(|seen| seen.finished) => {
            (PASS, format!("the smallest prime has {bits} bits"))
        }
        None if seen.is_some_and(|seen| seen.finished) => {
            (NOT_APPLICABLE, "no DHE suite is taken".into())
        }
        _ => (NOT_OBSERVED, ASK_MORE.into()),
    }
}

fn checks_absent(names: &[String], seen: Option<&EnumerationReport>) -> Judged {
    let Some(seen) = seen else {
        return (NOT_OBSERVED, ASK_MORE.into());
    };
    let mut unknown = false;
    for name in names {
        let check = seen.checks.iter().find(|check| check.name == *name);
        match check.map(|check| check.state) {
            Some(CheckState::Present) => {
                let evidence = check.map_or("", |check| check.evidence.as_str());
                return (FAIL, format!("{name}: {evidence}"));
            }
            Some(CheckState::Absent) => {}
            Some(CheckState::NotObserved) | None => unknown = true,
        }
    }
    match unknown {
        true => (NOT_OBSERVED, "not all of it could be asked for".into()),
        false => (PASS, "it is not there".into()),
    }
}

fn certificate(host: &HostReport, judge: impl Fn(&CertificateReport) -> Judged) -> Judged {
    match host.certificates.first() {
        Some(leaf) if leaf.unparsed.is_none() => judge(leaf),
        Some(_) => (NOT_OBSERVED, "the certificate cannot be read".into()),
        None => (NOT_OBSERVED, "no certificate was seen".into()),
    }
}

fn other_key(leaf: &CertificateReport) -> Judged {
    (NOT_APPLICABLE, format!("the key is {}", leaf.key_type))
}

fn key_bits(leaf: &CertificateReport, kind: &str, least: u32) -> Judged {
    if !leaf.key_type.starts_with(kind) {
        return other_key(leaf);
    }
    match leaf.key_bits {
        Some(bits) => (outcome(bits >= least), format!("the key has {bits} bits")),
        None => (NOT_OBSERVED, "the key cannot be read".into()),
    }
}

fn lifetime(leaf: &CertificateReport, most: i64) -> Judged {
    const DAY: i64 = 86_400;
    let seconds = |time: Option<&String>| {
        let time = OffsetDateTime::parse(time?, &Rfc3339).ok()?;
        Some(time.unix_timestamp())
    };
    let (begin, end) = (
        seconds(leaf.not_before.as_ref()),
        seconds(leaf.not_after.as_ref()),
    );
    match begin.zip(end) {
        Some((begin, end)) => {
            let lifetime = end.saturating_sub(begin);
            (
                outcome(lifetime <= most.saturating_mul(DAY)),
                format!("it is valid for {} days", lifetime / DAY),
            )
        }
        None => (NOT_OBSERVED, "its validity cannot be read".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lints::tests::{enumerate, host};
    use crate::report::enumeration::DhReport;

    /// What a check comes to where the handshake used x25519 and the enumeration is `seen`.
    fn judged(check: &Check, seen: impl FnOnce(&mut EnumerationReport)) -> RuleOutcome {
        let mut host = host();
        host.tls.as_mut().unwrap().group = Some("x25519".into());
        seen(enumerate(&mut host));
        judge(check, &host).0
    }

    #[test]
    fn a_rule_about_groups_passes_only_where_all_were_asked_for() {
        let allowed = Check::GroupsAllowed(vec!["x25519".into(), "X25519MLKEM768".into()]);
        let wanted = Check::GroupsAny(vec!["secp521r1".into()]);
        for (what, change, passes, fails) in [
            (
                "all of them",
                (|_| ()) as fn(&mut EnumerationReport),
                PASS,
                FAIL,
            ),
            (
                "one version unfinished",
                |seen| seen.versions[4].groups_complete = false,
                NOT_OBSERVED,
                NOT_OBSERVED,
            ),
            (
                "a version that is not known",
                |seen| seen.versions[0].state = VersionState::Unknown,
                NOT_OBSERVED,
                NOT_OBSERVED,
            ),
            (
                "none seen",
                |seen| seen.versions.iter_mut().for_each(|one| one.groups.clear()),
                NOT_OBSERVED,
                NOT_OBSERVED,
            ),
        ] {
            assert_eq!(judged(&allowed, change), passes, "{what}");
            assert_eq!(judged(&wanted, change), fails, "{what}");
        }
        // What was seen is enough to fail.
        let other = |seen: &mut EnumerationReport| {
            seen.versions[4].groups_complete = false;
            seen.versions[4].groups.push("secp256r1".into());
        };
        assert_eq!(judged(&allowed, other), FAIL);
    }

    #[test]
    fn a_rule_about_dh_passes_only_where_the_enumeration_came_to_its_end() {
        let rule = Check::DhBitsAtLeast(2048);
        let prime = |bits| DhReport {
            bits,
            prime_sha256: String::new(),
            known_as: None,
            protocol_versions: Vec::new(),
        };
        assert_eq!(judged(&rule, |_| ()), NOT_APPLICABLE);
        assert_eq!(judged(&rule, |seen| seen.finished = false), NOT_OBSERVED);
        assert_eq!(judged(&rule, |seen| seen.dh.push(prime(2048))), PASS);
        assert_eq!(judged(&rule, |seen| seen.dh.push(prime(1024))), FAIL);
        let half = |bits| {
            judged(&rule, |seen| {
                seen.finished = false;
                seen.dh.push(prime(bits));
            })
        };
        assert_eq!((half(2048), half(1024)), (NOT_OBSERVED, FAIL));
    }
}
