//! One connection: the order of its steps, each within the time that is left.

use std::future::{Future, poll_fn};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, timeout_at};

use super::handshake::{TlsSession, failure_of};
use super::plan::{Plan, TlsPlan};
use crate::observation::{
    Answer, Connection, Failure, NegotiationReply, Purpose, Request, ServerKind, SessionStart,
    StartupReply, Step,
};
use crate::wire::postgres::{self, Decoded, DecodedSession};

/// How long the server gets to close after we did; it answers close_notify at once.
const LINGER: Duration = Duration::from_millis(100);

/// How many bytes after `S` or `N` are looked at: libpq reads as much in one go.
const ANSWER: usize = 8 * 1024;

/// When a connection must have ended, and whose limit that is.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    at: Instant,
    failure: Failure,
}

impl Limit {
    /// The deadline of the probe, or libpq's connect_timeout from now on if that comes first.
    pub(super) fn new(deadline: Instant, connect_timeout: Option<Duration>) -> Self {
        let timeout = connect_timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        match timeout {
            Some(at) if at <= deadline => Self {
                at,
                failure: Failure::ConnectTimeout,
            },
            _ => Self {
                at: deadline,
                failure: Failure::Deadline,
            },
        }
    }

    /// Does one step within the limit and times it.
    pub(super) async fn step<T>(&self, what: impl Future<Output = Result<T, Failure>>) -> Step<T> {
        let began = Instant::now();
        let done = timeout_at(self.at, what).await;
        let ms = (began.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        match done {
            Ok(Ok(value)) => Step::Observed { value, ms },
            Ok(Err(failure)) => Step::Failed { failure, ms },
            Err(_) => Step::Failed {
                failure: self.failure.clone(),
                ms,
            },
        }
    }
}

/// How a TLS connection begins and what it does after the handshake.
#[derive(Clone, Copy, Debug)]
pub(super) struct TlsSteps {
    /// SSLRequest first, or TLS from the first byte.
    pub(super) ssl_request: bool,
    /// Whether ALPN is offered.
    pub(super) alpn: bool,
    /// Whether the StartupMessage follows.
    pub(super) startup: bool,
    /// Whether the client certificate stands ready.
    pub(super) client_certificate: bool,
}

/// SSLRequest (or not), the handshake, the StartupMessage (or not), an orderly close.
pub(super) async fn tls<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    plan: &Plan,
    server_name: Option<&str>,
    steps: TlsSteps,
    limit: &Limit,
    connection: &mut Connection,
) {
    if steps.ssl_request {
        let mut pending = Vec::new();
        let asking = negotiate(&mut stream, &postgres::SSL_REQUEST, &mut pending);
        connection.negotiation = limit.step(asking).await;
        note_negotiation(connection, &pending);
        match connection.negotiation.value().map(|reply| reply.byte) {
            Some(b'S') => {}
            // libpq goes on in plaintext on the same connection where the mode allows it.
            Some(b'N') if steps.startup => {
                let plaintext = plaintext(stream, plan, pending, limit, connection);
                // Its room is there only where it is needed.
                return Box::pin(plaintext).await;
            }
            _ => return finish(stream, limit).await,
        }
    }
    let Some(tls) = &plan.tls else {
        return finish(stream, limit).await;
    };
    let is_newer = connection.purpose == Purpose::NewerOpenSsl;
    let newer = is_newer.then(|| tls.newer()).flatten();
    let keeps_key = steps.client_certificate || tls.client_key.is_none();
    let changed = newer.or_else(|| (!keeps_key).then(|| tls.clone()));
    let changed = changed.map(|tls| TlsPlan {
        client_key: tls.client_key.filter(|_| keeps_key),
        ..tls
    });
    let tls = changed.as_ref().unwrap_or(tls);
    let (mut session, offer) = match TlsSession::new(stream, tls, server_name, steps.alpn) {
        Ok((session, offer)) => (Box::new(session), offer),
        Err(failure) => {
            connection.handshake = Step::Failed { failure, ms: 0.0 };
            return;
        }
    };
    connection.offer = Some(offer);
    connection.handshake = limit.step(session.handshake(!steps.startup)).await;
    note(connection, session.answer.clone());
    if connection.handshake.value().is_some() && steps.startup && session.is_established() {
        connection.startup_encrypted = true;
        let mut answer = Answer::new(Request::StartupMessage);
        let mut replies = Replies::default();
        let asking = tls_startup(&mut session, plan, &mut replies, &mut answer);
        let asking = Box::pin(asking);
        connection.startup = limit.step(asking).await;
        note(connection, answer);
        if accepted(connection) {
            let reading = tls_session(&mut session, replies.bytes, &mut connection.server_kind);
            connection.session = limit.step(Box::pin(reading)).await;
        }
    }
    connection.tls = Some(session.take_seen());
    let until = limit.at.min(Instant::now() + LINGER);
    // A peer that does not read must not hold the close up either.
    if let Ok(stream) = timeout_at(until, session.close()).await {
        finish(stream, limit).await;
    }
}

/// The StartupMessage in plaintext, as the first thing or after `N`; `pending` is what came with
/// the `N`, which libpq takes for the reply.
pub(super) async fn plaintext<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    plan: &Plan,
    pending: Vec<u8>,
    limit: &Limit,
    connection: &mut Connection,
) {
    connection.startup_encrypted = false;
    let mut answer = Answer::new(Request::StartupMessage);
    let mut replies = Replies::default();
    let asking = plain_startup(&mut stream, plan, pending, &mut replies, &mut answer);
    connection.startup = limit.step(asking).await;
    note(connection, answer);
    if accepted(connection) {
        let reading = plain_session(&mut stream, replies.bytes, &mut connection.server_kind);
        connection.session = limit.step(reading).await;
    }
    finish(stream, limit).await;
}

/// GSSENCRequest; nothing follows it.
pub(super) async fn gssenc<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    limit: &Limit,
    connection: &mut Connection,
) {
    let mut pending = Vec::new();
    let asking = negotiate(&mut stream, &postgres::GSSENC_REQUEST, &mut pending);
    connection.negotiation = limit.step(asking).await;
    note_negotiation(connection, &pending);
    finish(stream, limit).await;
}

/// Keeps an answer, if one came.
fn note(connection: &mut Connection, answer: Answer) {
    if answer.length > 0 {
        connection.answers.push(answer);
    }
}

/// Keeps the answer's byte, and what came with it.
fn note_negotiation(connection: &mut Connection, pending: &[u8]) {
    if let Some(reply) = connection.negotiation.value() {
        let mut answer = Answer::new(Request::Negotiation);
        answer.add(&[reply.byte]);
        answer.add(pending);
        connection.answers.push(answer);
    }
}

/// Sends a request and reads the answer: one read, as libpq does, so that what follows the answer
/// in the same segment is seen.
pub(super) async fn negotiate<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: &[u8],
    pending: &mut Vec<u8>,
) -> Result<NegotiationReply, Failure> {
    stream
        .write_all(request)
        .await
        .map_err(|error| failure_of(&error))?;
    let mut answer = Vec::new();
    read_some(stream, &mut answer).await?;
    let (byte, rest) = answer.split_first().ok_or(Failure::Closed)?;
    pending.extend_from_slice(rest);
    Ok(NegotiationReply {
        byte: *byte,
        trailing: rest.len(),
    })
}

pub(super) fn startup_bytes(plan: &Plan) -> Vec<u8> {
    let parameters: Vec<_> = plan
        .startup_parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    postgres::startup_message(plan.protocol_version, &parameters)
}

async fn plain_startup<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    plan: &Plan,
    pending: Vec<u8>,
    replies: &mut Replies,
    answer: &mut Answer,
) -> Result<StartupReply, Failure> {
    let sent = stream.write_all(&startup_bytes(plan)).await;
    sent.map_err(|error| failure_of(&error))?;
    let mut bytes = pending;
    loop {
        let mut length = bytes.len();
        if length == 0 {
            length = read_some(stream, &mut bytes).await?;
        }
        let bytes = std::mem::take(&mut bytes);
        match replies.feed(&bytes, length == 0, answer) {
            Some(reply) => return Ok(reply),
            None if length == 0 => return Err(Failure::Closed),
            None => {}
        }
    }
}

/// Reads on after AuthenticationOk until libpq would count as connected, or would not.
async fn plain_session<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    pending: Vec<u8>,
    server: &mut ServerKind,
) -> Result<SessionStart, Failure> {
    let mut bytes = pending;
    loop {
        if let Some(start) = session_start(&mut bytes, server) {
            if start == SessionStart::Ready {
                let _ = stream.write_all(&postgres::TERMINATE).await;
            }
            return Ok(start);
        }
        if read_some(stream, &mut bytes).await? == 0 {
            return Err(Failure::Closed);
        }
    }
}

/// The same over TLS.
async fn tls_session<S: AsyncRead + AsyncWrite + Unpin>(
    session: &mut TlsSession<S>,
    pending: Vec<u8>,
    server: &mut ServerKind,
) -> Result<SessionStart, Failure> {
    let mut bytes = pending;
    loop {
        if let Some(start) = session_start(&mut bytes, server) {
            if start == SessionStart::Ready {
                let _ = session.send(&postgres::TERMINATE).await;
            }
            return Ok(start);
        }
        let came = session.receive_some().await?;
        if came.is_empty() {
            return Err(Failure::Closed);
        }
        bytes.extend_from_slice(&came);
    }
}

/// How the session starts, if `bytes` say so; messages that do not are taken off them.
fn session_start(bytes: &mut Vec<u8>, server: &mut ServerKind) -> Option<SessionStart> {
    match postgres::session_start(bytes, server) {
        DecodedSession::Start(start) => Some(start),
        DecodedSession::Incomplete(passed) => {
            bytes.drain(..passed.min(bytes.len()));
            None
        }
    }
}

async fn tls_startup<S: AsyncRead + AsyncWrite + Unpin>(
    session: &mut TlsSession<S>,
    plan: &Plan,
    replies: &mut Replies,
    answer: &mut Answer,
) -> Result<StartupReply, Failure> {
    // A server that has refused the client certificate may be gone by now; as libpq (`pqSendSome`)
    // we read on then, for the alert that says why.
    let _ = session.send(&startup_bytes(plan)).await;
    encrypted_answer(session, replies, answer).await
}

/// The server's reply to a StartupMessage over TLS.
pub(super) async fn encrypted_reply<S: AsyncRead + AsyncWrite + Unpin>(
    session: &mut TlsSession<S>,
) -> Result<StartupReply, Failure> {
    let mut answer = Answer::new(Request::StartupMessage);
    let reply = encrypted_answer(session, &mut Replies::default(), &mut answer).await?;
    if reply.is_authentication_ok() {
        let _ = session.send(&postgres::TERMINATE).await;
    }
    Ok(reply)
}

async fn encrypted_answer<S: AsyncRead + AsyncWrite + Unpin>(
    session: &mut TlsSession<S>,
    replies: &mut Replies,
    answer: &mut Answer,
) -> Result<StartupReply, Failure> {
    loop {
        let (bytes, failure) = match session.receive_some().await {
            Ok(bytes) => (bytes, Failure::Closed),
            Err(failure) => (Vec::new(), failure),
        };
        match replies.feed(&bytes, bytes.is_empty(), answer) {
            Some(reply) => return Ok(reply),
            None if bytes.is_empty() => return Err(failure),
            None => {}
        }
    }
}

fn accepted(connection: &Connection) -> bool {
    let reply = connection.startup.value();
    reply.is_some_and(StartupReply::is_authentication_ok)
}

/// Puts the reply together, also where a NegotiateProtocolVersion comes before it; what follows the
/// reply stays in `bytes`.
#[derive(Default)]
struct Replies {
    bytes: Vec<u8>,
    negotiated: Option<(u32, Vec<String>)>,
}

impl Replies {
    /// `answer` gets the bytes of the messages that are read, and none of what follows them.
    fn feed(&mut self, bytes: &[u8], at_end: bool, answer: &mut Answer) -> Option<StartupReply> {
        self.bytes.extend_from_slice(bytes);
        loop {
            let Decoded::Reply(reply, used) = postgres::startup_reply(&self.bytes, at_end) else {
                if at_end {
                    answer.add(&self.bytes);
                }
                let (newest, unrecognized) = self.negotiated.take_if(|_| at_end)?;
                return Some(StartupReply::NegotiateProtocolVersion {
                    newest,
                    unrecognized,
                    then: None,
                });
            };
            answer.add(self.bytes.get(..used).unwrap_or(&self.bytes));
            self.bytes.drain(..used.min(self.bytes.len()));
            let negotiated = self.negotiated.take();
            match (negotiated, reply) {
                (
                    None,
                    StartupReply::NegotiateProtocolVersion {
                        newest,
                        unrecognized,
                        ..
                    },
                ) => {
                    self.negotiated = Some((newest, unrecognized));
                }
                (None, reply) => return Some(reply),
                (Some((newest, unrecognized)), reply) => {
                    return Some(StartupReply::NegotiateProtocolVersion {
                        newest,
                        unrecognized,
                        then: Some(Box::new(reply)),
                    });
                }
            }
        }
    }
}

pub(super) async fn read_some<S: AsyncRead + Unpin>(
    stream: &mut S,
    into: &mut Vec<u8>,
) -> Result<usize, Failure> {
    // The room is there only while something is read: thousands of connections wait.
    let reading = poll_fn(|context| {
        let mut room = [const { MaybeUninit::<u8>::uninit() }; ANSWER];
        let mut chunk = ReadBuf::uninit(&mut room);
        let read = Pin::new(&mut *stream).poll_read(context, &mut chunk);
        read.map_ok(|()| {
            into.extend_from_slice(chunk.filled());
            chunk.filled().len()
        })
    });
    reading.await.map_err(|error| failure_of(&error))
}

/// Stops writing and reads to the end of file for a moment: a close with unread bytes would be a
/// reset, which the server logs.
pub(super) async fn finish<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, limit: &Limit) {
    let until = limit.at.min(Instant::now() + LINGER);
    let drained = async {
        let _ = stream.shutdown().await;
        let mut bytes = Vec::new();
        while matches!(read_some(&mut stream, &mut bytes).await, Ok(length) if length > 0) {
            bytes.clear();
        }
    };
    let _ = timeout_at(until, drained).await;
}
