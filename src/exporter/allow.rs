//! Where a scrape may lead: the allow list, and a network that does not leave it.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::Deserialize;

use super::target::{Host, Target};
use crate::net::Network;
use crate::observation::Endpoint;

/// The port that is allowed where the list names none.
const DEFAULT_PORTS: [Ports; 1] = [Ports(5432, 5432)];

/// Hosts, networks and ports; a target must be of one of the first two and one of the last.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    /// Names as a target writes them, `*.example.com`, or `*`.
    pub hosts: Vec<HostPattern>,
    /// Networks that every address of a target must lie in.
    pub networks: Vec<Net>,
    /// Ports and ranges of ports; 5432 if absent.
    pub ports: Option<Vec<Ports>>,
}

/// What the list says to a target before anything is resolved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It may be probed, wherever its name leads.
    Yes,
    /// It may be probed if its addresses lie in the networks.
    IfInNetworks,
    /// Its host is not in the list.
    NotThisHost,
    /// Its port is not in the list.
    NotThisPort,
}

impl Allow {
    /// Judges a target.
    pub fn answer(&self, target: &Target) -> Answer {
        let ports = self.ports.as_deref().unwrap_or(&DEFAULT_PORTS);
        if !ports.iter().any(|ports| ports.contain(target.port)) {
            return Answer::NotThisPort;
        }
        if self
            .hosts
            .iter()
            .any(|pattern| pattern.matches(&target.host))
        {
            return Answer::Yes;
        }
        match target.host {
            Host::Address(address) if self.contains(address) => Answer::Yes,
            Host::Name(_) if !self.networks.is_empty() => Answer::IfInNetworks,
            Host::Address(_) | Host::Name(_) => Answer::NotThisHost,
        }
    }

    /// Whether an address lies in one of the networks.
    pub fn contains(&self, address: IpAddr) -> bool {
        // ::ffff:192.0.2.7 leads to 192.0.2.7.
        let address = address.to_canonical();
        self.networks.iter().any(|net| net.0.contains(&address))
    }
}

/// A host of the list.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct HostPattern(Pattern);

#[derive(Clone, Debug)]
enum Pattern {
    /// `*`.
    Any,
    /// An address, however it was spelled.
    Address(IpAddr),
    /// `example.com`, in lower case and without a final dot.
    Name(String),
    /// What follows the `*` of `*.example.com`.
    Below(String),
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.strip_prefix("*.").unwrap_or(&text);
        // An IPv6 address stands here as in a target.
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let bare = bare.unwrap_or(&text);
        if text == "*" {
            return Ok(Self(Pattern::Any));
        }
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self(Pattern::Address(address.to_canonical())));
        }
        match Target::parse(name) {
            Ok(_) if !name.contains([':', '*']) => Ok(Self(match text.strip_prefix('*') {
                Some(end) => Pattern::Below(plain(end)),
                None => Pattern::Name(plain(&text)),
            })),
            _ => Err(format!("\"{text}\" is neither a host, *.domain nor *")),
        }
    }
}

impl HostPattern {
    fn matches(&self, host: &Host) -> bool {
        match (&self.0, host) {
            (Pattern::Any, _) => true,
            // ::ffff:192.0.2.7 leads to 192.0.2.7.
            (Pattern::Address(pattern), Host::Address(host)) => *pattern == host.to_canonical(),
            (Pattern::Name(pattern), Host::Name(host)) => *pattern == plain(host),
            (Pattern::Below(end), Host::Name(host)) => {
                let host = plain(host);
                host.len() > end.len() && host.ends_with(end)
            }
            _ => false,
        }
    }
}

/// A name as names are compared.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// A network of the list: CIDR, or one address.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Net(IpNet);

impl TryFrom<String> for Net {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let one = || text.parse::<IpAddr>().ok().map(IpNet::from);
        let net = text.parse().ok().or_else(one);
        let net: IpNet = net.ok_or_else(|| format!("\"{text}\" is no network like 10.0.0.0/8"))?;
        if net != net.trunc() {
            return Err(format!(
                "\"{text}\" has bits beside its prefix; {} is meant",
                net.trunc()
            ));
        }
        Ok(Self(net))
    }
}

/// A port of the list, or a range of them: `5432`, `"6432-6440"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "PortsText")]
pub struct Ports(u16, u16);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a port or a range is 5432 or \"6432-6440\"")]
enum PortsText {
    One(u16),
    Range(String),
}

impl TryFrom<PortsText> for Ports {
    type Error = String;

    fn try_from(text: PortsText) -> Result<Self, Self::Error> {
        let (low, high) = match &text {
            PortsText::One(port) => (Some(*port), Some(*port)),
            PortsText::Range(text) => {
                let (low, high) = text.split_once('-').unwrap_or((text, text));
                (low.trim().parse().ok(), high.trim().parse().ok())
            }
        };
        match (low, high) {
            (Some(low), Some(high)) if 0 < low && low <= high => Ok(Self(low, high)),
            _ => Err("a port or a range is 5432 or \"6432-6440\"".into()),
        }
    }
}

impl Ports {
    fn contain(self, port: u16) -> bool {
        (self.0..=self.1).contains(&port)
    }
}

/// A network in which nothing outside of the list's networks is reached.
///
/// The addresses are judged where they are used, so that a name cannot lead elsewhere later.
pub struct Fenced<'a, N> {
    network: &'a N,
    allow: Option<&'a Allow>,
    outside: Cell<Option<IpAddr>>,
}

impl<'a, N: Network> Fenced<'a, N> {
    /// Keeps to `allow`'s networks; `None` fences nothing.
    pub fn new(network: &'a N, allow: Option<&'a Allow>) -> Self {
        Self {
            network,
            allow,
            outside: Cell::new(None),
        }
    }

    /// The address outside that a name led to.
    pub fn outside(&self) -> Option<IpAddr> {
        self.outside.get()
    }

    fn check(&self, addresses: impl IntoIterator<Item = IpAddr>) -> io::Result<()> {
        let mut addresses = addresses.into_iter();
        match addresses.find(|address| self.allow.is_some_and(|allow| !allow.contains(*address))) {
            None => Ok(()),
            Some(address) => {
                self.outside.set(Some(address));
                Err(io::Error::other("not in the allow list"))
            }
        }
    }
}

impl<N: Network> Network for Fenced<'_, N> {
    type Stream = N::Stream;

    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let addresses = self.network.resolve(name).await?;
        self.check(addresses.iter().map(SocketAddr::ip))?;
        Ok(addresses)
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<Self::Stream> {
        match endpoint {
            Endpoint::Tcp(address) => self.check([address.ip()])?,
            Endpoint::Unix(_) => return Err(io::Error::other("not in the allow list")),
        }
        self.network.connect(endpoint).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(text: &str) -> Result<Allow, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn hosts_networks_and_ports_decide() {
        let list = allow(
            "hosts = ['db1.example.com', '*.db.example.com', '198.51.100.9', '[2001:db8::9]']\n\
             networks = ['192.0.2.0/24', '2001:db8:1::/48', '203.0.113.5']\n\
             ports = [5432, '6432-6434']",
        )
        .unwrap();
        for (target, answer) in [
            ("db1.example.com", Answer::Yes),
            ("DB1.Example.com.:6433", Answer::Yes),
            ("a.db.example.com", Answer::Yes),
            ("a.b.db.example.com", Answer::Yes),
            ("db.example.com", Answer::IfInNetworks),
            ("evildb1.example.com", Answer::IfInNetworks),
            ("192.0.2.200", Answer::Yes),
            ("192.0.3.1", Answer::NotThisHost),
            ("203.0.113.5", Answer::Yes),
            ("203.0.113.6", Answer::NotThisHost),
            ("198.51.100.9", Answer::Yes),
            ("[2001:db8::9]", Answer::Yes),
            ("[2001:db8:1::5]:5432", Answer::Yes),
            ("[::ffff:192.0.2.3]", Answer::Yes),
            ("[::1]", Answer::NotThisHost),
            ("db1.example.com:5433", Answer::NotThisPort),
            ("192.0.2.1:6435", Answer::NotThisPort),
        ] {
            let parsed = Target::parse(target).unwrap();
            assert_eq!(list.answer(&parsed), answer, "{target}");
        }
    }

    #[test]
    fn without_ports_it_is_5432_and_without_networks_a_name_must_be_in_the_list() {
        let list = allow("hosts = ['db', '*.x']").unwrap();
        for (target, answer) in [
            ("db", Answer::Yes),
            ("db:5433", Answer::NotThisPort),
            ("x", Answer::NotThisHost),
            (".x", Answer::NotThisHost),
        ] {
            if let Ok(target) = Target::parse(target) {
                assert_eq!(list.answer(&target), answer, "{target}");
            }
        }
        let all = allow("hosts = ['*']").unwrap();
        assert_eq!(all.answer(&Target::parse("[::1]").unwrap()), Answer::Yes);
        let none = allow("").unwrap();
        assert_eq!(
            none.answer(&Target::parse("db").unwrap()),
            Answer::NotThisHost
        );
    }

    #[test]
    fn an_address_is_the_same_however_it_is_spelled() {
        for (listed, target) in [
            ("::0001", "[::1]"),
            ("[2001:DB8:0:0::0009]", "[2001:db8::9]"),
            ("2001:db8::9", "[2001:0db8:0000::9]"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("192.0.2.7", "[::ffff:c000:0207]"),
        ] {
            let list = allow(&format!("hosts = ['{listed}']")).unwrap();
            let parsed = Target::parse(target).unwrap();
            assert_eq!(list.answer(&parsed), Answer::Yes, "{listed}: {target}");
            let other = Target::parse("[::2]").unwrap();
            assert_eq!(list.answer(&other), Answer::NotThisHost, "{listed}");
        }
    }

    #[test]
    fn nonsense_in_the_list_is_refused() {
        for text in [
            "hosts = ['']",
            "hosts = ['a*b']",
            "hosts = ['*.*.x']",
            "hosts = ['db:5432']",
            "hosts = ['**']",
            "hosts = ['postgresql://db']",
            "networks = ['10.0.0.0/33']",
            "networks = ['10.0.0.1/8']",
            "networks = ['db']",
            "ports = [0]",
            "ports = [70000]",
            "ports = ['6440-6432']",
            "ports = ['x']",
            "port = [5432]",
        ] {
            assert!(allow(text).is_err(), "{text}");
        }
    }
}
