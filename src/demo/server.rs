//! One endpoint: the start of PostgreSQL's protocol as a server answers it (`ProcessStartupPacket`
//! and `ClientAuthentication`, PostgreSQL 18).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long a connection may last.
const DEADLINE: Duration = Duration::from_secs(15);
/// Before another is accepted when too many are open, or accepting failed.
const PAUSE: Duration = Duration::from_millis(20);
/// How many connections an endpoint has at a time.
const CONNECTIONS: usize = 64;
/// `MAX_STARTUP_PACKET_LENGTH`, without the length field.
const LONGEST_STARTUP_PACKET: usize = 10_000;
/// The first byte of a TLS record with a handshake in it.
const TLS_HANDSHAKE: u8 = 0x16;

const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
/// The newest protocol: 3.2.
const NEWEST_MINOR: u32 = 2;

/// What pg_hba.conf says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rule {
    /// `scram-sha-256`.
    Scram,
    /// `cert`.
    ClientCertificate,
    /// No line that matches.
    NoEntry,
}

/// How much encryption a connection has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Transport {
    Plain,
    /// After an SSLRequest.
    Requested,
    /// From the first byte on (PostgreSQL 17 and later).
    Direct,
}

/// How an endpoint answers.
pub(super) struct Behaviour {
    /// `ssl = on`, if there is one.
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) plain: Rule,
    pub(super) encrypted: Rule,
}

/// Accept connections for ever; dropped, it drops them all.
pub(super) async fn serve(listener: TcpListener, behaviour: Arc<Behaviour>) {
    let mut connections = JoinSet::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of descriptors, or the client is gone already.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let behaviour = Arc::clone(&behaviour);
        connections.spawn(async move {
            // However it ended: the client has seen it, and there is no log.
            let _ = timeout(DEADLINE, connection(stream, peer, &behaviour)).await;
            drop(place);
        });
    }
}

async fn connection(
    mut stream: TcpStream,
    peer: SocketAddr,
    behaviour: &Behaviour,
) -> io::Result<()> {
    let mut first = [0];
    let direct = stream.peek(&mut first).await? == 1 && first == [TLS_HANDSHAKE];
    if !direct {
        let plain = Session {
            peer,
            transport: Transport::Plain,
            rule: behaviour.plain,
            tls_is_on: behaviour.tls.is_some(),
            client_certificate: false,
        };
        if plain.run(&mut stream).await? == Next::Close {
            return stream.shutdown().await;
        }
    }
    // With ssl = off a direct connection is closed without a word.
    let Some(tls) = &behaviour.tls else {
        return Ok(());
    };
    let mut stream = tls.accept(stream).await?;
    let tls = stream.get_ref().1;
    // Direct TLS must be for this protocol; without ALPN it may be meant for another.
    if !direct || tls.alpn_protocol().is_some() {
        let inside = Session {
            peer,
            transport: if direct {
                Transport::Direct
            } else {
                Transport::Requested
            },
            rule: behaviour.encrypted,
            tls_is_on: true,
            client_certificate: tls.peer_certificates().is_some(),
        };
        inside.run(&mut stream).await?;
    }
    stream.shutdown().await
}

/// What comes after the packets of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Close,
    /// `S` was sent.
    Tls,
}

/// The packets of one connection up to the end of its authentication.
struct Session {
    peer: SocketAddr,
    transport: Transport,
    rule: Rule,
    tls_is_on: bool,
    client_certificate: bool,
}

impl Session {
    async fn run<S>(&self, stream: &mut S) -> io::Result<Next>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut ssl_done, mut gss_done) = (self.transport == Transport::Requested, false);
        loop {
            let Some((code, body)) = startup_packet(stream).await? else {
                return Ok(Next::Close);
            };
            match code {
                CANCEL_REQUEST => return Ok(Next::Close),
                SSL_REQUEST if !ssl_done => {
                    ssl_done = true;
                    if self.tls_is_on && self.transport == Transport::Plain {
                        send(stream, b"S").await?;
                        return Ok(Next::Tls);
                    }
                    send(stream, b"N").await?;
                }
                GSSENC_REQUEST if !gss_done => {
                    gss_done = true;
                    send(stream, b"N").await?;
                }
                _ => {
                    self.startup(stream, code, &body).await?;
                    return Ok(Next::Close);
                }
            }
        }
    }

    async fn startup<S>(&self, stream: &mut S, version: u32, body: &[u8]) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (major, minor) = (version >> 16, version & 0xffff);
        if major != 3 {
            let text = format!(
                "unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{NEWEST_MINOR}"
            );
            return send(
                stream,
                &fatal("0A000", &text, "backend_startup.c", "ProcessStartupPacket"),
            )
            .await;
        }
        let Some(parameters) = parameters(body) else {
            let text = "invalid startup packet layout: expected terminator as last byte";
            return send(
                stream,
                &fatal("08P01", text, "backend_startup.c", "ProcessStartupPacket"),
            )
            .await;
        };
        let unknown: Vec<&str> = parameters
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| name.starts_with("_pq_."))
            .collect();
        if minor > NEWEST_MINOR || !unknown.is_empty() {
            let newest = (3 << 16) | minor.min(NEWEST_MINOR);
            send(stream, &negotiate_protocol_version(newest, &unknown)).await?;
        }
        let value = |wanted: &str| {
            parameters
                .iter()
                .rfind(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        let Some(user) = value("user") else {
            let text = "no PostgreSQL user name specified in startup packet";
            return send(
                stream,
                &fatal("28000", text, "backend_startup.c", "ProcessStartupPacket"),
            )
            .await;
        };
        let database = value("database").unwrap_or(user);
        self.authenticate(stream, user, database).await
    }

    async fn authenticate<S>(&self, stream: &mut S, user: &str, database: &str) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let refusal = |text: &str| fatal("28000", text, "auth.c", "ClientAuthentication");
        match self.rule {
            Rule::NoEntry => {
                let encryption = match self.transport {
                    Transport::Plain => "no encryption",
                    Transport::Requested | Transport::Direct => "SSL encryption",
                };
                let host = self.peer.ip();
                let text = format!(
                    "no pg_hba.conf entry for host \"{host}\", user \"{user}\", database \"{database}\", {encryption}"
                );
                send(stream, &refusal(&text)).await
            }
            Rule::ClientCertificate if !self.client_certificate => {
                send(
                    stream,
                    &refusal("connection requires a valid client certificate"),
                )
                .await
            }
            Rule::ClientCertificate => {
                // AuthenticationOk, BackendKeyData, ReadyForQuery; whatever comes then is the end.
                let mut out = message(b'R', &0u32.to_be_bytes());
                out.extend(message(b'K', &[0; 8]));
                out.extend(message(b'Z', b"I"));
                send(stream, &out).await?;
                stream.read(&mut [0]).await.map(drop)
            }
            Rule::Scram => {
                let mut body = 10u32.to_be_bytes().to_vec();
                if self.transport != Transport::Plain {
                    body.extend_from_slice(b"SCRAM-SHA-256-PLUS\0");
                }
                body.extend_from_slice(b"SCRAM-SHA-256\0\0");
                send(stream, &message(b'R', &body)).await?;
                // No password is right. PostgreSQL would say so two messages later.
                if stream.read(&mut [0]).await? == 1 {
                    let text = format!("password authentication failed for user \"{user}\"");
                    send(stream, &fatal("28P01", &text, "auth.c", "auth_failed")).await?;
                }
                Ok(())
            }
        }
    }
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, octets: &[u8]) -> io::Result<()> {
    stream.write_all(octets).await?;
    stream.flush().await
}

/// A packet without type: its code and what follows. `None` at the end or where it is none.
async fn startup_packet<S: AsyncRead + Unpin>(
    stream: &mut S,
) -> io::Result<Option<(u32, Vec<u8>)>> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    // The length counts itself; the code is the least that must follow.
    let Some(length) = length.checked_sub(8) else {
        return Ok(None);
    };
    if length > LONGEST_STARTUP_PACKET - 4 {
        return Ok(None);
    }
    let code = stream.read_u32().await?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some((code, body)))
}

/// Names and values, each ended by a zero octet, and one more at the end.
fn parameters(body: &[u8]) -> Option<Vec<(String, String)>> {
    let mut rest = body;
    let mut found = Vec::new();
    loop {
        let (name, after) = c_string(rest)?;
        if name.is_empty() {
            return after.is_empty().then_some(found);
        }
        let (value, after) = c_string(after)?;
        found.push((name, value));
        rest = after;
    }
}

fn c_string(octets: &[u8]) -> Option<(String, &[u8])> {
    let end = octets.iter().position(|&octet| octet == 0)?;
    let (text, rest) = octets.split_at_checked(end)?;
    Some((
        String::from_utf8_lossy(text).into_owned(),
        rest.get(1..).unwrap_or_default(),
    ))
}

/// A message with its type and length.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX);
    let mut out = vec![kind];
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// An ErrorResponse.
fn fatal(sqlstate: &str, text: &str, file: &str, routine: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, value) in [
        (b'S', "FATAL"),
        (b'V', "FATAL"),
        (b'C', sqlstate),
        (b'M', text),
        (b'F', file),
        (b'L', "1"),
        (b'R', routine),
    ] {
        body.push(field);
        body.extend_from_slice(value.as_bytes());
        body.push(0);
    }
    body.push(0);
    message(b'E', &body)
}

fn negotiate_protocol_version(newest: u32, unknown: &[&str]) -> Vec<u8> {
    let mut body = newest.to_be_bytes().to_vec();
    let count = u32::try_from(unknown.len()).unwrap_or(u32::MAX);
    body.extend_from_slice(&count.to_be_bytes());
    for name in unknown {
        body.extend_from_slice(name.as_bytes());
        body.push(0);
    }
    message(b'v', &body)
}
