//! An address stands in a dNSName of the certificate.

use std::net::IpAddr;

use super::context::alt_names;
use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "address-in-dns-name",
    severity: Severity::Low,
    summary: "an IP address stands in a dNSName",
    citation: "RFC 5280 section 4.2.1.6: an address is an iPAddress, 4 or 16 octets; RFC 9525 \
               section 6.5",
    explanation: "libpq takes it for the address; Go, rustls, Node and asyncpg do not.",
    remedies: &[Remedy {
        text: "have it issued with the address as an address: subjectAltName = IP:192.0.2.10",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf()?;
    let address = alt_names(leaf, "DNS:").find(|name| name.parse::<IpAddr>().is_ok())?;
    Some(format!("subjectAltName has DNS:{address}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_on_an_address_and_not_on_a_name_like_one() {
        fires(&LINT, |host| {
            leaf(host).subject_alt_names.push("DNS:192.0.2.10".into());
        });
        fires(&LINT, |host| {
            leaf(host).subject_alt_names.push("DNS:2001:db8::1".into());
        });
        passes(&LINT, |host| {
            leaf(host)
                .subject_alt_names
                .push("DNS:192.0.2.10.example.com".into());
        });
        passes(&LINT, |host| {
            leaf(host).subject_alt_names.push("IP:192.0.2.10".into());
        });
    }
}
