//! The certificate is not for the address that was connected to.

use std::net::IpAddr;

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "host-address-not-in-certificate",
    severity: Severity::Info,
    summary: "the certificate is not for this address",
    citation: "RFC 9525 section 6.4: an address is compared with iPAddress",
    explanation: "verify-full fails for clients that connect to the address. Most certificates \
                  have names only, which is well where clients use those.",
    remedies: &[Remedy {
        text: "connect by a name that it has, with hostaddr beside it where no DNS knows the \
                   name",
        place: FixPlace::ConnectionString,
        lines: &[],
    }],
    advice: &[AdviceKind::HostNameMismatch],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let name = context.host.tls.as_ref()?.host_name.as_ref()?;
    (!name.matches && name.host.parse::<IpAddr>().is_ok())
        .then(|| format!("it is not for {}", name.host))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes, tls};
    use super::*;
    use crate::report::HostReport;

    #[test]
    fn fires_on_an_address_and_not_on_a_name() {
        let set = |host: &mut HostReport, to: &str, matches| {
            let name = tls(host).host_name.as_mut().unwrap();
            (name.host, name.matches) = (to.into(), matches);
        };
        fires(&LINT, |host| set(host, "2001:db8::10", false));
        passes(&LINT, |host| set(host, "192.0.2.10", true));
        passes(&LINT, |host| set(host, "db2.example.com", false));
    }
}
