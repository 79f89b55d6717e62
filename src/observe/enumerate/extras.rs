//! What is asked once the versions are known: whole handshakes of TLS 1.3, the answers to
//! TLS_FALLBACK_SCSV and to a hello without server_name, and what is peculiar to PostgreSQL.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::super::connection::{encrypted_reply, negotiate, startup_bytes};
use super::super::handshake::TlsSession;
use super::super::plan::TlsPlan;
use super::Enumerator;
use super::asker::{Answer, Unfinished};
use super::narrowing::Narrowing;
use super::offers::{GROUPS, SIGNATURE_SCHEMES};
use crate::emulates::OpenSsl;
use crate::net::Network;
use crate::observation::enumeration::{Enumeration, Stage, VersionSeen, WithoutServerName};
use crate::observation::{Failure, Handshake, ServerError, StartupReply, Step};
use crate::wire::postgres::{self, Decoded};
use crate::wire::tls::client_hello::ClientHello;

/// How long a whole handshake or a reply may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait for what a server need not send.
const SILENCE: Duration = Duration::from_millis(500);

/// How long to wait for the reply to a message that a server should not have taken: long enough for
/// a slow network, and for names that `pg_hba.conf` has looked up.
const LONG_SILENCE: Duration = Duration::from_secs(3);

/// The groups for whole handshakes: those that every server has one of, and those that the TLS
/// library can do.
const HANDSHAKE_GROUPS: [u16; 9] = [
    0x0017, 0x001d, 0x0018, 0x0019, 0x001e, 0x11ec, 0x0100, 0x0101, 0x0102,
];

fn step<T>(result: Result<T, Failure>) -> Step<T> {
    match result {
        Ok(value) => Step::Observed { value, ms: 0.0 },
        Err(failure) => Step::Failed { failure, ms: 0.0 },
    }
}

pub(super) fn spoken(version: &VersionSeen) -> bool {
    version.answer.value().is_some()
}

impl<N: Network> Enumerator<'_, N> {
    /// Asks what depends on the versions.
    pub(super) async fn extras(&self, seen: &mut Enumeration) {
        // Where TLS 1.2 is refused, the groups are those of the highest version below.
        let below = seen
            .versions
            .iter_mut()
            .filter(|version| version.version < 0x0304);
        if let Some(highest) = below.rev().find(|version| spoken(version))
            && highest.version < 0x0303
        {
            self.groups_below_tls_1_2(highest).await;
        }
        let spoken: Vec<VersionSeen> = seen
            .versions
            .iter()
            .filter(|one| spoken(one))
            .cloned()
            .collect();
        let Some(highest) = spoken.last() else {
            return;
        };
        self.asker.no_more_ahead();
        let fallback = async {
            match spoken.iter().rev().nth(1) {
                Some(lower) => self.fallback(lower).await,
                None => Step::NotAttempted,
            }
        };
        let without_server_name = async {
            if let Some(known) = self.without_server_name.take() {
                return step(Ok(known));
            }
            let shown = spoken.iter().rev().find(|one| one.version < 0x0304);
            match shown.filter(|_| self.asker.server_name().is_some()) {
                Some(version) => self.without_server_name(version).await,
                None => Step::NotAttempted,
            }
        };
        (seen.fallback, seen.without_server_name) = tokio::join!(fallback, without_server_name);
        // Below TLS 1.2 what needs a whole handshake is left open.
        if highest.version == 0x0303 {
            self.encrypted(None).await.into(seen);
        }
    }

    /// What takes whole handshakes: of TLS 1.3 if it is given, otherwise of TLS 1.2.
    pub(super) async fn encrypted(&self, tls_1_3: Option<&VersionSeen>) -> Encrypted {
        let mut shown = None;
        let mut error_before_s = None;
        let mut plaintext_stage = Stage::NotOpen;
        let plaintext_before_tls = if self.asker.is_direct() {
            Step::NotAttempted
        } else {
            let stage = &mut plaintext_stage;
            let asking = self.plaintext_before_tls(&mut error_before_s, stage, &mut shown);
            step(asking.await)
        };
        let mut direct_stage = Stage::NotOpen;
        let direct_without_alpn = step(self.direct_without_alpn(&mut direct_stage).await);
        let whole = match tls_1_3 {
            Some(version) => Some(self.whole_handshakes(version, shown).await),
            None => None,
        };
        // A handshake that fails tells something only if it is completed otherwise.
        let in_doubt = [plaintext_stage, direct_stage].contains(&Stage::Handshake);
        let usual_handshake = match &whole {
            Some(whole) if whole.tickets.is_some() => Some(true),
            _ if in_doubt => {
                let plan = self.tls_plan(SIGNATURE_SCHEMES.to_vec(), 0x0303);
                Some(self.handshake(&plan, false).await.is_ok())
            }
            _ => None,
        };
        Encrypted {
            whole,
            plaintext_before_tls,
            plaintext_stage,
            error_before_s,
            direct_without_alpn,
            direct_stage,
            usual_handshake,
        }
    }

    fn tls_plan(&self, schemes: Vec<u16>, min_version: u16) -> TlsPlan {
        TlsPlan {
            min_version,
            max_version: 0x0304,
            groups: HANDSHAKE_GROUPS.to_vec(),
            signature_schemes: schemes,
            alpn: self.asker.alpn(),
            openssl: OpenSsl::default(),
            curious: true,
            client_key: None,
        }
    }

    /// Whole handshakes whose signature schemes become fewer and fewer; `shown` is one that was made
    /// before with all of them.
    async fn whole_handshakes(&self, version: &VersionSeen, shown: Option<Handshake>) -> Whole {
        let mut whole = Whole {
            schemes: Narrowing::new(SIGNATURE_SCHEMES),
            chain: None,
            alpn: None,
            client_certificate: false,
            tickets: None,
            ocsp_stapled: None,
        };
        let shown = shown.filter(|one| one.protocol_version == Some(version.version));
        if let Some(handshake) = &shown {
            whole.note(handshake, self.chain(handshake.certificates.clone()));
        }
        loop {
            let mut plan = self.tls_plan(whole.schemes.rest(), 0x0304);
            if whole.schemes.complete {
                plan.signature_schemes = SIGNATURE_SCHEMES.to_vec();
            }
            // The group that the server likes best saves a round trip.
            plan.groups
                .sort_by_key(|group| version.groups.first() != Some(group));
            let first = whole.tickets.is_none();
            match self.handshake(&plan, first).await {
                Ok(handshake) => {
                    let chain = self.chain(handshake.certificates.clone());
                    if first {
                        whole.tickets = Some(handshake.tickets);
                        whole.alpn = handshake.alpn.clone();
                    }
                    if !whole.note(&handshake, chain) {
                        return whole;
                    }
                }
                // Nothing that is left pleases the server; otherwise it is not known why.
                Err(Failure::Alert(_))
                    if !whole.schemes.taken.is_empty() && !whole.schemes.complete =>
                {
                    whole.schemes.complete = true;
                    if !first {
                        return whole;
                    }
                }
                Err(_) => return whole,
            }
        }
    }

    /// One whole handshake; `to_the_end` also waits for the session tickets behind it.
    async fn handshake(&self, plan: &TlsPlan, to_the_end: bool) -> Result<Handshake, Failure> {
        until_alone(async || {
            let (_place, stream) = self.asker.open(!self.asker.is_direct()).await?;
            let name = self.asker.server_name();
            let (mut session, _) = TlsSession::new(stream, plan, name, plan.alpn.is_some())?;
            self.asker
                .answered(PATIENCE, session.handshake(true))
                .await??;
            if to_the_end {
                // A server answers our close_notify with its own, behind what it had to say.
                let _ = timeout(SILENCE, session.drain()).await;
            }
            let seen = session.take_seen();
            let _ = timeout(SILENCE, Box::new(session).close()).await;
            Ok(seen)
        })
        .await
    }

    /// The version below the highest, with TLS_FALLBACK_SCSV.
    async fn fallback(&self, lower: &VersionSeen) -> Step<u16> {
        let hello = ClientHello {
            fallback: true,
            ..self.hello_like(lower)
        };
        step(match self.asker.ask(&hello).await {
            Ok(Answer::Flight(flight)) => Ok(flight.protocol_version.unwrap_or_default()),
            Ok(Answer::No(failure)) | Err(failure) => Err(failure),
        })
    }

    /// The same hello as before, with all that the server took, but without server_name.
    async fn without_server_name(&self, version: &VersionSeen) -> Step<WithoutServerName> {
        let hello = ClientHello {
            server_name: None,
            ..self.hello_like(version)
        };
        let with_name = version.suites.first().cloned().unwrap_or_default();
        step(match self.asker.ask(&hello).await {
            Ok(Answer::Flight(flight)) => Ok(WithoutServerName {
                version: flight.protocol_version.unwrap_or_default(),
                suite: flight.cipher_suite.unwrap_or_default(),
                chain: self.chain(flight.certificates.clone()),
                suite_with_name: with_name.suite,
                chain_with_name: with_name.chain,
            }),
            Ok(Answer::No(failure)) | Err(failure) => Err(failure),
        })
    }

    /// A hello that the server has accepted already.
    fn hello_like(&self, version: &VersionSeen) -> ClientHello {
        // In the order in which it took them, so that a server that goes by ours answers alike.
        let suites = version.suites.iter().map(|suite| suite.suite).collect();
        ClientHello {
            cipher_suites: suites,
            groups: GROUPS.to_vec(),
            signature_schemes: SIGNATURE_SCHEMES.to_vec(),
            ..self.asker.hello(version.version)
        }
    }

    /// CVE-2021-23214: a StartupMessage in plaintext in the same packet as SSLRequest. A server that
    /// kept it takes it after the handshake for something that came over TLS. Where the handshake
    /// comes about, it is one like any other: `shown`.
    async fn plaintext_before_tls(
        &self,
        refused: &mut Option<ServerError>,
        stage: &mut Stage,
        shown: &mut Option<Handshake>,
    ) -> Result<StartupReply, Failure> {
        let injected = [postgres::SSL_REQUEST.to_vec(), startup_bytes(self.plan)].concat();
        until_alone(async || {
            let (_place, mut stream) = self.asker.open_silently().await?;
            *stage = Stage::Open;
            let mut pending = Vec::new();
            let asking = negotiate(&mut stream, &injected, &mut pending);
            let reply = self.asker.answered(PATIENCE, asking).await??;
            if reply.byte == b'E' {
                let bytes = [b"E", pending.as_slice()].concat();
                if let Decoded::Reply(StartupReply::Error(error), _) =
                    postgres::startup_reply(&bytes, true)
                {
                    *refused = Some(error);
                }
            }
            if reply.byte != b'S' {
                return Err(Failure::Protocol("no S".into()).into());
            }
            let plan = self.tls_plan(SIGNATURE_SCHEMES.to_vec(), 0x0303);
            let name = self.asker.server_name();
            let (mut session, _) = TlsSession::new(stream, &plan, name, plan.alpn.is_some())?;
            *stage = Stage::Handshake;
            self.asker
                .answered(PATIENCE, session.handshake(false))
                .await??;
            *stage = Stage::Reply;
            *shown = Some(session.seen());
            let until = self.asker.deadline().min(Instant::now() + LONG_SILENCE);
            let reply = timeout_at(until, encrypted_reply(&mut session)).await;
            if reply.is_err() && until < self.asker.deadline() {
                *stage = Stage::Silence;
            }
            let _ = timeout(SILENCE, Box::new(session).close()).await;
            Ok(reply.map_err(|_| Failure::Deadline)??)
        })
        .await
    }

    /// TLS from the first byte without ALPN, which PostgreSQL 17 and later refuse after the
    /// handshake and older ones before it; and then a StartupMessage.
    async fn direct_without_alpn(&self, stage: &mut Stage) -> Result<StartupReply, Failure> {
        let mut plan = self.tls_plan(SIGNATURE_SCHEMES.to_vec(), 0x0303);
        plan.alpn = None;
        until_alone(async || {
            let (_place, stream) = self.asker.open_silently().await?;
            *stage = Stage::Open;
            let name = self.asker.server_name();
            let (mut session, _) = TlsSession::new(stream, &plan, name, false)?;
            *stage = Stage::Handshake;
            self.asker
                .answered(PATIENCE, session.handshake(false))
                .await??;
            *stage = Stage::Reply;
            session.send(&startup_bytes(self.plan)).await?;
            let until = self.asker.deadline().min(Instant::now() + PATIENCE);
            let reply = timeout_at(until, encrypted_reply(&mut session)).await;
            let _ = timeout(SILENCE, session.send(&postgres::TERMINATE)).await;
            let _ = timeout(SILENCE, Box::new(session).close()).await;
            Ok(reply.map_err(|_| Failure::Deadline)??)
        })
        .await
    }
}

/// Does it again where other connections were in the way.
async fn until_alone<T>(
    mut exchange: impl AsyncFnMut() -> Result<T, Unfinished>,
) -> Result<T, Failure> {
    loop {
        match exchange().await {
            Ok(done) => return Ok(done),
            Err(Unfinished::Failed(failure)) => return Err(failure),
            Err(Unfinished::Queued) => {}
        }
    }
}

/// What was found by whole handshakes.
pub(super) struct Encrypted {
    whole: Option<Whole>,
    plaintext_before_tls: Step<StartupReply>,
    plaintext_stage: Stage,
    error_before_s: Option<ServerError>,
    direct_without_alpn: Step<StartupReply>,
    direct_stage: Stage,
    usual_handshake: Option<bool>,
}

impl Encrypted {
    /// Whether a whole handshake of TLS 1.3 came about.
    pub(super) fn has_handshake(&self) -> bool {
        let whole = self.whole.as_ref();
        whole.is_some_and(|whole| !whole.schemes.taken.is_empty())
    }

    /// Adds it to the rest.
    pub(super) fn into(self, seen: &mut Enumeration) {
        seen.plaintext_before_tls = self.plaintext_before_tls;
        seen.error_before_s = self.error_before_s;
        seen.plaintext_stage = self.plaintext_stage;
        seen.direct_without_alpn = self.direct_without_alpn;
        seen.direct_stage = self.direct_stage;
        seen.usual_handshake = self.usual_handshake;
        if let (Some(whole), Some(version)) = (self.whole, seen.versions.last_mut()) {
            seen.tickets = whole.tickets;
            seen.ocsp_stapled = whole.ocsp_stapled;
            version.signature_schemes_complete = whole.schemes.complete;
            version.signature_schemes = whole.schemes.taken;
            version.alpn = whole.alpn;
            version.client_certificate = whole.client_certificate;
            for suite in &mut version.suites {
                suite.chain = whole.chain;
            }
        }
    }
}

/// What whole handshakes of TLS 1.3 showed.
struct Whole {
    schemes: Narrowing,
    chain: Option<usize>,
    alpn: Option<String>,
    client_certificate: bool,
    tickets: Option<u32>,
    ocsp_stapled: Option<bool>,
}

impl Whole {
    /// Notes a handshake; the first one, with all schemes, is the usual one. False if it shows no
    /// scheme that was not known.
    fn note(&mut self, handshake: &Handshake, chain: Option<usize>) -> bool {
        if self.schemes.taken.is_empty() {
            self.chain = chain;
            self.ocsp_stapled = Some(handshake.ocsp_stapled);
            self.client_certificate = handshake.certificate_request.is_some();
        }
        let scheme = handshake.signature.as_ref().map(|one| one.scheme);
        !self.schemes.complete && scheme.is_some_and(|scheme| self.schemes.take(scheme))
    }
}
