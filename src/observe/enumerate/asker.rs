//! One question a connection: a ClientHello, and the server's first flight. Slow enough for the
//! server, and slower when it says that it is too much or serves one connection at a time.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::super::connection::{negotiate, read_some};
use super::super::handshake::failure_of;
use super::super::plan::{HostPlan, Plan};
use super::super::{Limit, connect};
use super::{EnumeratePlan, MAX_CONNECTIONS};
use crate::net::Network;
use crate::observation::{Endpoint, Failure, StartupReply};
use crate::wire::postgres::{self, Decoded};
use crate::wire::tls::client_hello::ClientHello;
use crate::wire::tls::server_flight::{FlightEnd, MAX_FLIGHT, ServerFlight, server_flight};

/// How many connections to a host are open at the same time.
const SIDE_BY_SIDE: usize = 4;

/// How long one answer may take; the other questions go on.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an answer may take while other connections to the server are open, at least: after that
/// it may be they that it waits for.
const QUEUED: Duration = Duration::from_secs(1);

/// The same, in answers of the server as slow as the slowest so far.
const QUEUED_ANSWERS: u32 = 5;

/// How long to wait after the server had no room, at first; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// How often a question is asked again when the server has no room.
const TRIES: u32 = 6;

/// How many connections may be open at the same time.
struct Slots {
    free: Semaphore,
    taken: Cell<usize>,
    /// Places that are taken now and not given back any more.
    surplus: Cell<usize>,
    narrow: Cell<bool>,
}

impl Slots {
    fn new() -> Self {
        Self {
            free: Semaphore::new(SIDE_BY_SIDE),
            taken: Cell::new(0),
            surplus: Cell::new(0),
            narrow: Cell::new(false),
        }
    }

    /// From now on one after the other.
    fn narrow(&self) {
        if !self.narrow.replace(true) {
            let gone = self.free.forget_permits(SIDE_BY_SIDE - 1);
            self.surplus.set(SIDE_BY_SIDE - 1 - gone);
        }
    }
}

/// A place among the connections that may be open at the same time; given back when dropped.
pub(super) struct Place<'s>(&'s Slots);

impl<'s> Place<'s> {
    fn of(permit: SemaphorePermit<'_>, slots: &'s Slots) -> Self {
        permit.forget();
        slots.taken.set(slots.taken.get() + 1);
        Self(slots)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.taken.set(self.0.taken.get().saturating_sub(1));
        match self.0.surplus.get().checked_sub(1) {
            Some(fewer) => self.0.surplus.set(fewer),
            None => self.0.free.add_permits(1),
        }
    }
}

/// Why an answer did not come in time; nothing of it is the server's answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Silence {
    /// Other connections were open: it is to be asked again when they are not.
    Queued,
    /// It was the only one, or there is no time left.
    Overdue,
}

/// Why an exchange of several steps came to no end.
pub(super) enum Unfinished {
    /// As [`Silence::Queued`].
    Queued,
    Failed(Failure),
}

impl From<Silence> for Unfinished {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Queued => Self::Queued,
            Silence::Overdue => Self::Failed(Failure::Deadline),
        }
    }
}

impl From<Failure> for Unfinished {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What came of a ClientHello.
pub(super) enum Answer {
    /// The server took something of it.
    Flight(Box<ServerFlight>),
    /// It did not, and how it said so.
    No(Failure),
}

/// Whether a server that is in trouble would say no like that, too: internal_error, or nothing.
pub(super) fn is_vague(no: &Failure) -> bool {
    matches!(no, Failure::Alert(80) | Failure::Closed | Failure::Reset)
}

/// Where the questions go, and how fast.
pub(super) struct Asker<'a, N: Network> {
    network: &'a N,
    endpoint: &'a Endpoint,
    direct: bool,
    connect_timeout: Option<Duration>,
    server_name: Option<&'a str>,
    alpn: RefCell<Option<String>>,
    deadline: Instant,
    slots: Slots,
    gap: Option<Duration>,
    next: Cell<Instant>,
    connections: Cell<usize>,
    turned_away: Cell<usize>,
    ssl_request: Cell<Option<u8>>,
    trailing: Cell<usize>,
    gave_up: RefCell<Option<Failure>>,
    /// The longest that an answer took.
    slowest: Cell<Duration>,
    /// The last hello that the server took.
    accepted: RefCell<Option<ClientHello>>,
    /// Whether it ended a connection without an answer that it gave the next time.
    flaky: Cell<bool>,
    /// Connections that were opened ahead; each keeps its place until a question takes both.
    spare: RefCell<Vec<N::Stream>>,
    /// Whether another question is sure to come, so that a connection can be opened for it.
    ahead: Cell<bool>,
}

impl<'a, N: Network> Asker<'a, N> {
    pub(super) fn new(
        plan: &'a Plan,
        how: &EnumeratePlan,
        host: &'a HostPlan,
        endpoint: &'a Endpoint,
        network: &'a N,
        deadline: Instant,
    ) -> Self {
        Self {
            network,
            endpoint,
            direct: plan.direct,
            connect_timeout: plan.connect_timeout,
            // Names and addresses are told apart here as by libpq: it sends no address.
            server_name: host.server_name.as_deref(),
            alpn: RefCell::new(Some("postgresql".to_owned())),
            deadline,
            slots: Slots::new(),
            gap: how
                .connections_per_second
                .map(|rate| Duration::from_secs_f64(1.0 / rate)),
            next: Cell::new(Instant::now()),
            connections: Cell::new(0),
            turned_away: Cell::new(0),
            ssl_request: Cell::new(None),
            trailing: Cell::new(0),
            gave_up: RefCell::new(None),
            slowest: Cell::new(Duration::ZERO),
            accepted: RefCell::new(None),
            flaky: Cell::new(false),
            spare: RefCell::new(Vec::new()),
            ahead: Cell::new(true),
        }
    }

    pub(super) fn server_name(&self) -> Option<&str> {
        self.server_name
    }

    pub(super) fn alpn(&self) -> Option<String> {
        self.alpn.borrow().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.get()
    }

    pub(super) fn turned_away(&self) -> usize {
        self.turned_away.get()
    }

    pub(super) fn ssl_request(&self) -> Option<u8> {
        self.ssl_request.get()
    }

    pub(super) fn trailing(&self) -> usize {
        self.trailing.get()
    }

    /// Why no more questions could be asked, if that came about.
    pub(super) fn gave_up(&self) -> Option<Failure> {
        self.gave_up.borrow().clone()
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn is_direct(&self) -> bool {
        self.direct
    }

    /// Opens the first connection, which the next question then uses.
    pub(super) async fn first(&self) -> Result<(), Failure> {
        let (place, stream) = self.open(!self.direct).await?;
        self.keep(place, stream);
        Ok(())
    }

    fn keep(&self, place: Place<'_>, stream: N::Stream) {
        // Nobody may ever take it, and the others wait for its end.
        if self.slots.narrow.get() {
            return;
        }
        std::mem::forget(place);
        self.spare.borrow_mut().push(stream);
    }

    /// From now on one connection after the other; what was opened ahead is closed, for the rest may
    /// be waiting for that.
    fn one_at_a_time(&self) {
        self.slots.narrow();
        for stream in self.spare.take() {
            drop(stream);
            drop(Place(&self.slots));
        }
    }

    /// Waits for an answer of the server on one connection, but not long while others are open: a
    /// server that serves one after the other does not look at this one before they are closed.
    ///
    /// # Errors
    /// When it does not come in time.
    pub(super) async fn answered<T>(
        &self,
        patience: Duration,
        what: impl Future<Output = T>,
    ) -> Result<T, Silence> {
        let began = Instant::now();
        let until = self.deadline.min(began + patience);
        let queued = began + QUEUED.max(self.slowest.get() * QUEUED_ANSWERS);
        let mut what = pin!(what);
        for until in [until.min(queued), until] {
            if let Ok(done) = timeout_at(until, what.as_mut()).await {
                let took = began.elapsed();
                self.slowest.set(self.slowest.get().max(took));
                return Ok(done);
            }
            if Instant::now() < self.deadline && self.slots.taken.get() > 1 {
                self.one_at_a_time();
                return Err(Silence::Queued);
            }
        }
        Err(Silence::Overdue)
    }

    /// Opens no more connections ahead of their questions.
    pub(super) fn no_more_ahead(&self) {
        self.ahead.set(false);
    }

    /// Opens a connection for the next question while this one is being answered, if there is room:
    /// a process of PostgreSQL takes as long to start as to answer.
    async fn open_ahead(&self) {
        if !self.ahead.get() || !self.spare.borrow().is_empty() || self.slots.narrow.get() {
            return;
        }
        let Ok(permit) = self.slots.free.try_acquire() else {
            return;
        };
        let place = Place::of(permit, &self.slots);
        if self.gap.is_some() || self.connections.get() >= MAX_CONNECTIONS {
            return;
        }
        self.connections.set(self.connections.get() + 1);
        match self.answered(PATIENCE, self.try_open(!self.direct)).await {
            Ok(Ok(stream)) => self.keep(place, stream),
            Ok(Err(Turned::Away(failure))) => self.is_turned_away(&failure),
            // The next question will be told so itself.
            Ok(Err(Turned::For(_))) | Err(_) => {}
        }
    }

    /// A ClientHello with all that is the same in every one.
    pub(super) fn hello(&self, version: u16) -> ClientHello {
        ClientHello {
            versions: vec![version],
            server_name: self.server_name.map(str::to_owned),
            alpn: self.alpn(),
            curious: true,
            ..ClientHello::default()
        }
    }

    /// Asks one question.
    ///
    /// # Errors
    /// When no answer can be had; that says nothing about what was asked.
    pub(super) async fn ask(&self, hello: &ClientHello) -> Result<Answer, Failure> {
        let mut hello = hello.clone();
        let mut again = false;
        loop {
            // Without randomness the hello is still a hello.
            let _ = SystemRandom::new().fill(&mut hello.random);
            let (place, mut stream) = self.open(!self.direct).await?;
            let answering = async {
                let answer = self.answered(PATIENCE, flight(&mut stream, &hello)).await;
                // At once: the server may not look at the next one before.
                drop(stream);
                drop(place);
                answer
            };
            let (answer, ()) = tokio::join!(answering, self.open_ahead());
            match answer {
                Ok(Ok(flight)) => {
                    if again {
                        // It ended the connection at what it takes: that means nothing from now on.
                        self.flaky.set(true);
                    }
                    self.accepted.replace(Some(hello));
                    return Ok(Answer::Flight(flight));
                }
                // no_application_protocol: the server knows another protocol than PostgreSQL's.
                Ok(Err(Failure::Alert(120))) if hello.alpn.is_some() => {
                    self.alpn.replace(None);
                    hello.alpn = None;
                }
                // It may say no like that, or be short of something for a moment.
                Ok(Err(Failure::Closed | Failure::Reset)) if !again => {
                    again = true;
                    self.one_at_a_time();
                    self.wait(FIRST_WAIT).await;
                }
                Ok(Err(no @ (Failure::Alert(_) | Failure::Closed | Failure::Reset))) => {
                    return Ok(Answer::No(no));
                }
                // No TLS, or more than is read here.
                Ok(Err(other)) => return Err(other),
                Err(Silence::Queued) => {}
                Err(Silence::Overdue) => return Err(self.overdue()),
            }
        }
    }

    /// Whether a no to one hello means what was offered in it: an alert that says so does. What a
    /// server in trouble would do as well counts only if it still takes what it took before.
    ///
    /// # Errors
    /// The no, where it says nothing.
    pub(super) async fn meant(&self, no: Failure) -> Result<Failure, Failure> {
        if !is_vague(&no) {
            return Ok(no);
        }
        let accepted = self.accepted.borrow().clone();
        match accepted {
            // Which version is the first to be taken is not known yet: see `Enumerator::settle`.
            None => Ok(no),
            Some(_) if self.flaky.get() => Err(no),
            Some(hello) => match self.ask(&hello).await {
                Ok(Answer::Flight(_)) if !self.flaky.get() => Ok(no),
                _ => Err(no),
            },
        }
    }

    /// Whether the server took any hello.
    pub(super) fn accepted_any(&self) -> bool {
        self.accepted.borrow().is_some()
    }

    /// The deadline of all, or that of one answer.
    fn overdue(&self) -> Failure {
        if Instant::now() >= self.deadline {
            self.gave_up.replace(Some(Failure::Deadline));
        }
        Failure::Deadline
    }

    /// Opens a connection on which TLS can begin.
    ///
    /// # Errors
    /// When the server has no TLS, or no room for another connection although it was waited for.
    pub(super) async fn open(&self, ssl_request: bool) -> Result<(Place<'_>, N::Stream), Failure> {
        let mut wait = FIRST_WAIT;
        let mut tries = 0;
        loop {
            if let Some(failure) = self.gave_up() {
                return Err(failure);
            }
            // The spare one is where TLS begins.
            if ssl_request != self.direct {
                let spare = self.spare.borrow_mut().pop();
                if let Some(stream) = spare {
                    return Ok((Place(&self.slots), stream));
                }
            }
            let permit = timeout_at(self.deadline, self.slots.free.acquire()).await;
            let Ok(Ok(permit)) = permit else {
                return Err(self.overdue());
            };
            let permit = Place::of(permit, &self.slots);
            self.pace().await;
            if self.connections.get() >= MAX_CONNECTIONS {
                let why = format!("more than {MAX_CONNECTIONS} connections would be needed");
                self.gave_up.replace(Some(Failure::Unsupported(why)));
                continue;
            }
            self.connections.set(self.connections.get() + 1);
            let away = match self.answered(PATIENCE, self.try_open(ssl_request)).await {
                Ok(Ok(stream)) => return Ok((permit, stream)),
                // The time was over while it was being opened.
                Ok(Err(Turned::For(Failure::Deadline))) => return Err(self.overdue()),
                Ok(Err(Turned::For(failure))) => return Err(failure),
                Ok(Err(Turned::Away(failure))) => failure,
                Err(Silence::Queued) => continue,
                Err(Silence::Overdue) => return Err(self.overdue()),
            };
            // A server that never answered is not overloaded by us.
            tries += 1;
            if self.ssl_request.get().is_none() && !matches!(away, Failure::Unsupported(_)) {
                return Err(away);
            }
            self.is_turned_away(&away);
            if tries >= TRIES {
                self.gave_up.replace(Some(away));
                continue;
            }
            drop(permit);
            self.wait(wait).await;
            wait *= 2;
        }
    }

    fn is_turned_away(&self, why: &Failure) {
        // Want of something on this machine is not the server's doing.
        if !matches!(why, Failure::Local(_)) {
            self.turned_away.set(self.turned_away.get() + 1);
        }
        self.one_at_a_time();
    }

    /// Waits, but not beyond the deadline.
    async fn wait(&self, time: Duration) {
        sleep_until(self.deadline.min(Instant::now() + time)).await;
    }

    /// Opens a connection and says nothing on it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) async fn open_silently(&self) -> Result<(Place<'_>, N::Stream), Failure> {
        self.open(false).await
    }

    /// Waits until another connection is due.
    async fn pace(&self) {
        let Some(gap) = self.gap else { return };
        let due = self.next.get().max(Instant::now());
        self.next.set(due + gap);
        sleep_until(due.min(self.deadline)).await;
    }

    async fn try_open(&self, ssl_request: bool) -> Result<N::Stream, Turned> {
        let limit = Limit::new(self.deadline, self.connect_timeout);
        let (step, stream) = connect(self.network, self.endpoint, &limit).await;
        let Some(mut stream) = stream else {
            return Err(match step.failure().cloned().unwrap_or(Failure::Closed) {
                Failure::Deadline => Turned::For(Failure::Deadline),
                failure => Turned::Away(failure),
            });
        };
        if !ssl_request {
            self.ssl_request.set(self.ssl_request.get().or(Some(0)));
            return Ok(stream);
        }
        let mut pending = Vec::new();
        match negotiate(&mut stream, &postgres::SSL_REQUEST, &mut pending).await {
            Ok(reply) => {
                if reply.byte == b'S' {
                    self.trailing.set(self.trailing.get().max(reply.trailing));
                }
                match reply.byte {
                    b'S' => {
                        self.ssl_request.set(Some(reply.byte));
                        Ok(stream)
                    }
                    b'E' => Err(turned_by_error(&pending)),
                    other => {
                        self.ssl_request.set(self.ssl_request.get().or(Some(other)));
                        Err(Turned::For(Failure::Unsupported(format!(
                            "the server answers {} to SSLRequest",
                            char::from(other).escape_default()
                        ))))
                    }
                }
            }
            Err(failure) => Err(Turned::Away(failure)),
        }
    }
}

/// Why there is no connection on which TLS could begin.
enum Turned {
    /// The server has no room now.
    Away(Failure),
    /// It would say the same again.
    For(Failure),
}

/// An ErrorResponse in answer to SSLRequest: poolers say like that that they are full, and
/// PostgreSQL that it cannot start another process. PostgreSQL's own "too many clients" (53300)
/// comes after the StartupMessage, so over TLS.
fn turned_by_error(rest: &[u8]) -> Turned {
    let bytes = [b"E", rest].concat();
    let Decoded::Reply(StartupReply::Error(error), _) = postgres::startup_reply(&bytes, true)
    else {
        return Turned::For(Failure::Protocol(
            "a broken error in answer to SSLRequest".into(),
        ));
    };
    let text = format!("{} {}", error.sqlstate, error.message);
    // Class 53 is "Insufficient Resources"; PgBouncer says 08P01 for everything.
    let full = error.sqlstate.starts_with("53")
        || error.message.contains("no more connections")
        || error.message.contains("could not fork");
    if full {
        Turned::Away(Failure::Unsupported(text))
    } else {
        Turned::For(Failure::Unsupported(text))
    }
}

/// Sends the hello and reads the first flight.
async fn flight<S>(stream: &mut S, hello: &ClientHello) -> Result<Box<ServerFlight>, Failure>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let sent = stream.write_all(&hello.to_records()).await;
    sent.map_err(|error| failure_of(&error))?;
    let mut received = Vec::new();
    loop {
        if read_some(stream, &mut received).await? == 0 {
            return Err(Failure::Closed);
        }
        let flight =
            server_flight(&received).map_err(|error| Failure::Protocol(error.to_string()))?;
        match flight.end {
            FlightEnd::Complete => return Ok(Box::new(flight)),
            // close_notify ends a connection and says no more than its end.
            FlightEnd::Alert(0) => return Err(Failure::Closed),
            FlightEnd::Alert(alert) => return Err(Failure::Alert(alert)),
            FlightEnd::Open if received.len() > MAX_FLIGHT => {
                return Err(Failure::Protocol("a flight of more than 256 KiB".into()));
            }
            FlightEnd::Open => {}
        }
    }
}
