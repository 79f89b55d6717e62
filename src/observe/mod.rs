//! Collects the evidence: the only asynchronous protocol code. It holds no opinion.

mod client_hello;
mod connection;
mod ecdh;
mod enumerate;
mod ffdhe;
mod handshake;
pub mod plan;
mod x448;

use std::net::SocketAddr;

use tokio::time::Instant;

use crate::net::Network;
use crate::observation::{
    AddressObservation, Connection, Depth, Endpoint, Failure, Handshake, HostObservation, Purpose,
    Step,
};
use crate::wire::tls::openssl;
use connection::{Limit, TlsSteps};
use plan::{HostPlan, Lookup, Plan, TlsPlan};

/// Probes every host of the plan at the same time, each address by its turn.
pub async fn observe(plan: &Plan, network: &impl Network) -> Vec<HostObservation> {
    let deadline = Instant::now() + plan.deadline;
    join_all(
        plan.hosts
            .iter()
            .map(|host| observe_host(plan, host, network, deadline)),
    )
    .await
}

async fn observe_host(
    plan: &Plan,
    host: &HostPlan,
    network: &impl Network,
    deadline: Instant,
) -> HostObservation {
    let mut seen = HostObservation {
        index: host.index,
        host: host.host.clone(),
        hostaddr: host.hostaddr.clone(),
        port: host.port,
        resolve: Step::NotAttempted,
        addresses: Vec::new(),
    };
    let endpoints = match &host.lookup {
        Lookup::Socket(path) => vec![Endpoint::Unix(path.clone())],
        Lookup::Address(address) => vec![Endpoint::Tcp(SocketAddr::new(*address, host.port))],
        Lookup::Impossible(why) => {
            let failure = Failure::Unresolved(why.clone());
            seen.resolve = Step::Failed { failure, ms: 0.0 };
            Vec::new()
        }
        Lookup::Name(name) => {
            let resolving = async {
                let found = network.resolve(name).await;
                found.map_err(|error| Failure::Unresolved(resolver_words(&error)))
            };
            let resolved = Limit::new(deadline, None).step(resolving).await;
            let found = resolved.value().cloned().unwrap_or_default();
            seen.resolve = match resolved {
                Step::Observed { value, ms } => Step::Observed {
                    value: value.iter().map(SocketAddr::ip).collect(),
                    ms,
                },
                Step::Failed { failure, ms } => Step::Failed { failure, ms },
                Step::NotAttempted => Step::NotAttempted,
            };
            found
                .into_iter()
                .map(|mut address| {
                    address.set_port(host.port);
                    Endpoint::Tcp(address)
                })
                .collect()
        }
    };
    let mut waiting = endpoints.len();
    for endpoint in endpoints {
        let began = Instant::now();
        // An address that swallows packets must leave time for the next one.
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(waiting.max(1)).unwrap_or(1);
        waiting = waiting.saturating_sub(1);
        let connecting = Limit::new(Instant::now() + share, plan.connect_timeout);
        let (connect, stream) = connect(network, &endpoint, &connecting).await;
        let connections = match stream {
            Some(stream) => {
                let ready = Ready {
                    plan,
                    host,
                    endpoint: &endpoint,
                    network,
                    deadline,
                };
                ready.probe(stream, connect.clone()).await
            }
            None => Vec::new(),
        };
        // libpq leaves an address only when it does not connect or connect_timeout strikes.
        let stays = !connections.is_empty() && !connections.iter().any(Connection::is_timed_out);
        let enumeration = match &plan.enumerate {
            Some(how) if stays && matches!(endpoint, Endpoint::Tcp(_)) => {
                let seen = enumerate::enumerate(plan, how, host, &endpoint, network, began);
                // Its room is there only where it is asked for.
                let seen = Box::pin(seen).await;
                Some(Box::new(seen))
            }
            _ => None,
        };
        seen.addresses.push(AddressObservation {
            address: endpoint,
            connect,
            connections,
            enumeration,
        });
        if stays && !plan.all_addresses {
            break;
        }
    }
    seen
}

async fn connect<N: Network>(
    network: &N,
    endpoint: &Endpoint,
    limit: &Limit,
) -> (Step<()>, Option<N::Stream>) {
    let connecting = async {
        network
            .connect(endpoint)
            .await
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::ConnectionRefused => Failure::Refused,
                // It was accepted, and reset before anybody looked.
                std::io::ErrorKind::ConnectionReset => Failure::Reset,
                _ if is_local(&error) => Failure::Local(without_number(&error)),
                _ => Failure::Unreachable(without_number(&error)),
            })
    };
    match limit.step(connecting).await {
        Step::Observed { value, ms } => (Step::Observed { value: (), ms }, Some(value)),
        Step::Failed { failure, ms } => (Step::Failed { failure, ms }, None),
        Step::NotAttempted => (Step::NotAttempted, None),
    }
}

/// Whether a connection failed for want of something on this machine: it says nothing of the
/// server, and libpq in its place would have fared differently.
fn is_local(error: &std::io::Error) -> bool {
    /// ENOMEM, ENFILE, EMFILE, EADDRNOTAVAIL, ENOBUFS on Linux.
    const LOCAL: [i32; 5] = [12, 23, 24, 99, 105];
    error
        .raw_os_error()
        .is_some_and(|number| LOCAL.contains(&number))
}

/// The text of gai_strerror(3), without what the standard library puts before it.
pub(crate) fn resolver_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once("lookup address information: ") {
        Some((_, words)) => words.to_owned(),
        None => text,
    }
}

/// The text of strerror(3), without Rust's "(os error 113)".
fn without_number(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// An address that has accepted a connection.
struct Ready<'a, N> {
    plan: &'a Plan,
    host: &'a HostPlan,
    endpoint: &'a Endpoint,
    network: &'a N,
    deadline: Instant,
}

impl<N: Network> Ready<'_, N> {
    async fn probe(&self, stream: N::Stream, connect: Step<()>) -> Vec<Connection> {
        let plan = self.plan;
        let first = |purpose| Connection {
            connect: connect.clone(),
            ..Connection::new(purpose)
        };
        let startup = plan.depth >= Depth::Startup;
        // A server that is silent over TLS must leave time for plaintext.
        let left = self.deadline.saturating_duration_since(Instant::now());
        let share = if startup { left / 2 } else { left };
        let limit = Limit::new(Instant::now() + share, plan.connect_timeout);
        if matches!(self.endpoint, Endpoint::Unix(_)) {
            let mut only = vec![first(Purpose::Socket)];
            if startup && let Some(only) = only.first_mut() {
                let plaintext = connection::plaintext(stream, plan, Vec::new(), &limit, only);
                Box::pin(plaintext).await;
            } else {
                connection::finish(stream, &limit).await;
            }
            return only;
        }
        let steps = TlsSteps {
            ssl_request: !plan.direct,
            alpn: true,
            startup,
            client_certificate: true,
        };
        // In a box: what thousands of connections wait in is to be small.
        let mut main = Box::new(first(if plan.direct {
            Purpose::Direct
        } else {
            Purpose::Negotiated
        }));
        let name = self.host.server_name.as_deref();
        connection::tls(stream, plan, name, steps, &limit, &mut main).await;
        // Only where TLS began with a name can it be another without.
        let compares_sni = plan.compare_sni && name.is_some() && main.handshake.ms().is_some();
        if !startup {
            let mut all = vec![*main];
            if compares_sni {
                all.push(self.open(Purpose::WithoutServerName).await);
            }
            return all;
        }
        // One after the other, as libpq: two at once could be one too many for the server.
        let mut all = vec![*main];
        all.push(self.open(Purpose::Plaintext).await);
        let main = &all[0];
        let client_key = plan
            .tls
            .as_ref()
            .is_some_and(|tls| tls.client_key.is_some());
        if self.may_miss_something(main) {
            all.push(self.open(Purpose::NewerOpenSsl).await);
        }
        let main = &all[0];
        let tls = main.tls.as_ref();
        let asked = tls.is_some_and(|tls| tls.certificate_request.is_some());
        if asked && client_key {
            all.push(self.open(Purpose::WithoutClientCertificate).await);
        }
        if compares_sni {
            all.push(self.open(Purpose::WithoutServerName).await);
        }
        let mut more = Vec::new();
        if plan.depth == Depth::Full {
            more.push(Purpose::Gssenc);
            if !plan.direct {
                more.push(Purpose::Direct);
            }
            more.push(Purpose::DirectWithoutAlpn);
        }
        for purpose in more {
            all.push(self.open(purpose).await);
        }
        all
    }

    /// Whether the server said that it found nothing to take, and newer releases offer more.
    fn may_miss_something(&self, main: &Connection) -> bool {
        let more = self.plan.tls.as_ref().and_then(TlsPlan::newer).is_some();
        let chose = main.tls.as_ref().is_some_and(Handshake::has_chosen);
        let alert = match main.handshake.failure() {
            Some(Failure::Alert(alert)) => openssl::may_miss_something(*alert),
            _ => false,
        };
        more && alert && !chose
    }

    /// Opens another connection for a purpose and does it; its room is there only then.
    async fn open(&self, purpose: Purpose) -> Connection {
        Box::pin(self.open_now(purpose)).await
    }

    async fn open_now(&self, purpose: Purpose) -> Connection {
        let plan = self.plan;
        let limit = &Limit::new(self.deadline, plan.connect_timeout);
        let mut connection = Connection::new(purpose);
        let (step, stream) = connect(self.network, self.endpoint, limit).await;
        connection.connect = step;
        let Some(stream) = stream else {
            return connection;
        };
        let name = self.host.server_name.as_deref();
        let name = name.filter(|_| purpose != Purpose::WithoutServerName);
        let steps = TlsSteps {
            ssl_request: !plan.direct
                && !matches!(purpose, Purpose::Direct | Purpose::DirectWithoutAlpn),
            alpn: purpose != Purpose::DirectWithoutAlpn,
            startup: purpose == Purpose::WithoutClientCertificate,
            client_certificate: false,
        };
        match purpose {
            Purpose::Plaintext | Purpose::Socket => {
                connection::plaintext(stream, plan, Vec::new(), limit, &mut connection).await;
            }
            Purpose::Gssenc => connection::gssenc(stream, limit, &mut connection).await,
            Purpose::Negotiated
            | Purpose::WithoutClientCertificate
            | Purpose::WithoutServerName
            | Purpose::NewerOpenSsl
            | Purpose::Direct
            | Purpose::DirectWithoutAlpn => {
                connection::tls(stream, plan, name, steps, limit, &mut connection).await;
            }
        }
        connection
    }
}

/// Runs futures side by side in one task; their outputs in order.
pub async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    use std::task::Poll;
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, output) in &mut running {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}
