//! What follows from an enumeration: names for the numbers, what each client would get, what is
//! weak, who terminates the TLS. Pure.

mod checks;
mod front_end;
mod known_primes;
mod profiles;

use sha2::{Digest as _, Sha256};

use super::certificate::{hex, report as certificate_report};
use super::host::failure_text;
use crate::libpq::parameters::Parameters;
use crate::observation::enumeration::{Enumeration, Order, SuiteSeen, VersionSeen};
use crate::observation::{Connection, Failure, Step};
use crate::pki::Certificate;
use crate::report::enumeration::{
    DhReport, EnumerationReport, ExtensionsReport, KeyReport, OrderReport, SuiteReport,
    VersionReport, VersionState,
};
use crate::wire::tls::names;
use crate::wire::tls::registry::{CipherSuite, cipher_suite};

/// Says what was found; `connections` are the other ones to the same address.
pub(super) fn report(
    seen: &Enumeration,
    connections: &[Connection],
    parameters: &Parameters,
    now: i64,
) -> EnumerationReport {
    let keys = keys(seen, now);
    let unfinished = unfinished(seen);
    EnumerationReport {
        connections: seen.connections,
        max_connections: seen.bound,
        turned_away: seen.turned_away,
        finished: unfinished.is_none(),
        unfinished,
        versions: seen
            .versions
            .iter()
            .map(|one| version(one, seen, &keys))
            .collect(),
        profiles: profiles::report(seen, parameters),
        dh: dh(seen),
        server_name_matters: seen
            .without_server_name
            .value()
            .map(|without| {
                without.suite != without.suite_with_name || without.chain != without.chain_with_name
            })
            // A refusal is an answer, too.
            .or(seen
                .without_server_name
                .failure()
                .filter(|failure| is_answer(failure))
                .map(|_| true)),
        fallback_refused: match &seen.fallback {
            Step::Observed { .. } => Some(false),
            // inappropriate_fallback
            Step::Failed {
                failure: Failure::Alert(86),
                ..
            } => Some(true),
            _ => None,
        },
        tls_1_3_tickets: seen.tickets,
        checks: checks::all(seen, connections),
        front_end: front_end::report(seen, connections),
        keys,
    }
}

/// Whether a failure is the server's answer to a hello, not the want of one.
pub(super) fn is_answer(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Alert(_) | Failure::Closed | Failure::Reset
    )
}

/// Whether the server speaks a version.
pub(super) fn state(version: &VersionSeen) -> VersionState {
    match &version.answer {
        Step::Observed { .. } => VersionState::Accepted,
        _ if version.answered_in.is_some() => VersionState::Refused,
        Step::Failed { failure, .. } if is_answer(failure) => VersionState::Refused,
        Step::Failed { .. } | Step::NotAttempted => VersionState::Unknown,
    }
}

fn unfinished(seen: &Enumeration) -> Option<String> {
    if let Some(failure) = &seen.unfinished {
        // Here the words are the server's own, or name the bound.
        return Some(match failure {
            Failure::Unsupported(why) => why.clone(),
            Failure::Deadline if !seen.versions.is_empty() => {
                "the time was over before all was asked (see --timeout)".into()
            }
            other => failure_text(other),
        });
    }
    let open: Vec<_> = seen
        .versions
        .iter()
        .filter(|version| match state(version) {
            VersionState::Accepted => {
                !version.suites_complete || version.version >= 0x0303 && !version.groups_complete
            }
            VersionState::Refused => false,
            VersionState::Unknown => true,
        })
        .map(|version| names::protocol_version(version.version))
        .collect();
    (!open.is_empty()).then(|| format!("not all of {} could be asked", open.join(", ")))
}

fn version(version: &VersionSeen, seen: &Enumeration, keys: &[KeyReport]) -> VersionReport {
    let state = state(version);
    VersionReport {
        protocol_version: names::protocol_version(version.version),
        state,
        reason: version.answer.failure().map(|failure| match failure {
            Failure::Protocol(why) => why.clone(),
            other => failure_text(other),
        }),
        cipher_suites: version
            .suites
            .iter()
            .map(|suite| suite_report(suite, seen))
            .collect(),
        cipher_suites_complete: version.suites_complete || state == VersionState::Refused,
        cipher_suite_order: version.suite_order.map(order),
        groups: version
            .groups
            .iter()
            .map(|code| names::group(*code))
            .collect(),
        groups_complete: version.groups_complete && !hidden_behind_a_key(version, keys),
        group_order: version.group_order.map(order),
        signature_schemes: version
            .signature_schemes
            .iter()
            .map(|code| names::signature_scheme(*code))
            .collect(),
        signature_schemes_complete: version.signature_schemes_complete,
        extensions: extensions(version),
    }
}

/// In TLS 1.2 the curve of an EC key must be among the groups offered (RFC 8422 section 2), so what
/// the server likes less than that curve is not seen.
fn hidden_behind_a_key(version: &VersionSeen, keys: &[KeyReport]) -> bool {
    let Some(last) = version.groups.last() else {
        return false;
    };
    let curve = curve_of(*last);
    version.version < 0x0304 && keys.iter().any(|key| key.key_type == format!("EC {curve}"))
}

/// OpenSSL's name of a curve, by which keys go.
fn curve_of(group: u16) -> String {
    match group {
        0x0017 => "prime256v1".into(),
        0x0013 => "prime192v1".into(),
        other => names::group(other),
    }
}

fn order(order: Order) -> OrderReport {
    match order {
        Order::Server => OrderReport::Server,
        Order::Client => OrderReport::Client,
        Order::Neither => OrderReport::Neither,
    }
}

fn suite_report(suite: &SuiteSeen, seen: &Enumeration) -> SuiteReport {
    let known = cipher_suite(suite.suite);
    SuiteReport {
        code: format!("0x{:04x}", suite.suite),
        name: known.map_or_else(String::new, |known| known.name.to_owned()),
        openssl: known.and_then(|known| known.openssl).map(str::to_owned),
        key_exchange: known
            .map_or("other", |known| known.key_exchange().name())
            .to_owned(),
        authentication: known
            .map_or("other", |known| known.authentication())
            .to_owned(),
        encryption: known.map_or("", |known| known.encryption()).to_owned(),
        bits: known.map_or(0, CipherSuite::bits),
        group: suite.group.map(names::group),
        dh_bits: suite
            .dh_prime
            .and_then(|place| seen.dh_primes.get(place))
            .map(|prime| prime_bits(prime)),
    }
}

/// Bits of a number, big end first.
pub(super) fn prime_bits(prime: &[u8]) -> usize {
    let significant = without_zeros(prime);
    let Some(first) = significant.first() else {
        return 0;
    };
    let unused = usize::try_from(first.leading_zeros()).unwrap_or_default();
    (significant.len() * 8).saturating_sub(unused)
}

fn without_zeros(prime: &[u8]) -> &[u8] {
    let start = prime.iter().position(|byte| *byte != 0);
    prime
        .get(start.unwrap_or(prime.len())..)
        .unwrap_or_default()
}

fn extensions(version: &VersionSeen) -> ExtensionsReport {
    if version.answer.value().is_none() {
        return ExtensionsReport::default();
    }
    if version.version >= 0x0304 {
        // All else is encrypted, or abolished.
        return ExtensionsReport {
            alpn: version.alpn.clone(),
            ..ExtensionsReport::default()
        };
    }
    // SSL 3.0 has no extensions, but a signalling suite that is answered with one (RFC 5746).
    let has = |kind: u16| Some(version.extensions.contains(&kind));
    let above_ssl_3 = |kind: u16| has(kind).filter(|_| version.version > 0x0300);
    ExtensionsReport {
        renegotiation_info: has(0xff01),
        extended_master_secret: above_ssl_3(23),
        encrypt_then_mac: above_ssl_3(22),
        session_ticket: above_ssl_3(35),
        session_id: Some(version.session_id),
        heartbeat: above_ssl_3(15),
        compression: Some(!version.compression.is_empty()),
        ocsp_stapling: Some(version.ocsp_stapled),
        certificate_timestamps: above_ssl_3(18),
        alpn: version.alpn.clone(),
        point_formats: version.point_formats.clone(),
        downgrade_sentinel: Some(version.downgrade_sentinel.is_some()),
    }
}

fn keys(seen: &Enumeration, now: i64) -> Vec<KeyReport> {
    let mut keys: Vec<KeyReport> = Vec::new();
    for (place, chain) in seen.chains.iter().enumerate() {
        let Some(leaf) = chain.first() else { continue };
        let report = certificate_report(&Certificate::parse(leaf), now);
        let shown_in = seen.versions.iter().filter(|version| {
            version
                .suites
                .iter()
                .any(|suite| suite.chain == Some(place))
        });
        let shown_in: Vec<_> = shown_in
            .map(|version| names::protocol_version(version.version))
            .collect();
        if let Some(known) = keys.iter_mut().find(|known| known.sha256 == report.sha256) {
            known.protocol_versions.extend(shown_in);
            known.protocol_versions.dedup();
            continue;
        }
        keys.push(KeyReport {
            key_type: report.key_type.clone(),
            key_bits: report.key_bits,
            subject: report.subject.clone(),
            sha256: report.sha256.clone(),
            protocol_versions: shown_in,
        });
    }
    keys
}

fn dh(seen: &Enumeration) -> Vec<DhReport> {
    let primes = seen.dh_primes.iter().enumerate();
    primes
        .map(|(place, prime)| {
            let prime_sha256 = hex(&Sha256::digest(without_zeros(prime)));
            let shown_in = seen.versions.iter().filter(|version| {
                version
                    .suites
                    .iter()
                    .any(|suite| suite.dh_prime == Some(place))
            });
            DhReport {
                bits: prime_bits(prime),
                known_as: known_primes::known_prime(&prime_sha256).map(str::to_owned),
                prime_sha256,
                protocol_versions: shown_in
                    .map(|version| names::protocol_version(version.version))
                    .collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_a_prime_are_counted_without_leading_zeros() {
        for (prime, bits) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[0, 1], 1),
            (&[0, 0x80, 0], 16),
            (&[0x7f, 0xff], 15),
        ] {
            assert_eq!(prime_bits(prime), bits, "{prime:?}");
        }
    }
}
