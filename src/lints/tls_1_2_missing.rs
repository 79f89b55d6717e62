//! The server speaks nothing newer than TLS 1.1.

use super::{Context, Lint, Remedy};
use crate::report::enumeration::VersionState;
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "tls-1-2-missing",
    severity: Severity::High,
    summary: "nothing newer than TLS 1.1 is spoken",
    citation: "RFC 8996 sections 4 and 5: TLS 1.0 and TLS 1.1 MUST NOT be used; RFC 9325 section \
               3.1.1: TLS 1.2 MUST be supported",
    explanation: "Clients of today refuse it: OpenSSL 3 at its default level, Go, Java and rustls \
                  do not come to terms with such a server at all. What still does speaks a \
                  protocol with broken digests and modes.",
    remedies: &[Remedy {
        text: "let the newer versions in, with an OpenSSL that has them, and reload",
        place: FixPlace::PostgresqlConf,
        lines: &[
            "ssl_max_protocol_version = ''  # from PostgreSQL 12 on",
            "ssl_min_protocol_version = 'TLSv1.2'  # from PostgreSQL 12 on",
        ],
    }],
    advice: &[],
    covers: &[
        "tls-1-0-or-1-1",
        "tls-1-3-missing",
        "handshake-fails",
        "post-quantum-group-missing",
    ],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    const OLD: [&str; 3] = ["SSLv3", "TLSv1", "TLSv1.1"];
    if let Some(seen) = context.enumeration() {
        let of = |names: &[&str], wanted: VersionState| {
            let versions = seen.versions.iter();
            versions
                .filter(|one| names.contains(&one.protocol_version.as_str()))
                .filter(|one| one.state == wanted)
                .count()
        };
        let new = ["TLSv1.2", "TLSv1.3"];
        return (of(&new, VersionState::Refused) == 2 && of(&OLD, VersionState::Accepted) > 0)
            .then(|| "TLS 1.2 and TLS 1.3 are refused".into());
    }
    // The server takes the newest version that both have.
    let tls = context.host.tls.as_ref()?;
    let version = tls.protocol_version.as_deref()?;
    let [_, newest] = &tls.offer.as_ref()?.versions;
    let offered = ["TLSv1.2", "TLSv1.3"].contains(&newest.as_str());
    (OLD.contains(&version) && offered)
        .then(|| format!("{version} is the answer to an offer of {newest}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{enumerate, fires, passes, tls};
    use super::*;
    use crate::report::HostReport;

    #[test]
    fn fires_below_tls_1_2_and_not_at_it() {
        fires(&LINT, |host| {
            tls(host).protocol_version = Some("TLSv1.1".into());
        });
        passes(&LINT, |host| {
            tls(host).protocol_version = Some("TLSv1.2".into());
        });
        passes(&LINT, |host| {
            tls(host).protocol_version = Some("TLSv1.1".into());
            tls(host).offer.as_mut().unwrap().versions = ["TLSv1".into(), "TLSv1.1".into()];
        });
    }

    #[test]
    fn an_enumeration_knows_better_than_one_handshake() {
        let set = |host: &mut HostReport, states: [VersionState; 5]| {
            tls(host).protocol_version = Some("TLSv1.1".into());
            let versions = &mut enumerate(host).versions;
            for (version, state) in versions.iter_mut().zip(states) {
                version.state = state;
            }
        };
        use VersionState::{Accepted, Refused, Unknown};
        fires(&LINT, |host| {
            set(host, [Refused, Refused, Accepted, Refused, Refused]);
        });
        passes(&LINT, |host| {
            set(host, [Refused, Refused, Accepted, Accepted, Refused]);
        });
        passes(&LINT, |host| {
            set(host, [Refused, Refused, Accepted, Refused, Unknown]);
        });
    }
}
