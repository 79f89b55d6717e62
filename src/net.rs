//! The only door to the network: names to addresses, addresses to streams.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::observation::Endpoint;

/// Whether there are as many file descriptors left as a runtime and one connection take.
///
/// # Errors
/// The system's, if there are not.
pub fn has_descriptors() -> io::Result<()> {
    let pairs = [(); 3].map(|()| std::os::unix::net::UnixStream::pair());
    pairs.into_iter().try_for_each(|pair| pair.map(drop))
}

/// What `observe` needs of a network; the tests have one made of scripts.
pub trait Network {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin;

    /// The addresses of a name, in the resolver's order (`getaddrinfo`, both families); the port
    /// in them means nothing.
    fn resolve(&self, name: &str) -> impl Future<Output = io::Result<Vec<SocketAddr>>>;

    /// Connects.
    fn connect(&self, endpoint: &Endpoint) -> impl Future<Output = io::Result<Self::Stream>>;
}

/// The operating system's network.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNetwork;

/// A TCP or Unix stream.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl Network for SystemNetwork {
    type Stream = Box<dyn Duplex>;

    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let mut addresses = Vec::new();
        for found in tokio::net::lookup_host((name, 0)).await? {
            if !addresses.contains(&found) {
                addresses.push(found);
            }
        }
        Ok(addresses)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    async fn connect(&self, endpoint: &Endpoint) -> io::Result<Self::Stream> {
        Ok(match endpoint {
            Endpoint::Tcp(address) => {
                let stream = tokio::net::TcpStream::connect(address).await?;
                // A server may have reset the connection already; the next step will show it.
                let _ = stream.set_nodelay(true);
                Box::new(stream)
            }
            Endpoint::Unix(path) => {
                let path = match path.strip_prefix('@') {
                    Some(name) => format!("\0{name}"),
                    None => path.clone(),
                };
                Box::new(tokio::net::UnixStream::connect(path).await?)
            }
        })
    }
}
