//! The server speaks TLS 1.0 or 1.1.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "tls-1-0-or-1-1",
    severity: Severity::Medium,
    summary: "TLS 1.0 or TLS 1.1 is spoken",
    citation: "RFC 8996 sections 4 and 5: TLS 1.0 and TLS 1.1 MUST NOT be used",
    explanation: "Their handshakes are signed with MD5 and SHA-1, their ciphers are CBC or RC4. A \
                  client that still allows them can be kept from anything better only by a server \
                  that refuses them.",
    remedies: &[Remedy {
        text: "speak TLS 1.2 and later only, and reload",
        place: FixPlace::PostgresqlConf,
        lines: &["ssl_min_protocol_version = 'TLSv1.2'  # from PostgreSQL 12 on"],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.enumerated(LINT.name).or_else(|| {
        let tls = context.completed()?;
        let version = tls.protocol_version.as_deref()?;
        ["TLSv1", "TLSv1.1"]
            .contains(&version)
            .then(|| format!("the handshake came about with {version}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, follows_the_enumeration, passes, tls};
    use super::*;
    use crate::report::HostReport;

    #[test]
    fn fires_where_the_enumeration_found_it() {
        follows_the_enumeration(&LINT);
    }

    #[test]
    fn fires_where_the_handshake_came_about_with_it() {
        let old = |host: &mut HostReport| {
            tls(host).protocol_version = Some("TLSv1.1".into());
            // A client that offers nothing newer learns nothing of newer versions.
            tls(host).offer.as_mut().unwrap().versions = ["TLSv1".into(), "TLSv1.1".into()];
        };
        fires(&LINT, old);
        passes(&LINT, |host| {
            tls(host).protocol_version = Some("TLSv1.2".into());
        });
    }
}
