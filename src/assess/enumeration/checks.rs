//! What is known to be weak: of the lints that need an enumeration, how each is decided.

use super::{prime_bits, state};
use crate::lints::{self, Lint};
use crate::observation::enumeration::{Enumeration, Stage, VersionSeen};
use crate::observation::{Connection, Failure, StartupReply, Step};
use crate::report::enumeration::{Check, CheckState, VersionState};
use crate::wire::tls::names;
use crate::wire::tls::registry::{CipherSuite, cipher_suite};

/// A rule: the lint whose name, severity and citation it has, and how it is decided.
struct Rule {
    lint: &'static Lint,
    decide: fn(&Evidence<'_>) -> Decision,
}

/// What a rule may look at.
struct Evidence<'a> {
    seen: &'a Enumeration,
    connections: &'a [Connection],
}

/// What became of a rule, and why.
type Decision = (CheckState, String);

/// Every rule, in the order of the report.
const RULES: &[Rule] = &[
    Rule {
        lint: &lints::null_cipher::LINT,
        decide: |evidence| evidence.suites(|suite| suite.encryption() == "NULL"),
    },
    Rule {
        lint: &lints::anonymous_cipher::LINT,
        decide: |evidence| evidence.suites(CipherSuite::is_anonymous),
    },
    Rule {
        lint: &lints::export_cipher::LINT,
        decide: |evidence| evidence.suites(CipherSuite::is_export),
    },
    Rule {
        lint: &lints::rc4_cipher::LINT,
        decide: |evidence| evidence.suites(|suite| suite.encryption().starts_with("RC4")),
    },
    Rule {
        lint: &lints::cipher_with_64_bit_blocks::LINT,
        decide: |evidence| evidence.suites(CipherSuite::has_64_bit_blocks),
    },
    Rule {
        lint: &lints::weak_dh::LINT,
        decide: weak_dh,
    },
    Rule {
        lint: &lints::ssl_3_0::LINT,
        decide: |evidence| evidence.version(&[0x0300]),
    },
    Rule {
        lint: &lints::tls_1_0_or_1_1::LINT,
        decide: |evidence| evidence.version(&[0x0301, 0x0302]),
    },
    Rule {
        lint: &lints::renegotiation_info_missing::LINT,
        decide: |evidence| evidence.missing_extension(0xff01, 0x0300, |_| true),
    },
    Rule {
        lint: &lints::extended_master_secret_missing::LINT,
        decide: |evidence| evidence.missing_extension(23, 0x0301, |_| true),
    },
    Rule {
        lint: &lints::compression::LINT,
        decide: compression,
    },
    Rule {
        lint: &lints::no_forward_secrecy::LINT,
        decide: |evidence| evidence.suites(|suite| !suite.forward_secret()),
    },
    Rule {
        lint: &lints::tls_1_3_missing::LINT,
        decide: |evidence| inverted(evidence.version(&[0x0304])),
    },
    Rule {
        lint: &lints::post_quantum_group_missing::LINT,
        decide: no_post_quantum_group,
    },
    Rule {
        lint: &lints::plaintext_accepted_after_ssl_request::LINT,
        decide: plaintext_accepted,
    },
    Rule {
        lint: &lints::bytes_after_s::LINT,
        decide: bytes_after_s,
    },
    Rule {
        lint: &lints::direct_tls_without_alpn::LINT,
        decide: direct_without_alpn,
    },
];

/// All checks.
pub(super) fn all(seen: &Enumeration, connections: &[Connection]) -> Vec<Check> {
    let evidence = Evidence { seen, connections };
    RULES
        .iter()
        .map(|rule| {
            let (state, words) = (rule.decide)(&evidence);
            Check {
                name: rule.lint.name.into(),
                severity: rule.lint.severity,
                citation: rule.lint.citation.into(),
                state,
                evidence: words,
            }
        })
        .collect()
}

impl Evidence<'_> {
    fn spoken(&self) -> impl Iterator<Item = &VersionSeen> {
        let versions = self.seen.versions.iter();
        versions.filter(|version| state(version) == VersionState::Accepted)
    }

    /// Whether every version was asked to its end.
    fn whole(&self) -> bool {
        !self.seen.versions.is_empty()
            && self
                .seen
                .versions
                .iter()
                .all(|version| match state(version) {
                    VersionState::Accepted => version.suites_complete,
                    VersionState::Refused => true,
                    VersionState::Unknown => false,
                })
    }

    fn not_found(&self) -> Decision {
        if self.whole() {
            return (
                CheckState::Absent,
                "every suite of every version was asked for".into(),
            );
        }
        (
            CheckState::NotObserved,
            "not every suite could be asked for".into(),
        )
    }

    /// A suite that should not be there.
    fn suites(&self, bad: impl Fn(&CipherSuite) -> bool) -> Decision {
        let mut found = Vec::new();
        for version in self.spoken() {
            let suites = version
                .suites
                .iter()
                .filter_map(|suite| cipher_suite(suite.suite));
            let bad: Vec<_> = suites
                .filter(|suite| bad(suite))
                .map(|suite| suite.openssl.unwrap_or(suite.name))
                .collect();
            if !bad.is_empty() {
                let name = names::protocol_version(version.version);
                found.push(format!("{name}: {}", bad.join(" ")));
            }
        }
        if found.is_empty() {
            return self.not_found();
        }
        (CheckState::Present, found.join("; "))
    }

    /// Whether one of these versions is spoken.
    fn version(&self, codes: &[u16]) -> Decision {
        let wanted = self
            .seen
            .versions
            .iter()
            .filter(|version| codes.contains(&version.version));
        let wanted: Vec<_> = wanted.collect();
        let with = |wanted_state| {
            let there = wanted
                .iter()
                .filter(|version| state(version) == wanted_state);
            let names: Vec<_> = there
                .map(|version| names::protocol_version(version.version))
                .collect();
            names.join(", ")
        };
        let accepted = with(VersionState::Accepted);
        if !accepted.is_empty() {
            return (CheckState::Present, format!("the server speaks {accepted}"));
        }
        let unknown = with(VersionState::Unknown);
        if !unknown.is_empty() || wanted.is_empty() {
            return (
                CheckState::NotObserved,
                format!("{unknown} could not be asked for"),
            );
        }
        (
            CheckState::Absent,
            format!("the server refuses {}", with(VersionState::Refused)),
        )
    }

    /// An extension that should be in every ServerHello below TLS 1.3, from a version on.
    fn missing_extension(
        &self,
        kind: u16,
        from: u16,
        relevant: impl Fn(&VersionSeen) -> bool,
    ) -> Decision {
        let asked: Vec<_> = self
            .spoken()
            .filter(|version| (from..0x0304).contains(&version.version) && relevant(version))
            .collect();
        let without: Vec<_> = asked
            .iter()
            .filter(|version| !version.extensions.contains(&kind))
            .map(|version| names::protocol_version(version.version))
            .collect();
        if !without.is_empty() {
            return (
                CheckState::Present,
                format!("not in the ServerHello of {}", without.join(", ")),
            );
        }
        let unknown = self.seen.versions.is_empty()
            || self
                .seen
                .versions
                .iter()
                .any(|version| state(version) == VersionState::Unknown);
        match (asked.is_empty(), unknown) {
            (_, true) => (
                CheckState::NotObserved,
                "not every version could be asked for".into(),
            ),
            (true, false) => (
                CheckState::Absent,
                "only TLS 1.3 is spoken, which has no need of it".into(),
            ),
            (false, false) => (CheckState::Absent, "it is in the ServerHello".into()),
        }
    }
}

fn inverted((state, words): Decision) -> Decision {
    let state = match state {
        CheckState::Present => CheckState::Absent,
        CheckState::Absent => CheckState::Present,
        CheckState::NotObserved => CheckState::NotObserved,
    };
    (state, words)
}

fn weak_dh(evidence: &Evidence<'_>) -> Decision {
    let bits = evidence
        .seen
        .dh_primes
        .iter()
        .map(|prime| prime_bits(prime))
        .min();
    match bits {
        Some(bits) if bits < 2048 => (CheckState::Present, format!("a prime of {bits} bits")),
        Some(bits) if evidence.whole() => (
            CheckState::Absent,
            format!("the smallest prime has {bits} bits"),
        ),
        None if evidence.whole() => (CheckState::Absent, "no DHE suite".into()),
        _ => evidence.not_found(),
    }
}

fn compression(evidence: &Evidence<'_>) -> Decision {
    let taken = evidence
        .spoken()
        .find(|version| !version.compression.is_empty());
    if let Some(version) = taken {
        let name = names::protocol_version(version.version);
        return (CheckState::Present, format!("DEFLATE is taken in {name}"));
    }
    if evidence.whole() {
        return (
            CheckState::Absent,
            "DEFLATE was offered in every version below TLS 1.3".into(),
        );
    }
    evidence.not_found()
}

fn no_post_quantum_group(evidence: &Evidence<'_>) -> Decision {
    /// SecP256r1MLKEM768, X25519MLKEM768, SecP384r1MLKEM1024, curveSM2MLKEM768, and ML-KEM alone.
    const POST_QUANTUM: [u16; 7] = [0x11eb, 0x11ec, 0x11ed, 0x11ee, 0x0200, 0x0201, 0x0202];
    let Some(version) = evidence
        .seen
        .versions
        .iter()
        .find(|one| one.version == 0x0304)
    else {
        return evidence.not_found();
    };
    let found = version
        .groups
        .iter()
        .find(|group| POST_QUANTUM.contains(group));
    if let Some(group) = found {
        return (
            CheckState::Absent,
            format!("the server takes {}", names::group(*group)),
        );
    }
    match state(version) {
        VersionState::Refused => (CheckState::Present, "TLS 1.3 is refused".into()),
        VersionState::Accepted if version.groups_complete => {
            let groups: Vec<_> = version
                .groups
                .iter()
                .map(|group| names::group(*group))
                .collect();
            (
                CheckState::Present,
                format!("all its groups: {}", groups.join(" ")),
            )
        }
        _ => (
            CheckState::NotObserved,
            "not every group could be asked for".into(),
        ),
    }
}

fn plaintext_accepted(evidence: &Evidence<'_>) -> Decision {
    match &evidence.seen.plaintext_before_tls {
        Step::Observed { value, .. } => match value {
            // protocol_violation: "received unencrypted data after SSL request". Up to version 13 it
            // is said in the form of protocol 2, for no StartupMessage was read.
            StartupReply::Error(error) if error.sqlstate == "08P01" || error.old_style => {
                (CheckState::Absent, format!("refused: {}", error.message))
            }
            StartupReply::Unexpected { .. } => (
                CheckState::NotObserved,
                "the answer is no startup reply".into(),
            ),
            _ => (
                CheckState::Present,
                "a StartupMessage sent in plaintext was answered over TLS".into(),
            ),
        },
        Step::Failed { failure, .. } => no_reply_to_plaintext(evidence.seen, failure),
        Step::NotAttempted => (CheckState::NotObserved, "it was not asked".into()),
    }
}

/// What it means that a StartupMessage sent in plaintext brought no reply over TLS.
fn no_reply_to_plaintext(seen: &Enumeration, failure: &Failure) -> Decision {
    let ended = matches!(
        failure,
        Failure::Alert(_) | Failure::Closed | Failure::Reset | Failure::Protocol(_)
    );
    let refused_before_s = seen
        .error_before_s
        .as_ref()
        .filter(|error| error.sqlstate == "08P01" && !error.old_style);
    let wants_certificate = seen.versions.iter().any(|one| one.client_certificate);
    match seen.plaintext_stage {
        Stage::Open if refused_before_s.is_some() => (
            CheckState::Absent,
            "the plaintext bytes are refused before S".into(),
        ),
        // The bytes were given to TLS (PostgreSQL 17 and later).
        Stage::Handshake if ended && seen.usual_handshake == Some(true) => (
            CheckState::Absent,
            "the handshake fails at the plaintext bytes".into(),
        ),
        Stage::Reply
            if matches!(failure, Failure::Closed | Failure::Reset) && !wants_certificate =>
        {
            (
                CheckState::Absent,
                "the connection ends at the plaintext bytes".into(),
            )
        }
        Stage::Silence => (
            CheckState::Absent,
            "a StartupMessage sent in plaintext was not answered".into(),
        ),
        _ => (
            CheckState::NotObserved,
            "it could not be asked to the end".into(),
        ),
    }
}

fn bytes_after_s(evidence: &Evidence<'_>) -> Decision {
    let others = evidence
        .connections
        .iter()
        .filter_map(|connection| connection.negotiation.value());
    let others = others
        .filter(|reply| reply.byte == b'S')
        .map(|reply| reply.trailing);
    let asked = evidence.seen.ssl_request == Some(b'S');
    let most = others.chain(asked.then_some(evidence.seen.trailing)).max();
    match most {
        Some(0) => (CheckState::Absent, "nothing came together with an S".into()),
        Some(count) => (
            CheckState::Present,
            format!("{count} bytes came together with an S"),
        ),
        None => (
            CheckState::NotObserved,
            "SSLRequest was not sent, or not answered with S".into(),
        ),
    }
}

fn direct_without_alpn(evidence: &Evidence<'_>) -> Decision {
    match &evidence.seen.direct_without_alpn {
        Step::Observed { value, .. } => match value {
            StartupReply::Error(error) if error.sqlstate == "08P01" => {
                (CheckState::Absent, format!("refused: {}", error.message))
            }
            StartupReply::Unexpected { .. } => (
                CheckState::NotObserved,
                "the answer is no startup reply".into(),
            ),
            _ => (
                CheckState::Present,
                "the StartupMessage over it was answered".into(),
            ),
        },
        Step::Failed {
            failure: Failure::Alert(_) | Failure::Closed | Failure::Reset | Failure::Protocol(_),
            ..
        } if refuses_direct(evidence.seen) => (
            CheckState::Absent,
            "the server ends such a connection".into(),
        ),
        _ => (
            CheckState::NotObserved,
            "it was not asked, or not answered to the end".into(),
        ),
    }
}

/// Whether the end of a direct connection without ALPN is due to just that.
fn refuses_direct(seen: &Enumeration) -> bool {
    let wants_certificate = seen.versions.iter().any(|one| one.client_certificate);
    match seen.direct_stage {
        Stage::Handshake => seen.usual_handshake == Some(true),
        Stage::Reply => !wants_certificate,
        Stage::NotOpen | Stage::Open | Stage::Silence => false,
    }
}
