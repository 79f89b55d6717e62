//! What libpq would get of a server whose suites and groups are known, with each TLS library.

use super::{curve_of, is_answer, prime_bits, state};
use crate::assess::host::failure_text;
use crate::emulates::OpenSsl;
use crate::libpq::parameters::Parameters;
use crate::libpq::verdict::{ONLY_3_0_SPEAKS, version_range};
use crate::observation::Step;
use crate::observation::enumeration::{Enumeration, Order, SuiteSeen, VersionSeen};
use crate::pki::Certificate;
use crate::pki::public_key::KeyKind;
use crate::report::enumeration::{ProfileOutcome, ProfileReport, VersionState};
use crate::wire::tls::names;
use crate::wire::tls::openssl;
use crate::wire::tls::registry::{CipherSuite, KeyExchange, cipher_suite};

const PROFILES: [OpenSsl; 3] = [OpenSsl::V3Level2, OpenSsl::V3Level1, OpenSsl::V111];

pub(super) fn report(seen: &Enumeration, parameters: &Parameters) -> Vec<ProfileReport> {
    PROFILES
        .into_iter()
        .map(|library| profile(seen, library, version_range(parameters)))
        .collect()
}

fn profile(seen: &Enumeration, library: OpenSsl, (low, high): (u16, u16)) -> ProfileReport {
    let mut report = ProfileReport {
        openssl: library,
        outcome: ProfileOutcome::Undetermined,
        protocol_version: None,
        cipher_suite: None,
        cipher_suite_openssl: None,
        group: None,
        reason: None,
    };
    let versions = seen.versions.iter().rev();
    for version in versions.filter(|version| (low..=high).contains(&version.version)) {
        match state(version) {
            VersionState::Refused => {
                if let Some((outcome, why)) = stuck_at(seen, version) {
                    report.outcome = outcome;
                    report.reason = Some(why);
                    return report;
                }
                continue;
            }
            VersionState::Unknown => {
                let name = names::protocol_version(version.version);
                report.reason = Some(format!("it is not known whether the server speaks {name}"));
                return report;
            }
            VersionState::Accepted => {}
        }
        // The version is settled before the suite, and the server does not go back.
        report.protocol_version = Some(names::protocol_version(version.version));
        match choice(seen, version, library, (low, high)) {
            Ok(suite) => agreed(&mut report, seen, version, suite, library),
            Err((outcome, why)) => {
                report.outcome = outcome;
                report.reason = Some(why.into());
            }
        }
        return report;
    }
    if seen.versions.is_empty() {
        report.reason = Some("nothing is known of the server's versions".into());
        return report;
    }
    report.outcome = ProfileOutcome::Fails;
    report.reason = Some(format!(
        "no version in common: this client offers {} to {}",
        names::protocol_version(low),
        names::protocol_version(high)
    ));
    report
}

/// Whether a client that offers this version, too, gets no further than it: a server may choose a
/// version before it finds that nothing goes with it.
fn stuck_at(seen: &Enumeration, version: &VersionSeen) -> Option<(ProfileOutcome, String)> {
    if version.version != 0x0304 {
        return None;
    }
    match &seen.two_versions {
        Step::Observed { .. } | Step::NotAttempted => None,
        Step::Failed { failure, .. } if is_answer(failure) => Some((
            ProfileOutcome::Fails,
            format!(
                "the server chooses TLSv1.3, and fails: {}",
                failure_text(failure)
            ),
        )),
        Step::Failed { .. } => Some((
            ProfileOutcome::Undetermined,
            "what the server does when TLSv1.2 is offered, too, was not answered".into(),
        )),
    }
}

/// Fills in what client and server have agreed on, unless the client refuses it then.
fn agreed(
    report: &mut ProfileReport,
    seen: &Enumeration,
    version: &VersionSeen,
    suite: &SuiteSeen,
    library: OpenSsl,
) {
    let known = cipher_suite(suite.suite);
    report.cipher_suite = known.map(|known| known.name.to_owned());
    report.cipher_suite_openssl = known.and_then(|known| known.openssl).map(str::to_owned);
    report.outcome = ProfileOutcome::Agrees;
    let offered = openssl::groups(library, version.version);
    let in_common = common(offered, &version.groups);
    let on_a_curve = known
        .is_some_and(|known| matches!(known.key_exchange(), KeyExchange::Any | KeyExchange::Ecdhe));
    if on_a_curve && version.groups_complete && in_common.len() == 1 {
        report.group = in_common.first().map(|code| names::group(*code));
    }
    // SSL_SECOP_TMP_DH: 80 bits of security at level 1, 112 at level 2.
    let smallest = if library.security_level() >= 2 {
        2048
    } else {
        1024
    };
    let prime = suite.dh_prime.and_then(|place| seen.dh_primes.get(place));
    let bits = prime.map(|prime| prime_bits(prime));
    let reason = match bits {
        // Without RFC 5746 OpenSSL 3 ends the handshake (SSL_OP_LEGACY_SERVER_CONNECT is off).
        _ if library != OpenSsl::V111
            && version.version < 0x0304
            && !version.extensions.contains(&0xff01) =>
        {
            "unsafe legacy renegotiation disabled".to_owned()
        }
        Some(bits) if bits < smallest => {
            format!("dh key too small: {bits} bits, {smallest} are demanded")
        }
        // OPENSSL_DH_MAX_MODULUS_BITS
        Some(bits) if bits > 10_000 => format!("modulus too large: {bits} bits"),
        _ if library != OpenSsl::V111 && version.version < 0x0303 => {
            // What signs a key exchange below TLS 1.2 falls short of every level but 0.
            if known.is_none_or(|known| known.key_exchange() != KeyExchange::Rsa) {
                "legacy signature algorithm disallowed or unsupported".to_owned()
            } else {
                report.outcome = ProfileOutcome::Undetermined;
                report.reason = Some(ONLY_3_0_SPEAKS.into());
                return;
            }
        }
        _ => return,
    };
    report.outcome = ProfileOutcome::Fails;
    report.reason = Some(reason);
}

/// The suite that the server takes of what the client offers.
fn choice<'a>(
    seen: &Enumeration,
    version: &'a VersionSeen,
    library: OpenSsl,
    (low, high): (u16, u16),
) -> Result<&'a SuiteSeen, (ProfileOutcome, &'static str)> {
    let undetermined = |why| Err((ProfileOutcome::Undetermined, why));
    let fails = |why| Err((ProfileOutcome::Fails, why));
    let groups = common(openssl::groups(library, version.version), &version.groups);
    let schemes = common(
        openssl::signature_schemes(library, version.version),
        &version.signature_schemes,
    );
    if version.version == 0x0304 {
        let is_3 = library != OpenSsl::V111;
        let of_3_5 = common(&openssl::GROUPS_OF_3_5, &version.groups);
        if groups.is_empty() {
            return match version.groups_complete {
                _ if is_3 && !of_3_5.is_empty() => {
                    undetermined("OpenSSL 3.5 offers a group that the server takes, 3.0 does not")
                }
                true => fails("no group in common"),
                false => undetermined("the server's groups are not known"),
            };
        }
        if is_3 && of_3_5.is_empty() && version.groups_complete {
            return undetermined("OpenSSL 3.0 offers a group that the server takes, 3.5 does not");
        }
        if version.signature_schemes_complete && schemes.is_empty() {
            let newer = common(
                &openssl::SIGNATURE_SCHEMES_OF_3_5,
                &version.signature_schemes,
            );
            return match is_3 && !newer.is_empty() {
                true => {
                    undetermined("OpenSSL 3.5 offers a scheme that the server takes, 3.0 does not")
                }
                false => fails("no signature scheme in common"),
            };
        }
    }
    let offered = openssl::cipher_suites(low, high);
    let usable = |suite: &&SuiteSeen| {
        let Some(known) = cipher_suite(suite.suite) else {
            return false;
        };
        offered.contains(&suite.suite)
            && signable(known, version, &schemes)
            && key_is_taken(seen, version, suite, library)
            && {
                // Below TLS 1.2 the groups were asked for in another version of the same server.
                let groups_known = version.groups_complete && !version.groups.is_empty();
                known.key_exchange() != KeyExchange::Ecdhe || !groups_known || !groups.is_empty()
            }
    };
    let first_of_servers = version.suites.iter().find(usable);
    let Some(first) = first_of_servers else {
        return match version.suites_complete {
            true => fails("no cipher suite in common"),
            false => undetermined("the server's suites are not all known"),
        };
    };
    let usable_count = version.suites.iter().filter(usable).count();
    if usable_count == 1 && version.suites_complete {
        return Ok(first);
    }
    // The suites of TLS 1.3 go with every key.
    let several_keys = seen.chains.len() > 1 && version.version < 0x0304;
    match version.suite_order {
        // Whatever comes after it, the server prefers this one.
        Some(Order::Server) => Ok(first),
        Some(Order::Client) if version.suites_complete && !several_keys => {
            let mut by_client = offered.iter().filter_map(|code| {
                version
                    .suites
                    .iter()
                    .filter(usable)
                    .find(|suite| suite.suite == *code)
            });
            by_client
                .next()
                .ok_or((ProfileOutcome::Fails, "no cipher suite in common"))
        }
        _ => undetermined("it is not known who decides about the suite"),
    }
}

/// Whether the client takes the key that comes with the suite: below TLS 1.3 the curve of an EC key
/// must be among the groups that it offers (RFC 8422 section 2).
fn key_is_taken(
    seen: &Enumeration,
    version: &VersionSeen,
    suite: &SuiteSeen,
    library: OpenSsl,
) -> bool {
    let leaf = suite
        .chain
        .and_then(|place| seen.chains.get(place))
        .and_then(|chain| chain.first());
    let key = leaf.and_then(|leaf| Certificate::parse(leaf).public_key.clone());
    match key.map(|key| key.kind) {
        Some(KeyKind::Ec(curve)) if version.version < 0x0304 => {
            let offered = openssl::groups(library, version.version);
            curve.is_some_and(|curve| offered.iter().any(|group| curve_of(*group) == curve))
        }
        _ => true,
    }
}

/// Whether the server can sign for the suite with a scheme that the client offers.
fn signable(suite: &CipherSuite, version: &VersionSeen, schemes: &[u16]) -> bool {
    let signed = matches!(suite.key_exchange(), KeyExchange::Dhe | KeyExchange::Ecdhe);
    if version.version != 0x0303 || !signed || !version.signature_schemes_complete {
        return true;
    }
    let for_ec = |code: &&u16| {
        matches!(
            code,
            0x0203 | 0x0303 | 0x0403 | 0x0503 | 0x0603 | 0x0807 | 0x0808
        )
    };
    let wanted = suite.authentication() == "ECDSA";
    schemes.iter().any(|code| for_ec(&code) == wanted)
}

fn common(ours: &[u16], theirs: &[u16]) -> Vec<u16> {
    ours.iter()
        .copied()
        .filter(|code| theirs.contains(code))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(version: u16, suites: &[u16], order: Option<Order>) -> Enumeration {
        let observed = Step::Observed { value: (), ms: 0.0 };
        let refused = Step::Failed {
            failure: crate::observation::Failure::Alert(70),
            ms: 0.0,
        };
        let versions = [0x0301, 0x0302, 0x0303, 0x0304].map(|code| VersionSeen {
            version: code,
            answer: if code == version {
                observed.clone()
            } else {
                refused.clone()
            },
            suites: suites
                .iter()
                .filter(|_| code == version)
                .map(|suite| SuiteSeen {
                    suite: *suite,
                    dh_prime: (*suite == 0x009f).then_some(0),
                    ..SuiteSeen::default()
                })
                .collect(),
            suites_complete: true,
            suite_order: order,
            groups: vec![0x0017],
            groups_complete: true,
            extensions: vec![0xff01],
            signature_schemes: vec![0x0804],
            signature_schemes_complete: true,
            ..VersionSeen::default()
        });
        Enumeration {
            versions: versions.to_vec(),
            dh_primes: vec![vec![0xff; 128]],
            ..Enumeration::default()
        }
    }

    fn get(seen: &Enumeration, library: OpenSsl, low: u16) -> (ProfileOutcome, String) {
        let report = profile(seen, library, (low, 0x0304));
        let said = report
            .cipher_suite_openssl
            .filter(|_| report.outcome == ProfileOutcome::Agrees);
        (report.outcome, said.or(report.reason).unwrap_or_default())
    }

    #[test]
    fn who_decides_decides() {
        use ProfileOutcome::{Agrees, Fails, Undetermined};
        let level2 = OpenSsl::V3Level2;
        // What the server has, and who decides; what the client gets.
        for (version, suites, order, outcome, said) in [
            (
                0x0304,
                &[0x1301, 0x1302][..],
                Some(Order::Server),
                Agrees,
                "TLS_AES_128_GCM_SHA256",
            ),
            (
                0x0304,
                &[0x1301, 0x1302],
                Some(Order::Client),
                Agrees,
                "TLS_AES_256_GCM_SHA384",
            ),
            (
                0x0303,
                &[0x0035, 0xc030],
                Some(Order::Server),
                Agrees,
                "AES256-SHA",
            ),
            (
                0x0303,
                &[0x000a, 0xc030],
                Some(Order::Server),
                Agrees,
                "ECDHE-RSA-AES256-GCM-SHA384",
            ),
            (
                0x0303,
                &[0x000a, 0xc030],
                None,
                Agrees,
                "ECDHE-RSA-AES256-GCM-SHA384",
            ),
            (
                0x0303,
                &[0x0035, 0xc030],
                None,
                Undetermined,
                "it is not known who decides about the suite",
            ),
            (0x0303, &[0x000a], None, Fails, "no cipher suite in common"),
            (
                0x0303,
                &[0x009f],
                None,
                Fails,
                "dh key too small: 1024 bits, 2048 are demanded",
            ),
            (
                0x0302,
                &[0x0035],
                None,
                Fails,
                "no version in common: this client offers TLSv1.2 to TLSv1.3",
            ),
        ] {
            let seen = server(version, suites, order);
            assert_eq!(
                get(&seen, level2, 0x0303),
                (outcome, said.to_owned()),
                "{suites:x?}"
            );
        }
        let mut seen = server(0x0303, &[0x009f], None);
        assert_eq!(get(&seen, OpenSsl::V3Level1, 0x0303).0, Agrees);
        seen.dh_primes = vec![vec![0xff; 2048]];
        let said = get(&seen, level2, 0x0303).1;
        assert_eq!(said, "modulus too large: 16384 bits");
        for version in &mut seen.versions {
            version.extensions.clear();
        }
        let said = get(&seen, level2, 0x0303).1;
        assert_eq!(said, "unsafe legacy renegotiation disabled");
        // The server chooses TLS 1.3 before it finds that nothing goes with it.
        let mut seen = server(0x0303, &[0xc030], None);
        let handshake_failure = crate::observation::Failure::Alert(40);
        for (failure, outcome) in [
            (handshake_failure, Fails),
            (crate::observation::Failure::Deadline, Undetermined),
        ] {
            seen.two_versions = Step::Failed { failure, ms: 0.0 };
            assert_eq!(get(&seen, level2, 0x0303).0, outcome);
        }
        let value = 0x0303;
        seen.two_versions = Step::Observed { value, ms: 0.0 };
        assert_eq!(get(&seen, level2, 0x0303).0, Agrees);
        let old = server(0x0301, &[0xc014], None);
        assert_eq!(
            get(&old, OpenSsl::V111, 0x0301),
            (Agrees, "ECDHE-RSA-AES256-SHA".to_owned())
        );
        assert_eq!(get(&Enumeration::default(), level2, 0x0303).0, Undetermined);
    }
}
