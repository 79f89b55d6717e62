//! The certificate's names and the host: the name to use, the name to add, and what libpq before
//! 15 would make of them.

use super::{Situation, advice, fix, paste};
use crate::libpq::error::ErrorCode;
use crate::libpq::host_name::{self, Presented, Rule};
use crate::libpq::parameters::SslMode;
use crate::pki::Certificate;
use crate::pki::general_name::GeneralName;
use crate::report::{Advice, AdviceKind, Fix, FixPlace, Outcome};

/// A longer line is none that anybody would paste: a server may send thousands of names.
const LONGEST_LINE: usize = 1000;

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let Some(leaf) = situation.leaf() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    all.extend(mismatch(situation, leaf));
    all.extend(older_libpq(situation, leaf));
    all
}

fn mismatch(situation: &Situation<'_>, leaf: &Certificate) -> Option<Advice> {
    let name = situation.tls()?.host_name.as_ref()?;
    let verdict = situation.verdict(SslMode::VerifyFull)?;
    if name.matches || verdict.outcome == Outcome::Connects {
        return None;
    }
    let code = verdict.error.as_ref().map(|error| error.code);
    if code == Some(ErrorCode::BadParameter) && !name.host.is_empty() {
        return None;
    }
    let modes = vec![SslMode::VerifyFull];
    if name.host.is_empty() {
        let fixes = usable_name(&name.host, leaf)
            .into_iter()
            .map(|name| {
                fix(
                    FixPlace::ConnectionString,
                    "give host beside hostaddr; the certificate has this name, if it is the \
                     server's",
                    paste::connection(situation, &[("host", &name)]),
                )
            })
            .collect();
        return Some(advice(
            AdviceKind::HostNameMissing,
            modes,
            "verify-full compares the certificate with host, and only hostaddr was given".into(),
            fixes,
        ));
    }
    let still = if code == Some(ErrorCode::HostnameMismatch) {
        ""
    } else {
        "would still fail: "
    };
    let mut why = format!("{still}{}", name.message.as_deref().unwrap_or_default());
    if leaf.extensions.subject_alt_name.value().is_none() {
        why += "; it has no subjectAltName, so that the CN alone counts";
    }
    if host_name::inet_aton(&name.host).is_some() || name.host.parse::<std::net::Ipv6Addr>().is_ok()
    {
        why += "; an address must be there as iPAddress (libpq 15 and newer) or as the CN";
    }
    let verified = situation
        .libpq_chain()
        .is_some_and(|report| report.status == crate::report::ChainStatus::Ok);
    if verified && situation.connects_by_tls(SslMode::VerifyCa) {
        why += "; verify-ca connects, but any server with a certificate of that CA could answer";
    }
    Some(advice(
        AdviceKind::HostNameMismatch,
        modes,
        why,
        fixes(situation, leaf, &name.host),
    ))
}

fn fixes(situation: &Situation<'_>, leaf: &Certificate, host: &str) -> Vec<Fix> {
    let mut fixes = Vec::new();
    if let Some(name) = usable_name(host, leaf) {
        let address = situation
            .host
            .addresses
            .iter()
            .find(|address| address.connected == Some(true))
            .and_then(|address| address.address.parse::<std::net::SocketAddr>().ok())
            .map(|address| address.ip().to_string());
        let mut settings = vec![("host", name.as_str())];
        settings.extend(address.as_deref().map(|address| ("hostaddr", address)));
        // In weaker modes nobody would look at the name.
        if situation.parameters.sslmode() != Some(SslMode::VerifyFull) {
            settings.push(("sslmode", SslMode::VerifyFull.name()));
        }
        // In a list of hosts the ports and addresses would no longer go with the names.
        let paste = if situation.parameters.hosts().len() == 1 {
            paste::connection(situation, &settings)
        } else {
            Vec::new()
        };
        fixes.push(fix(
            FixPlace::ConnectionString,
            format!(
                "connect by a name of the certificate, if {name} is the server that you mean \
                 (hostaddr only where no DNS knows the name)"
            ),
            paste,
        ));
    }
    let or = if fixes.is_empty() { "" } else { "or " };
    let line = alt_name_line(leaf, host);
    let what = if line.is_some() {
        "with this extension (all names in it count, the CN no more)".to_owned()
    } else {
        format!(
            "whose subjectAltName has all that clients call it by, {} too",
            typed(host)
        )
    };
    let text = format!("{or}have a certificate issued {what}");
    fixes.push(fix(FixPlace::Elsewhere, text, line));
    fixes
}

/// The subjectAltName that keeps the names there are and adds the host.
fn alt_name_line(leaf: &Certificate, host: &str) -> Option<String> {
    let mut names = Vec::new();
    for name in leaf
        .extensions
        .subject_alt_name
        .value()
        .into_iter()
        .flatten()
    {
        match name {
            GeneralName::Dns(bytes) => {
                names.push(format!("DNS:{}", String::from_utf8_lossy(bytes)));
            }
            GeneralName::Ip(bytes) => names.extend(ip_text(bytes).map(|ip| format!("IP:{ip}"))),
            _ => {}
        }
    }
    let common_name = leaf.common_names().next();
    let common_name = common_name.and_then(|name| name.text().map(std::borrow::Cow::into_owned));
    // The CN counts today where no name of its kind stands beside it, and would count no more.
    names.extend(
        common_name
            .filter(|name| matches(leaf, name, Presenting::Now))
            .map(|name| typed(&name)),
    );
    names.push(typed(host));
    let simple = |name: &String| {
        let value = name.split_once(':').map_or("", |(_, value)| value);
        paste::is_simple_name(value.trim_start_matches("*."))
    };
    // A line that loses a name is worse than none.
    if !names.iter().all(simple) {
        return None;
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let line = format!("subjectAltName = {}", names.join(","));
    (line.len() <= LONGEST_LINE).then_some(line)
}

fn typed(name: &str) -> String {
    match name.parse::<std::net::IpAddr>() {
        Ok(ip) => format!("IP:{ip}"),
        Err(_) => match host_name::inet_aton(name) {
            Some(ip) => format!("IP:{ip}"),
            None => format!("DNS:{name}"),
        },
    }
}

fn ip_text(bytes: &[u8]) -> Option<String> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(octets).to_string());
    }
    let octets = <[u8; 16]>::try_from(bytes).ok()?;
    Some(std::net::Ipv6Addr::from(octets).to_string())
}

/// The first name of the certificate, other than the host, that libpq would match with itself.
fn usable_name(host: &str, leaf: &Certificate) -> Option<String> {
    let names = host_name::presented(leaf);
    // Each of them matches itself, unless libpq has given up before: then it is not asked for each
    // of the thousands that a server may send.
    let names = names.into_iter().take_while(Presented::goes_on);
    let names = names.filter_map(|name| match name {
        Presented::Dns(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Presented::Ip(bytes) => ip_text(bytes),
        Presented::Other => None,
    });
    let common_name = leaf.common_names().next();
    let common_name = common_name.and_then(|name| Some(name.text()?.into_owned()));
    names.chain(common_name).find(|name| {
        paste::is_simple_name(name) && name != host && matches(leaf, name, Presenting::Now)
    })
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Presenting {
    /// As libpq 15 and newer.
    Now,
    /// As libpq 14 and older, which pass over every iPAddress.
    Before15,
}

/// Whether a libpq takes the certificate for a host.
fn matches(leaf: &Certificate, host: &str, libpq: Presenting) -> bool {
    let mut presented = host_name::presented(leaf);
    if libpq == Presenting::Before15 {
        for name in &mut presented {
            if matches!(name, Presented::Ip(_)) {
                *name = Presented::Other;
            }
        }
    }
    let common_name = leaf.common_names().next();
    // Before 15 the CN counted only where there was no dNSName at all, whatever the host.
    let common_name = common_name.filter(|_| {
        libpq == Presenting::Now
            || !presented
                .iter()
                .any(|name| matches!(name, Presented::Dns(_)))
    });
    let common_name = common_name.map(|name| name.value.as_slice());
    host_name::matches(host, &presented, common_name)
}

fn older_libpq(situation: &Situation<'_>, leaf: &Certificate) -> Option<Advice> {
    let name = situation.tls()?.host_name.as_ref()?;
    let older = matches(leaf, &name.host, Presenting::Before15);
    if name.host.is_empty() || older == name.matches {
        return None;
    }
    let rule = name.rule.as_deref();
    let why = if name.matches {
        let by = if rule == Some("ip_address") {
            "they do not look at iPAddress names"
        } else {
            "they do not look at the CN beside a dNSName"
        };
        format!(
            "libpq 14 and older would differ: for them the certificate is not for \"{}\", as {by}",
            name.host
        )
    } else {
        format!(
            "libpq 14 and older would differ: they take the certificate for \"{}\" by its CN, as \
             they do not look at iPAddress names",
            name.host
        )
    };
    let fixes = if name.matches {
        vec![fix(
            FixPlace::ConnectionString,
            "connect by a name, with a certificate for that name, where such clients are in use",
            [],
        )]
    } else {
        Vec::new()
    };
    Some(advice(
        AdviceKind::OlderLibpqDiffers,
        vec![SslMode::VerifyFull],
        why,
        fixes,
    ))
}

/// Which rule of libpq's matched, for others to see.
pub(super) fn rule(situation: &Situation<'_>, leaf: &Certificate) -> Option<Rule> {
    let common_name = leaf.common_names().next();
    let host = situation.spec.host.as_deref()?;
    let found = host_name::verify(
        host,
        &host_name::presented(leaf),
        common_name.map(|name| name.value.as_slice()),
    );
    found.ok().map(|found| found.rule)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

    use super::*;

    #[test]
    fn the_name_to_connect_by_is_one_that_libpq_gets_to() {
        fn dns(name: &str) -> SanType {
            SanType::DnsName(name.try_into().unwrap())
        }
        let ip = SanType::IpAddress([192, 0, 2, 1].into());
        for (names, common_name, usable) in [
            (vec![dns("a.test"), dns("b.test")], None, Some("b.test")),
            (vec![dns("*.test"), dns("b.test")], None, Some("b.test")),
            (vec![ip.clone(), dns("b.test")], None, Some("192.0.2.1")),
            (vec![dns("b.test"), dns("\0")], None, Some("b.test")),
            (vec![dns("\0"), dns("b.test")], None, None),
            (vec![dns("\0"), ip], Some("cn.test"), None),
            (vec![], Some("cn.test"), Some("cn.test")),
            (vec![dns("*.test")], Some("cn"), None),
            (vec![dns("a.test")], None, None),
        ] {
            let mut parameters = CertificateParams::default();
            parameters.subject_alt_names = names;
            parameters.distinguished_name = DistinguishedName::new();
            if let Some(name) = common_name {
                parameters.distinguished_name.push(DnType::CommonName, name);
            }
            let key = KeyPair::generate().unwrap();
            let leaf = Certificate::parse(parameters.self_signed(&key).unwrap().der());
            assert_eq!(usable_name("a.test", &leaf).as_deref(), usable);
        }
    }
}
