//! One target of a scan: a host and a port, and what its line said beside.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use serde_json::{Map, Value};

/// What is asked of one server, and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The host: a name or an address.
    pub host: String,
    /// The address to connect to, where the host is a name that need not be resolved.
    pub hostaddr: Option<IpAddr>,
    /// The port.
    pub port: u16,
    /// The database, where the line names one.
    pub dbname: Option<String>,
    /// The user, where the line names one.
    pub user: Option<String>,
    /// Whether it is one of the addresses of a network.
    pub of_network: bool,
    /// What the line said beside.
    pub place: Arc<Place>,
}

/// Where a target stood, and what is passed through to its record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The file, `-` for standard input; `None` for an argument.
    pub file: Option<Arc<str>>,
    /// The line, from 1.
    pub line: Option<u64>,
    /// The tag of a line of CSV.
    pub tag: Option<String>,
    /// Keywords of the line that a scan does not take.
    pub ignored: Vec<String>,
    /// The object of a line of JSON.
    pub fields: Option<Map<String, Value>>,
}

impl Target {
    /// Its address, where nothing need be resolved.
    pub fn address(&self) -> Option<IpAddr> {
        self.hostaddr.or_else(|| self.host.parse().ok())
    }

    /// Its one form, which `pgprobe` takes as a target: `host:port`, or a URI where there is more.
    pub fn key(&self) -> String {
        let v6 = self.host.parse::<Ipv6Addr>().is_ok();
        let plain = v6 || self.host.bytes().all(is_plain);
        if plain && self.hostaddr.is_none() && self.dbname.is_none() && self.user.is_none() {
            return match v6 {
                true => format!("[{}]:{}", self.host, self.port),
                false => format!("{}:{}", self.host, self.port),
            };
        }
        let mut key = String::from("postgresql://");
        if let Some(user) = &self.user {
            percent_encode(user, &mut key);
            key.push('@');
        }
        if v6 {
            let _ = write!(key, "[{}]", self.host);
        } else {
            percent_encode(&self.host, &mut key);
        }
        let _ = write!(key, ":{}/", self.port);
        percent_encode(self.dbname.as_deref().unwrap_or_default(), &mut key);
        if let Some(address) = self.hostaddr {
            let _ = write!(key, "?hostaddr={address}");
        }
        key
    }
}

/// A name for a set of targets; two targets with the same one are the same.
pub fn fingerprint(key: &str) -> u128 {
    // FNV-1a; nobody gains anything by making two targets collide.
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    key.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

/// Characters that need no URI.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn percent_encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if is_plain(byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_target_that_reads_back_as_itself() {
        let bare = Target {
            host: "db.example.com".into(),
            hostaddr: None,
            port: 5432,
            dbname: None,
            user: None,
            of_network: false,
            place: Arc::default(),
        };
        let with =
            |host: &str, hostaddr: Option<&str>, dbname: Option<&str>, user: Option<&str>| Target {
                host: host.into(),
                hostaddr: hostaddr.map(|text| text.parse().unwrap()),
                dbname: dbname.map(str::to_owned),
                user: user.map(str::to_owned),
                ..bare.clone()
            };
        for (target, key) in [
            (bare.clone(), "db.example.com:5432"),
            (with("192.0.2.1", None, None, None), "192.0.2.1:5432"),
            (with("2001:db8::1", None, None, None), "[2001:db8::1]:5432"),
            (
                with("db", Some("192.0.2.1"), None, None),
                "postgresql://db:5432/?hostaddr=192.0.2.1",
            ),
            (
                with("::1", None, Some("a/b"), Some("ann@x")),
                "postgresql://ann%40x@[::1]:5432/a%2Fb",
            ),
            (
                with("bücher", None, None, None),
                "postgresql://b%C3%BCcher:5432/",
            ),
        ] {
            assert_eq!(target.key(), key);
            let read = crate::conninfo::parse(key, crate::emulates::Libpq::V18).unwrap();
            let value = |keyword: &str| {
                let found = read.iter().find(|(name, _)| name == keyword);
                found
                    .map(|(_, value)| value.clone())
                    .filter(|value| !value.is_empty())
            };
            assert_eq!(value("host"), Some(target.host.clone()), "{key}");
            assert_eq!(value("dbname"), target.dbname, "{key}");
            assert_eq!(value("user"), target.user, "{key}");
            let address = target.hostaddr.map(|address| address.to_string());
            assert_eq!(value("hostaddr"), address, "{key}");
        }
    }
}
