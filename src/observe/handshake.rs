//! A TLS handshake that accepts every certificate and records what the server showed.
//!
//! `tls` speaks it as OpenSSL's client does; here it gets its stream and its groups. The chain, the
//! client-certificate request and the handshake signature survive a handshake that fails later.
//! Nothing is judged here: whether the signature proves possession of the key, and what the chain
//! is worth, is for `assess` to say.

use std::io;

use rustls::NamedGroup;
use rustls::crypto::SupportedKxGroup;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::client_hello::client_hello;
use super::connection::read_some;
use super::ecdh;
use super::ffdhe::FFDHE;
use super::plan::TlsPlan;
use super::x448::X448;
use crate::emulates::OpenSsl;
use crate::observation::{Answer, Failure, Handshake, Offer, Request};
use crate::tls::{Client, Progress};
use crate::wire::tls::server_flight::MAX_FLIGHT;

/// A TLS client over a stream.
pub(super) struct TlsSession<S> {
    stream: S,
    client: Client,
    /// What came in answer to it.
    pub(super) answer: Answer,
    /// Whether close_notify was said.
    is_closing: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsSession<S> {
    /// Makes the client, with what its ClientHello offers; nothing is sent yet.
    ///
    /// # Errors
    /// When no key can be made.
    pub(super) fn new(
        stream: S,
        plan: &TlsPlan,
        server_name: Option<&str>,
        alpn: bool,
    ) -> Result<(Self, Offer), Failure> {
        let (hello, offer) = client_hello(plan, server_name, alpn);
        let groups = key_exchange_groups(&plan.groups, plan.openssl);
        let client = Client::new(hello, groups, plan.min_version, plan.client_key.clone())?;
        let session = Self {
            stream,
            client: client.emulating(plan.openssl),
            answer: Answer::new(Request::ClientHello),
            is_closing: false,
        };
        Ok((session, offer))
    }

    /// Runs the handshake to its end. With `closes` nothing is to follow, and close_notify goes out
    /// together with our Finished message, or after the server's: a packet less.
    ///
    /// # Errors
    /// When it fails; [`Self::seen`] tells what came before.
    pub(super) async fn handshake(&mut self, closes: bool) -> Result<(), Failure> {
        self.send_output().await?;
        while !self.is_established() {
            let bytes = self.receive_raw().await?;
            if bytes.is_empty() {
                return Err(Failure::Closed);
            }
            self.answer.add(&bytes);
            let read = self.client.read(&bytes);
            if closes && read.is_ok() {
                self.say_close_notify();
            }
            self.after_reading(read).await?;
        }
        Ok(())
    }

    /// Whether a handshake came to its end, so that something can be sent over TLS.
    pub(super) fn is_established(&self) -> bool {
        self.client.progress() == Progress::Established
    }

    /// What the server showed so far.
    pub(super) fn seen(&self) -> Handshake {
        self.client.seen().clone()
    }

    /// The same at the end, when nothing more is read.
    pub(super) fn take_seen(&mut self) -> Handshake {
        self.client.take_seen()
    }

    /// Sends bytes over TLS.
    ///
    /// # Errors
    /// When the stream does not take them.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.client.send(bytes);
        self.send_output().await
    }

    /// Receives some bytes over TLS; none means close_notify.
    ///
    /// # Errors
    /// An alert, a reset, an end of file without close_notify, bytes that are no TLS.
    pub(super) async fn receive_some(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            let received = self.client.take_received();
            if !received.is_empty() || self.client.is_closed() {
                return Ok(received);
            }
            let bytes = self.receive_raw().await?;
            if bytes.is_empty() {
                return Err(Failure::Closed);
            }
            self.feed(&bytes).await?;
        }
    }

    /// Says close_notify and reads to the end, so that what the server had to say is seen.
    pub(super) async fn drain(&mut self) {
        self.close_notify().await;
        let mut left = MAX_FLIGHT;
        while let Ok(bytes) = self.receive_some().await {
            left = left.saturating_sub(bytes.len());
            if bytes.is_empty() || left == 0 {
                break;
            }
        }
    }

    /// Says close_notify and stops writing, so that the server's log stays silent.
    pub(super) async fn close(mut self: Box<Self>) -> S {
        self.close_notify().await;
        self.stream
    }

    async fn close_notify(&mut self) {
        self.say_close_notify();
        let _ = self.send_output().await;
    }

    /// Once, and only where there is a session to close.
    fn say_close_notify(&mut self) {
        if self.is_established() && !self.is_closing {
            self.is_closing = true;
            self.client.close();
        }
    }

    async fn feed(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let read = self.client.read(bytes);
        self.after_reading(read).await
    }

    async fn after_reading(&mut self, read: Result<(), Failure>) -> Result<(), Failure> {
        // A server that never ends must not keep the deadline from being looked at.
        tokio::task::yield_now().await;
        // Also the alert that tells the server why.
        let sent = self.send_output().await;
        read.and(sent)
    }

    async fn send_output(&mut self) -> Result<(), Failure> {
        let bytes = self.client.take_output();
        if bytes.is_empty() {
            return Ok(());
        }
        let sent = self.stream.write_all(&bytes).await;
        sent.map_err(|error| failure_of(&error))
    }

    async fn receive_raw(&mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        read_some(&mut self.stream, &mut bytes).await?;
        Ok(bytes)
    }
}

/// An I/O error as evidence.
pub(super) fn failure_of(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Failure::Reset,
        io::ErrorKind::UnexpectedEof => Failure::Closed,
        _ => Failure::Unreachable(error.to_string()),
    }
}

/// These groups in this order, as far as we can do a key exchange with them.
fn key_exchange_groups(groups: &[u16], openssl: OpenSsl) -> Vec<&'static dyn SupportedKxGroup> {
    let known = rustls::crypto::aws_lc_rs::ALL_KX_GROUPS;
    let nist = match openssl {
        OpenSsl::V111 => &ecdh::OF_OPENSSL_1_1_1,
        OpenSsl::V3Level1 | OpenSsl::V3Level2 => &ecdh::OF_OPENSSL_3,
    };
    let ours: [&'static dyn SupportedKxGroup; 9] = [
        &nist[0], &nist[1], &nist[2], &X448, &FFDHE[0], &FFDHE[1], &FFDHE[2], &FFDHE[3], &FFDHE[4],
    ];
    let all = ours.into_iter().chain(known.iter().copied());
    groups
        .iter()
        .filter_map(|code| {
            let group = NamedGroup::from(*code);
            all.clone().find(|known| known.name() == group)
        })
        .collect()
}
