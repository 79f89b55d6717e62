//! What a probe will do: decided before anything is sent, so that its cost can be promised.

use std::net::IpAddr;
use std::time::Duration;

pub use super::enumerate::{EnumeratePlan, MAX_CONNECTIONS};
use crate::emulates::OpenSsl;
use crate::observation::Depth;
use crate::tls::ClientCertificate;
use crate::wire::tls::openssl;

/// All that [`super::observe`] needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How much to ask.
    pub depth: Depth,
    /// The hosts, in libpq's order.
    pub hosts: Vec<HostPlan>,
    /// Whether every address of a name is probed, not only the first that accepts TCP.
    pub all_addresses: bool,
    /// Whether the handshake is done once more without server_name.
    pub compare_sni: bool,
    /// What the ClientHello offers; `None` if the client allows no TLS version at all.
    pub tls: Option<TlsPlan>,
    /// Whether TLS starts at the first byte (`sslnegotiation=direct`).
    pub direct: bool,
    /// The version in the StartupMessage.
    pub protocol_version: u32,
    /// The parameters of the StartupMessage, in order.
    pub startup_parameters: Vec<(String, String)>,
    /// libpq's connect_timeout; `None` waits forever.
    pub connect_timeout: Option<Duration>,
    /// The whole time for all of it.
    pub deadline: Duration,
    /// Whether every version, suite and group is asked for afterwards, and how.
    pub enumerate: Option<EnumeratePlan>,
}

/// One host.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// The place in the list, from 0.
    pub index: usize,
    /// `host`, for the record.
    pub host: Option<String>,
    /// `hostaddr`, for the record.
    pub hostaddr: Option<String>,
    /// How its addresses are found.
    pub lookup: Lookup,
    /// The port.
    pub port: u16,
    /// What server_name says.
    pub server_name: Option<String>,
}

/// How a host's addresses are found.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// By name.
    Name(String),
    /// They are given.
    Address(IpAddr),
    /// It is a Unix socket; its path.
    Socket(String),
    /// They cannot be; why.
    Impossible(String),
}

/// What the ClientHello offers, beside server_name.
#[derive(Clone, Debug)]
pub struct TlsPlan {
    /// Lowest version.
    pub min_version: u16,
    /// Highest version.
    pub max_version: u16,
    /// Groups in order.
    pub groups: Vec<u16>,
    /// Signature schemes in order.
    pub signature_schemes: Vec<u16>,
    /// ALPN protocol.
    pub alpn: Option<String>,
    /// The library whose rules the client follows.
    pub openssl: OpenSsl,
    /// Whether it also offers what no libpq does, to see whether the server takes it.
    pub curious: bool,
    /// The client certificate, if libpq would have one ready.
    pub client_key: Option<ClientCertificate>,
}

impl TlsPlan {
    /// The same, with what OpenSSL 3.5 and later offer; `None` where that is nothing more.
    pub fn newer(&self) -> Option<Self> {
        if self.openssl == OpenSsl::V111 || self.max_version < 0x0304 {
            return None;
        }
        let mut schemes = openssl::SIGNATURE_SCHEMES_OF_3_5.to_vec();
        schemes.retain(|scheme| self.min_version < 0x0304 || !openssl::is_of_tls_1_2(*scheme));
        Some(Self {
            min_version: self.min_version.max(0x0303),
            groups: openssl::GROUPS_OF_3_5.to_vec(),
            signature_schemes: schemes,
            ..self.clone()
        })
    }
}

impl Plan {
    /// The most connections that one address can get.
    pub fn connections(&self) -> usize {
        let tls = self.tls.as_ref();
        // Without the client certificate, or with what OpenSSL 3.5 offers: a server that asks for
        // a certificate has found something to take.
        let third = tls.is_some_and(|tls| tls.client_key.is_some() || tls.newer().is_some());
        let depth = match self.depth {
            Depth::Handshake => 1,
            // The TLS one and the plaintext one.
            Depth::Startup => 2 + usize::from(third),
            // GSSENCRequest, direct TLS with and without ALPN.
            Depth::Full => 5 + usize::from(third),
        };
        depth + usize::from(self.compare_sni)
    }
}
