//! Whether libpq's verify-full takes a certificate for a host: mirrors
//! `pgtls_verify_peer_name_matches_certificate_guts` and its helpers in fe-secure-common.c.
//!
//! Where RFC 9525 differs, libpq wins here; a finding may say so elsewhere.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::pki::Certificate;
use crate::pki::general_name::GeneralName;

/// One entry of subjectAltName, in the certificate's order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presented<'a> {
    /// dNSName.
    Dns(&'a [u8]),
    /// iPAddress.
    Ip(&'a [u8]),
    /// Any other type: libpq does not look at it.
    Other,
}

/// Which name matched, and by which rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Match {
    /// The certificate's name.
    pub name: String,
    /// Where it stands and how it was compared.
    pub rule: Rule,
}

/// How a name of the certificate matched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// A dNSName equal to the host, ASCII case aside.
    DnsName,
    /// A dNSName with a wildcard.
    DnsWildcard,
    /// An iPAddress.
    IpAddress,
    /// The first common name, because no subjectAltName of the host's type is there.
    CommonName,
    /// The same with a wildcard.
    CommonNameWildcard,
}

/// Why no name matched, in libpq's words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mismatch {
    /// libpq's message.
    pub message: String,
    /// Whether the host was empty, which libpq counts among the wrong parameters.
    pub host_missing: bool,
}

impl Presented<'_> {
    /// Whether libpq goes on after it where it does not match: it gives up at a dNSName with a NUL,
    /// and at an iPAddress that is of neither kind.
    pub fn goes_on(&self) -> bool {
        match self {
            Self::Dns(name) => !name.contains(&0),
            Self::Ip(bytes) => matches!(bytes.len(), 4 | 16),
            Self::Other => true,
        }
    }
}

/// The entries of a certificate's subjectAltName.
pub fn presented(certificate: &Certificate) -> Vec<Presented<'_>> {
    let names = certificate.extensions.subject_alt_name.value();
    let names = names.map(Vec::as_slice).unwrap_or_default().iter();
    let presented = names.map(|name| match name {
        GeneralName::Dns(bytes) => Presented::Dns(bytes),
        GeneralName::Ip(bytes) => Presented::Ip(bytes),
        _ => Presented::Other,
    });
    presented.collect()
}

/// Compares the names of a certificate with the host as libpq's verify-full does.
///
/// `common_name` is the first one of the subject, raw, whatever its string type.
///
/// # Errors
/// libpq's message when nothing matches or a name cannot be used.
pub fn verify(
    host: &str,
    alternative_names: &[Presented<'_>],
    common_name: Option<&[u8]>,
) -> Result<Match, Mismatch> {
    if host.is_empty() {
        return Err(Mismatch {
            message: "host name must be specified for a verified SSL connection".into(),
            host_missing: true,
        });
    }
    let failed = |message| Mismatch {
        message,
        host_missing: false,
    };
    compare(host, alternative_names, common_name).map_err(|stopped| failed(stopped.message(host)))
}

/// Whether [`verify`] finds a match.
pub fn matches(
    host: &str,
    alternative_names: &[Presented<'_>],
    common_name: Option<&[u8]>,
) -> bool {
    !host.is_empty() && compare(host, alternative_names, common_name).is_ok()
}

fn compare<'c>(
    host: &str,
    alternative_names: &[Presented<'c>],
    common_name: Option<&'c [u8]>,
) -> Result<Match, Stopped<'c>> {
    let address = HostAddress::of(host);
    let mut examined = Examined::default();
    let mut use_common_name = true;
    for name in alternative_names {
        match *name {
            Presented::Dns(name) => {
                use_common_name &= address.is_ip();
                if let Some(wildcard) = examined.text(name, host)? {
                    let rule = if wildcard {
                        Rule::DnsWildcard
                    } else {
                        Rule::DnsName
                    };
                    return Ok(matched(name, rule));
                }
            }
            Presented::Ip(bytes) => {
                use_common_name &= !address.is_ip();
                if !name.goes_on() {
                    return Err(Stopped::LengthOfAddress(bytes.len()));
                }
                examined.add(*name);
                if address.equals(bytes) {
                    return Ok(Match {
                        name: ip_text(bytes),
                        rule: Rule::IpAddress,
                    });
                }
            }
            Presented::Other => {}
        }
    }
    if let Some(name) = common_name.filter(|_| use_common_name)
        && let Some(wildcard) = examined.text(name, host)?
    {
        let rule = if wildcard {
            Rule::CommonNameWildcard
        } else {
            Rule::CommonName
        };
        return Ok(matched(name, rule));
    }
    Err(Stopped::NoMatch(examined))
}

fn matched(name: &[u8], rule: Rule) -> Match {
    Match {
        name: String::from_utf8_lossy(name).into_owned(),
        rule,
    }
}

/// Why the comparison ended without a match.
enum Stopped<'c> {
    EmbeddedNull,
    LengthOfAddress(usize),
    NoMatch(Examined<'c>),
}

impl Stopped<'_> {
    fn message(&self, host: &str) -> String {
        let examined = match self {
            Self::EmbeddedNull => return "SSL certificate's name contains embedded null".into(),
            Self::LengthOfAddress(length) => {
                return format!("certificate contains IP address with invalid length {length}");
            }
            Self::NoMatch(examined) => examined,
        };
        let first = match examined.first {
            Some(Presented::Dns(name)) => String::from_utf8_lossy(name),
            Some(Presented::Ip(bytes)) => ip_text(bytes).into(),
            Some(Presented::Other) | None => {
                return "could not get server's host name from server certificate".into();
            }
        };
        let others = match examined.count - 1 {
            0 => String::new(),
            1 => " (and 1 other name)".into(),
            more => format!(" (and {more} other names)"),
        };
        format!("server certificate for \"{first}\"{others} does not match host name \"{host}\"")
    }
}

/// The names that were looked at, for the message; a common name counts as a dNSName.
#[derive(Default)]
struct Examined<'c> {
    count: usize,
    first: Option<Presented<'c>>,
}

impl<'c> Examined<'c> {
    fn add(&mut self, name: Presented<'c>) {
        self.count += 1;
        self.first.get_or_insert(name);
    }

    /// Looks at a name that is compared as text; whether a wildcard did it, if it matches.
    fn text(&mut self, name: &'c [u8], host: &str) -> Result<Option<bool>, Stopped<'c>> {
        let presented = Presented::Dns(name);
        if !presented.goes_on() {
            return Err(Stopped::EmbeddedNull);
        }
        self.add(presented);
        let host = host.as_bytes();
        if name.eq_ignore_ascii_case(host) {
            return Ok(Some(false));
        }
        Ok(wildcard_matches(name, host).then_some(true))
    }
}

/// Mirrors `wildcard_certificate_match`: one `*` as the whole leftmost label.
fn wildcard_matches(pattern: &[u8], host: &[u8]) -> bool {
    let Some(suffix) = pattern
        .strip_prefix(b"*")
        .filter(|rest| rest.starts_with(b"."))
    else {
        return false;
    };
    if pattern.len() < 3 || pattern.len() > host.len() {
        return false;
    }
    let start = host.len() - suffix.len();
    let (Some(end), Some(first_dot)) = (
        host.get(start..),
        host.iter().position(|byte| *byte == b'.'),
    ) else {
        return false;
    };
    // libpq compares the place of the host's first dot with the difference of the lengths, so
    // `..b.test` matches `*.b.test`.
    end.eq_ignore_ascii_case(suffix) && first_dot >= host.len() - pattern.len()
}

/// The host as an address, if inet_aton or inet_pton take it.
struct HostAddress {
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
}

impl HostAddress {
    fn of(host: &str) -> Self {
        Self {
            v4: inet_aton(host),
            v6: host.parse().ok(),
        }
    }

    fn is_ip(&self) -> bool {
        self.v4.is_some() || self.v6.is_some()
    }

    fn equals(&self, bytes: &[u8]) -> bool {
        match bytes.len() {
            4 => self.v4.is_some_and(|address| address.octets() == bytes),
            16 => self.v6.is_some_and(|address| address.octets() == bytes),
            _ => false,
        }
    }
}

/// An iPAddress as libpq prints it (`pg_inet_net_ntop`); of 4 or 16 octets, as the comparison has
/// given up at any other.
fn ip_text(bytes: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Ipv4Addr::from(octets).to_string();
    }
    let octets = <[u8; 16]>::try_from(bytes).unwrap_or_default();
    let address = Ipv6Addr::from(octets);
    // Twelve zero bytes, and not fourteen: the old IPv4-compatible form.
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => {
            let [.., a, b, c, d] = octets;
            format!("::{}", Ipv4Addr::new(a, b, c, d))
        }
        _ => address.to_string(),
    }
}

/// Mirrors inet_aton(3): one to four numbers, each decimal, octal or hexadecimal; white space may
/// follow, and after it anything.
pub fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let mut rest = text.as_bytes();
    let (mut high, mut parts) = (0, 0);
    loop {
        let (value, after) = number(rest)?;
        rest = after;
        match rest.first() {
            Some(b'.') if parts < 3 && value <= 0xff => {
                high |= value << (24 - 8 * parts);
                parts += 1;
                rest = rest.get(1..)?;
            }
            None | Some(b' ' | b'\t' | b'\n' | b'\x0b' | b'\x0c' | b'\r') => {
                let limit = u32::MAX >> (8 * parts);
                return (value <= limit).then(|| Ipv4Addr::from(high | value));
            }
            Some(_) => return None,
        }
    }
}

/// strtoul(3) with base 0 that must begin with a digit.
fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let is_hexadecimal =
        matches!(text, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
    let (radix, digits) = match text {
        _ if is_hexadecimal => (16, text.get(2..)?),
        [b'0', ..] => (8, text),
        [b'1'..=b'9', ..] => (10, text),
        _ => return None,
    };
    let length = digits
        .iter()
        .position(|byte| !char::from(*byte).is_digit(radix))
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(length)?;
    let value = digits.iter().try_fold(0_u32, |value, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        value.checked_mul(radix)?.checked_add(digit)
    })?;
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(host: &str, names: &[Presented<'_>], cn: Option<&[u8]>) -> String {
        match verify(host, names, cn) {
            Ok(found) => format!("{:?} {}", found.rule, found.name),
            Err(mismatch) => mismatch.message,
        }
    }

    #[test]
    fn the_specifications_examples_hold() {
        use Presented::{Dns, Ip, Other};
        let v4 = |a, b, c, d| [a, b, c, d];
        let (one, two) = (v4(192, 0, 2, 1), v4(192, 0, 2, 2));
        let cn = Some(b"common.test".as_slice());
        type Row<'a> = (&'a str, &'a [Presented<'a>], Option<&'a [u8]>, &'a str);
        let table: &[Row<'_>] = &[
            ("a.test", &[Dns(b"A.TEST")], None, "DnsName A.TEST"),
            (
                "a.b.test",
                &[Dns(b"*.b.test")],
                None,
                "DnsWildcard *.b.test",
            ),
            (
                "..b.test",
                &[Dns(b"*.b.test")],
                None,
                "DnsWildcard *.b.test",
            ),
            (
                "a.b..b.test",
                &[Dns(b"*.b.test")],
                None,
                "server certificate for \"*.b.test\" does not match host name \"a.b..b.test\"",
            ),
            ("x.test", &[Dns(b"*.test")], None, "DnsWildcard *.test"),
            (
                "b.test",
                &[Dns(b"*.b.test")],
                None,
                "server certificate for \"*.b.test\" does not match host name \"b.test\"",
            ),
            ("common.test", &[Ip(&one)], cn, "CommonName common.test"),
            (
                "common.test",
                &[Dns(b"dns1"), Dns(b"dns2")],
                cn,
                "server certificate for \"dns1\" (and 1 other name) does not match host name \"common.test\"",
            ),
            (
                "192.0.2.1",
                &[Dns(b"dns1")],
                Some(b"192.0.2.1"),
                "CommonName 192.0.2.1",
            ),
            (
                "192.0.2.1",
                &[Ip(&two), Other],
                Some(b"192.0.2.1"),
                "server certificate for \"192.0.2.2\" does not match host name \"192.0.2.1\"",
            ),
            ("192.000.002.001", &[Ip(&one)], None, "IpAddress 192.0.2.1"),
            ("127.0.0.1", &[Dns(b"*.0.0.1")], None, "DnsWildcard *.0.0.1"),
            (
                "h",
                &[Dns(b"a"), Dns(b"b"), Dns(b"c")],
                None,
                "server certificate for \"a\" (and 2 other names) does not match host name \"h\"",
            ),
            (
                "h",
                &[Other],
                None,
                "could not get server's host name from server certificate",
            ),
            ("h", &[Other], Some(b"h"), "CommonName h"),
            (
                "h",
                &[Dns(b"h\0.evil")],
                None,
                "SSL certificate's name contains embedded null",
            ),
            ("h", &[Dns(b"h"), Dns(b"h\0.evil")], None, "DnsName h"),
            (
                "h",
                &[Ip(&[1, 2, 3])],
                None,
                "certificate contains IP address with invalid length 3",
            ),
            (
                "",
                &[],
                None,
                "host name must be specified for a verified SSL connection",
            ),
            (
                "127.1",
                &[],
                Some(b"127.0.0.1"),
                "server certificate for \"127.0.0.1\" does not match host name \"127.1\"",
            ),
        ];
        for (host, names, cn, expected) in table {
            assert_eq!(message(host, names, *cn), *expected, "{host} {names:?}");
        }
    }

    #[test]
    fn ipv6_is_printed_as_postgresql_prints_it() {
        for (address, text) in [
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
            ("::1.2.3.4", "::1.2.3.4"),
            ("::1", "::1"),
            ("::", "::"),
        ] {
            let octets = address.parse::<Ipv6Addr>().unwrap().octets();
            assert_eq!(ip_text(&octets), text);
        }
    }

    #[test]
    fn inet_aton_takes_every_old_spelling() {
        let same = [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "0x7f000001",
            "2130706433",
            "0177.0.0.1",
            "127.0.0.1 ",
            "127.0.0.1\tx",
            "0x7f.1",
        ];
        for text in same {
            assert_eq!(inet_aton(text), Some(Ipv4Addr::LOCALHOST), "{text}");
        }
        for text in [
            "",
            "127.0.0.1.",
            "127.0.0.256",
            "1.2.3.4.5",
            "08.0.0.1",
            "0x",
            "a",
            "256.1",
            "4294967296",
            " 127.0.0.1",
            "127..1",
            "1.16777216",
        ] {
            assert_eq!(inet_aton(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn hosts_and_names_never_panic_and_match_alike(
            host in "[*.a-c0-9x: ]{0,12}",
            names in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..18), 0..4),
        ) {
            let dns: Vec<_> = names.iter().map(|name| Presented::Dns(name)).collect();
            let ip: Vec<_> = names.iter().map(|name| Presented::Ip(name)).collect();
            for (names, common_name) in [(&dns, names.first().map(Vec::as_slice)), (&ip, None)] {
                let verified = verify(&host, names, common_name);
                prop_assert_eq!(matches(&host, names, common_name), verified.is_ok());
            }
        }
    }
}
