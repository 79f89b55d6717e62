//! The list of hosts: how `host`, `hostaddr` and `port` are matched, and each entry's meaning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GssEncMode, Parameters, integer};
use crate::emulates::Libpq;
use crate::libpq::error::{ErrorCode, LibpqError};

/// Where libpq looks for a Unix socket by default, as the distributions compile it.
pub const DEFAULT_SOCKET_DIRECTORY: &str = "/var/run/postgresql";

/// `DEF_PGPORT`.
const DEFAULT_PORT: u16 = 5432;

/// The longest path of a Unix socket (`UNIXSOCK_PATH_BUFLEN` less one, on Linux).
const SOCKET_PATH_LIMIT: usize = 107;

/// One entry of the list of hosts.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct HostSpec {
    /// Its place in the list, from 0.
    pub index: usize,
    /// The name, address or socket folder in `host`; the default folder if nothing is given.
    pub host: Option<String>,
    /// The address in `hostaddr`, never empty.
    pub hostaddr: Option<String>,
    /// The port as written, empty for the default: see [`HostSpec::port`].
    pub port: String,
}

/// What libpq connects to for an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostKind<'a> {
    /// An address from `hostaddr`, to be parsed and never looked up.
    Address(&'a str),
    /// A name (or an address) to resolve.
    Name(&'a str),
    /// A folder with a Unix socket in it, or an abstract socket (`@...`).
    UnixSocket(&'a str),
}

/// Why the port of an entry is no port.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PortError {
    /// It is no integer: libpq gives up, whatever hosts follow.
    #[error("{0}")]
    NotAnInteger(LibpqError),
    /// It is no port: libpq goes on to the next host.
    #[error("{0}")]
    OutOfRange(LibpqError),
}

impl HostSpec {
    /// What to connect to. Mirrors the `CHT_` choice in `pqConnectOptions2`.
    pub fn kind(&self) -> HostKind<'_> {
        match (self.hostaddr.as_deref(), self.host.as_deref()) {
            (Some(address), _) => HostKind::Address(address),
            (None, Some(host)) if host.starts_with(['/', '@']) => HostKind::UnixSocket(host),
            (None, Some(host)) if !host.is_empty() => HostKind::Name(host),
            (None, _) => HostKind::UnixSocket(DEFAULT_SOCKET_DIRECTORY),
        }
    }

    /// The port, which libpq reads when the entry's turn comes.
    pub fn port(&self) -> Result<u16, PortError> {
        if self.port.is_empty() {
            return Ok(DEFAULT_PORT);
        }
        let number = integer::parse(&self.port, "port").map_err(PortError::NotAnInteger)?;
        u16::try_from(number)
            .ok()
            .filter(|&port| port > 0)
            .ok_or_else(|| {
                let text = format!("invalid port number: \"{}\"", self.port);
                PortError::OutOfRange(LibpqError::bad_parameter(text))
            })
    }

    /// The Unix socket of this entry in `directory`. A path too long moves libpq to the next host.
    pub fn socket_path(directory: &str, port: u16) -> Result<String, LibpqError> {
        let path = format!("{directory}/.s.PGSQL.{port}");
        if path.len() > SOCKET_PATH_LIMIT {
            return Err(LibpqError::new(
                ErrorCode::ConnectFailed,
                format!(
                    "Unix-domain socket path \"{path}\" is too long (maximum {SOCKET_PATH_LIMIT} \
                     bytes)"
                ),
            ));
        }
        Ok(path)
    }
}

impl Parameters {
    /// libpq's refusal of `gssencmode=require` before it connects to `host`, given that there is
    /// no Kerberos credential; it ends all. Up to libpq 16 it comes only after connecting.
    ///
    /// Mirrors `init_allowed_encryption_methods`.
    pub fn gssencmode_without_credential(&self, host: &HostSpec) -> Result<(), LibpqError> {
        if self.libpq() < Libpq::V17 || self.gssencmode() != GssEncMode::Require {
            return Ok(());
        }
        Err(LibpqError::bad_parameter(match host.kind() {
            HostKind::UnixSocket(_) => {
                "GSSAPI encryption required but it is not supported over a local socket"
            }
            HostKind::Address(_) | HostKind::Name(_) => {
                "GSSAPI encryption required but no credential cache"
            }
        }))
    }
}

/// Mirrors the list matching at the start of `pqConnectOptions2`.
pub(super) fn match_lists(
    host: &str,
    hostaddr: &str,
    port: &str,
) -> Result<Vec<HostSpec>, LibpqError> {
    let items = |list: &str| -> Vec<String> {
        match list {
            "" => Vec::new(),
            list => list.split(',').map(str::to_owned).collect(),
        }
    };
    let (hosts, addresses, ports) = (items(host), items(hostaddr), items(port));
    let count = if addresses.is_empty() {
        hosts.len().max(1)
    } else {
        addresses.len()
    };
    if !hosts.is_empty() && hosts.len() != count {
        return Err(LibpqError::bad_parameter(format!(
            "could not match {} host names to {count} hostaddr values",
            hosts.len()
        )));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(LibpqError::bad_parameter(format!(
            "could not match {} port numbers to {count} hosts",
            ports.len()
        )));
    }
    let entry = |index: usize| {
        let hostaddr = addresses
            .get(index)
            .filter(|address| !address.is_empty())
            .cloned();
        let mut host = hosts.get(index).filter(|host| !host.is_empty()).cloned();
        if hostaddr.is_none() && host.is_none() {
            host = Some(DEFAULT_SOCKET_DIRECTORY.to_owned());
        }
        let port = ports
            .get(index)
            .or_else(|| ports.first())
            .cloned()
            .unwrap_or_default();
        HostSpec {
            index,
            host,
            hostaddr,
            port,
        }
    };
    Ok((0..count).map(entry).collect())
}
