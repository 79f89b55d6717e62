//! Every version, suite and group that a server takes, found by asking again and again: what it
//! took last is not offered again. Hardly any handshake is finished, so this costs no cryptography.

mod asker;
mod extras;
mod narrowing;
mod offers;
mod tls_1_3;
mod up_to_tls_1_2;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::time::Instant;

use super::join_all;
use super::plan::{HostPlan, Plan};
use crate::net::Network;
use crate::observation::enumeration::{Enumeration, VersionSeen, WithoutServerName};
use crate::observation::{Endpoint, Failure, Step};
use crate::wire::tls::client_hello::ClientHello;
use crate::wire::tls::server_flight::ServerFlight;
use asker::{Answer, Asker, is_vague};
use extras::{Encrypted, spoken};
use offers::{GROUPS, SIGNATURE_SCHEMES, suites};

/// The alert that says which version is not spoken.
const PROTOCOL_VERSION: u8 = 70;

/// The most connections that the enumeration of an address takes. OpenSSL 1.1.1 with everything
/// switched on needs some 300, a PostgreSQL with default settings about 65.
pub const MAX_CONNECTIONS: usize = 1000;

/// The most chains, and the most primes, that are kept: more than the servers behind any one address
/// have, and little enough to keep if each is as long as it may be.
const MAX_KEPT: usize = 64;

/// How an address is enumerated.
#[derive(Clone, Copy, Debug)]
pub struct EnumeratePlan {
    /// The most connections a second; `None` for as many as the server answers.
    pub connections_per_second: Option<f64>,
    /// The whole time for it.
    pub deadline: Duration,
}

/// Enumerates one address.
pub(super) async fn enumerate<N: Network>(
    plan: &Plan,
    how: &EnumeratePlan,
    host: &HostPlan,
    endpoint: &Endpoint,
    network: &N,
    began: Instant,
) -> Enumeration {
    let deadline = began + how.deadline;
    let asker = Asker::new(plan, how, host, endpoint, network, deadline);
    let enumerator = Enumerator {
        asker,
        plan,
        kept: RefCell::default(),
        too_many: Cell::new(false),
        without_server_name: RefCell::default(),
    };
    enumerator.run().await
}

/// What several connections showed alike is kept once.
#[derive(Default)]
struct Kept {
    chains: Vec<Vec<Vec<u8>>>,
    dh_primes: Vec<Vec<u8>>,
}

/// One address being enumerated.
struct Enumerator<'a, N: Network> {
    asker: Asker<'a, N>,
    plan: &'a Plan,
    kept: RefCell<Kept>,
    /// Whether there was more than is kept.
    too_many: Cell<bool>,
    /// What the highest version below TLS 1.3 showed of that by the way.
    without_server_name: RefCell<Option<WithoutServerName>>,
}

impl<N: Network> Enumerator<'_, N> {
    async fn run(self) -> Enumeration {
        let mut seen = Enumeration {
            bound: MAX_CONNECTIONS,
            server_name: self.asker.server_name().map(str::to_owned),
            ..Enumeration::default()
        };
        // Whether there is TLS at all is asked once, not by five at the same time.
        if let Err(failure) = self.asker.first().await {
            seen.unfinished = Some(failure);
        } else {
            let encrypted;
            (seen.versions, encrypted) = self.versions().await;
            self.settle(&mut seen.versions).await;
            if let Some(encrypted) = encrypted {
                encrypted.into(&mut seen);
            }
            seen.two_versions = self.two_versions(&seen.versions).await;
            self.extras(&mut seen).await;
        }
        seen.unfinished = seen.unfinished.or(self.asker.gave_up());
        if self.too_many.get() {
            let why =
                format!("it shows more than {MAX_KEPT} different certificate chains or primes");
            seen.unfinished = seen.unfinished.or(Some(Failure::Unsupported(why)));
            seen.versions.iter_mut().for_each(no_longer_taken);
        }
        seen.alpn = self.asker.alpn();
        seen.connections = self.asker.connections();
        seen.turned_away = self.asker.turned_away();
        seen.ssl_request = self.asker.ssl_request();
        seen.trailing = self.asker.trailing();
        let kept = self.kept.into_inner();
        seen.chains = kept.chains;
        seen.dh_primes = kept.dh_primes;
        seen
    }

    /// The versions side by side: each needs one answer before it knows its next question. TLS 1.2,
    /// which has most of them, begins; what takes whole handshakes goes along with it.
    async fn versions(&self) -> (Vec<VersionSeen>, Option<Encrypted>) {
        let tls_1_3 = async {
            let mut version = self.tls_1_3().await;
            if !spoken(&version) {
                return (version, None);
            }
            let encrypted = self.encrypted(Some(&version)).await;
            if !encrypted.has_handshake() {
                self.doubt_tls_1_3(&mut version).await;
            }
            (version, Some(encrypted))
        };
        let older = [0x0302, 0x0301, 0x0300].into_iter();
        let (tls_1_2, (tls_1_3, encrypted), older) = tokio::join!(
            self.up_to_tls_1_2(0x0303),
            tls_1_3,
            join_all(older.map(|version| self.up_to_tls_1_2(version)))
        );
        let older = older.into_iter().rev();
        (older.chain([tls_1_2, tls_1_3]).collect(), encrypted)
    }

    /// Leaves open whether a version is spoken where the server only ended the connection, unless
    /// it still takes another one.
    async fn settle(&self, versions: &mut [VersionSeen]) {
        let vague = |version: &&mut VersionSeen| version.answer.failure().is_some_and(is_vague);
        let Some(one) = versions.iter_mut().find(vague) else {
            return;
        };
        let no = one.answer.failure().cloned().unwrap_or(Failure::Closed);
        if self.asker.accepted_any() && self.asker.meant(no).await.is_ok() {
            return;
        }
        for version in versions.iter_mut().filter(vague) {
            let why = "the connection ends, which need not be an answer";
            version.answer = Step::Failed {
                failure: Failure::Protocol(why.into()),
                ms: 0.0,
            };
        }
    }

    /// What the server does when TLS 1.3 is offered together with the version below, where it
    /// refuses TLS 1.3 alone with an alert that does not say that it does not speak it.
    async fn two_versions(&self, versions: &[VersionSeen]) -> Step<u16> {
        let refusal = versions
            .iter()
            .find(|version| version.version == 0x0304 && version.answered_in.is_none())
            .and_then(|version| version.answer.failure());
        let below = versions.iter().rev().find(|version| spoken(version));
        match (refusal, below) {
            (Some(Failure::Alert(alert)), Some(below)) if *alert != PROTOCOL_VERSION => {
                let hello = ClientHello {
                    versions: vec![0x0304, below.version],
                    cipher_suites: [suites(0x0304), suites(below.version)].concat(),
                    groups: GROUPS.to_vec(),
                    signature_schemes: SIGNATURE_SCHEMES.to_vec(),
                    ..self.asker.hello(0x0304)
                };
                match self.asker.ask(&hello).await {
                    Ok(Answer::Flight(flight)) => Step::Observed {
                        value: flight.protocol_version.unwrap_or_default(),
                        ms: 0.0,
                    },
                    Ok(Answer::No(failure)) | Err(failure) => Step::Failed { failure, ms: 0.0 },
                }
            }
            _ => Step::NotAttempted,
        }
    }

    /// The place of a chain among those that were kept.
    fn chain(&self, chain: Vec<Vec<u8>>) -> Option<usize> {
        self.place(&mut self.kept.borrow_mut().chains, chain)
    }

    /// The place of a prime among those that were kept.
    fn dh_prime(&self, prime: Vec<u8>) -> Option<usize> {
        self.place(&mut self.kept.borrow_mut().dh_primes, prime)
    }

    /// Where `value` is in `list`, which gets it if it has not; nowhere if it is empty or one too
    /// many.
    fn place<T: PartialEq>(&self, list: &mut Vec<Vec<T>>, value: Vec<T>) -> Option<usize> {
        if value.is_empty() {
            return None;
        }
        if let Some(known) = list.iter().position(|other| *other == value) {
            return Some(known);
        }
        if list.len() >= MAX_KEPT {
            self.too_many.set(true);
            return None;
        }
        list.push(value);
        list.len().checked_sub(1)
    }
}

/// The server refuses all that it took before: so its other refusals mean nothing either.
fn no_longer_taken(seen: &mut VersionSeen) {
    seen.suites_complete = false;
    seen.groups_complete = false;
}

/// The version of an answer, if it is one that a server may choose that does not speak `asked`.
fn lower(answer: u16, asked: u16) -> Option<u16> {
    (0x0300..asked).contains(&answer).then_some(answer)
}

/// Notes what a flight says of its version beside the choice of a suite.
fn note(seen: &mut VersionSeen, flight: &ServerFlight) {
    if matches!(seen.answer, Step::NotAttempted) {
        seen.answer = Step::Observed { value: (), ms: 0.0 };
    }
    for kind in &flight.extensions {
        if !seen.extensions.contains(kind) {
            seen.extensions.push(*kind);
        }
    }
    for format in &flight.point_formats {
        if !seen.point_formats.contains(format) {
            seen.point_formats.push(*format);
        }
    }
    if flight.compression != 0 && !seen.compression.contains(&flight.compression) {
        seen.compression.push(flight.compression);
    }
    seen.session_id |= flight.session_id_length > 0;
    seen.ocsp_stapled |= flight.ocsp_stapled;
    seen.client_certificate |= flight.certificate_request.is_some();
    if let Some(name) = &flight.alpn {
        seen.alpn = Some(name.clone());
    }
    // RFC 8446 section 4.1.3.
    if let [b'D', b'O', b'W', b'N', b'G', b'R', b'D', last] = flight.random_end {
        seen.downgrade_sentinel = Some(last);
    }
}
