//! What the `target` of a scrape may be: a host and a port, nothing else that psql would take.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The port where none is given: a scrape's target knows no PGPORT.
const DEFAULT_PORT: u16 = 5432;

/// The longest name that DNS can hold, written as text.
const NAME_LENGTH: usize = 253;

/// A host and a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// The name or address.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// A host of a target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Host {
    /// A numeric address.
    Address(IpAddr),
    /// A name, as written.
    Name(String),
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(out),
            Self::Name(name) => out.write_str(name),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(out, "[{address}]:{}", self.port),
            host => write!(out, "{host}:{}", self.port),
        }
    }
}

impl Target {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`.
    ///
    /// # Errors
    /// Why it is none of these, in a few words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']').ok_or("a ] is missing")?;
                let address: Ipv6Addr = address
                    .parse()
                    .map_err(|_| "what stands in brackets is no IPv6 address")?;
                let port = match port.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if port.is_empty() => None,
                    None => return Err("after ] only a port can follow"),
                };
                (Host::Address(address.into()), port)
            }
            None => {
                let (host, port) = match text.split_once(':') {
                    Some((_, rest)) if rest.contains(':') && text.parse::<Ipv6Addr>().is_ok() => {
                        return Err("an IPv6 address must stand in brackets");
                    }
                    Some((host, port)) => (host, Some(port)),
                    None => (text, None),
                };
                (Self::host(host)?, port)
            }
        };
        let port = match port {
            Some(port) => Self::port(port).ok_or("the port is not a number from 1 to 65535")?,
            None => DEFAULT_PORT,
        };
        Ok(Self { host, port })
    }

    fn port(text: &str) -> Option<u16> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|port| digits && *port > 0)
    }

    /// A name of letters, digits, `-`, `_` and dots, or an IPv4 address.
    fn host(text: &str) -> Result<Host, &'static str> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Host::Address(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let labels = || name.split('.');
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > NAME_LENGTH {
            return Err("the host is no name");
        }
        if !labels().all(|label| (1..=63).contains(&label.len()) && label.bytes().all(allowed)) {
            return Err("the host is neither a name nor an address");
        }
        // The resolver would read 127.1 or 0x7f000001 as an address.
        let last = labels().next_back().unwrap_or_default();
        if last.starts_with(|first: char| first.is_ascii_digit())
            && (last.bytes().all(|byte| byte.is_ascii_digit())
                || last.to_ascii_lowercase().starts_with("0x"))
        {
            return Err("it looks like an IPv4 address and is none");
        }
        Ok(Host::Name(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_in_their_four_forms() {
        for (text, shown) in [
            ("db", "db:5432"),
            ("db.example.com:6432", "db.example.com:6432"),
            ("db.example.com.", "db.example.com.:5432"),
            ("a_b-c.d", "a_b-c.d:5432"),
            ("192.0.2.7", "192.0.2.7:5432"),
            ("192.0.2.7:1", "192.0.2.7:1"),
            ("[::1]", "[::1]:5432"),
            ("[2001:db8::7]:5433", "[2001:db8::7]:5433"),
            ("db-1:65535", "db-1:65535"),
            ("4db.x", "4db.x:5432"),
        ] {
            let target = Target::parse(text).map(|target| target.to_string());
            assert_eq!(target.as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("{}.com", "a.".repeat(130));
        let label = "a".repeat(64);
        for text in [
            "",
            ":",
            ":5432",
            "db:",
            "db:0",
            "db:65536",
            "db:+5",
            "db:5432:1",
            "db:x",
            "::1",
            "fe80::1%eth0",
            "[::1",
            "[::1]5432",
            "[::1]:",
            "[db]:5432",
            "[192.0.2.7]",
            "postgresql://db/app",
            "host=db",
            "db,db2",
            "db sslmode=disable",
            "/var/run/postgresql",
            "@abstract",
            "ann@db",
            "db?x",
            "d\u{fc}",
            "db\n",
            "..",
            "db..com",
            "127.1",
            "2130706433",
            "0x7f000001",
            "1.2.3.4.5",
            "999.1.1.1",
            &long,
            &label,
        ] {
            assert!(Target::parse(text).is_err(), "{text:?}");
        }
    }
}
