//! What of a host a reader of the page should look at first, by facts of the record alone.

use super::host::{Host, Startup};

/// How long before its end a certificate is called expiring, in days.
pub const SOON: i64 = 30;

/// A day, in seconds.
pub const DAY: i64 = 86_400;

/// How much a remark matters; the greatest first in the page.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Weight {
    /// To be known.
    Low,
    /// To be planned.
    Medium,
    /// To be done now.
    High,
}

impl Weight {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A remark: its weight, and a word that the page filters by.
pub type Remark = (Weight, &'static str);

/// The remarks on a host at a time, in seconds since 1970; the weightiest first. Of a host that
/// did not answer there are none: nothing is known of it.
pub fn remarks(host: &Host, now: i64) -> Vec<Remark> {
    let mut found = Vec::new();
    let mut note = |holds: bool, remark: Remark| {
        if holds {
            found.push(remark);
        }
    };
    let plaintext = |kind: &[&str]| match &host.plaintext_startup {
        Startup::Open(auth) => kind.contains(&auth.as_str()),
        _ => false,
    };
    note(host.status == "no_tls", (Weight::High, "no TLS"));
    note(
        plaintext(&["password"]),
        (Weight::High, "password in clear text"),
    );
    note(
        plaintext(&["none", "no credentials"])
            || matches!(&host.tls_startup, Startup::Open(auth) if auth == "no credentials" && host.client_certificate == super::host::ClientCertificate::NotRequested),
        (Weight::High, "no credentials asked"),
    );
    note(
        matches!(host.plaintext_startup, Startup::Open(_)),
        (Weight::High, "plaintext accepted"),
    );
    note(
        host.key_possession == "refuted",
        (Weight::High, "key not proved"),
    );
    note(
        matches!(
            host.protocol_version.as_str(),
            "SSLv3" | "TLSv1" | "TLSv1.0" | "TLSv1.1"
        ),
        (Weight::High, "TLS below 1.2"),
    );
    let ends = host.expires();
    let begins = host
        .certificates
        .iter()
        .filter_map(|one| one.not_before)
        .max();
    note(
        ends.is_some_and(|ends| ends < now),
        (Weight::High, "expired"),
    );
    note(
        begins.is_some_and(|begins| begins > now),
        (Weight::High, "not yet valid"),
    );
    note(
        host.status == "tls_failed",
        (Weight::Medium, "handshake failed"),
    );
    note(
        ends.is_some_and(|ends| ends >= now && ends - now <= SOON * DAY),
        (Weight::Medium, "expires soon"),
    );
    let refused = |mode: &str, codes: &[&str]| {
        host.mode(mode)
            .is_some_and(|mode| mode.tls == "refused" && codes.contains(&mode.code.as_str()))
    };
    note(
        refused("verify-full", &["hostname_mismatch"]),
        (Weight::Medium, "name does not match"),
    );
    note(
        host.leaf().is_some_and(|leaf| {
            leaf.key_type == "RSA" && leaf.key_bits.is_some_and(|bits| bits < 2048)
        }),
        (Weight::Medium, "RSA below 2048"),
    );
    note(
        host.certificates
            .iter()
            .any(|one| !one.self_signed && weak_digest(&one.signature_algorithm)),
        (Weight::Medium, "SHA-1 or MD5 signature"),
    );
    note(
        host.leaf().is_some_and(|leaf| leaf.self_signed),
        (Weight::Low, "self-signed"),
    );
    note(
        !host.leaf().is_some_and(|leaf| leaf.self_signed) && unanchored(host),
        (Weight::Low, "no trust anchor known"),
    );
    found.sort_by_key(|remark| std::cmp::Reverse(remark.0));
    found
}

/// Whether the chain ends at no known root, in each set that there is: another fault of the chain
/// is another remark.
fn unanchored(host: &Host) -> bool {
    let mut sets = host
        .trust
        .iter()
        .filter_map(|set| set.split_once(": "))
        .peekable();
    let ends = |words| matches!(words, "unable to get local issuer certificate" | "absent");
    sets.peek().is_some() && sets.all(|(_, words)| ends(words)) && !host.certificates.is_empty()
}

fn weak_digest(algorithm: &str) -> bool {
    let algorithm = algorithm.to_ascii_lowercase();
    algorithm.contains("md5") || algorithm.contains("sha1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::host::Chained;

    fn host() -> Host {
        Host {
            status: "tls".into(),
            completed: true,
            protocol_version: "TLSv1.3".into(),
            certificates: vec![Chained {
                not_before: Some(0),
                not_after: Some(1_000 * DAY),
                ..Chained::default()
            }],
            ..Host::default()
        }
    }

    fn words(host: &Host, now: i64) -> Vec<&'static str> {
        remarks(host, now)
            .into_iter()
            .map(|remark| remark.1)
            .collect()
    }

    #[test]
    fn expiry_is_remarked_at_the_boundary_second() {
        let host = host();
        let end = 1_000 * DAY;
        assert_eq!(words(&host, end - SOON * DAY - 1), [""; 0]);
        assert_eq!(words(&host, end - SOON * DAY), ["expires soon"]);
        assert_eq!(words(&host, end), ["expires soon"]);
        assert_eq!(words(&host, end + 1), ["expired"]);
    }

    #[test]
    fn a_refused_plaintext_is_no_remark_and_an_open_one_is() {
        let mut host = host();
        host.plaintext_startup = Startup::Refused;
        assert_eq!(words(&host, 0), [""; 0]);
        host.plaintext_startup = Startup::Open("scram-sha-256".into());
        assert_eq!(words(&host, 0), ["plaintext accepted"]);
        host.plaintext_startup = Startup::Open("password".into());
        assert_eq!(
            words(&host, 0),
            ["password in clear text", "plaintext accepted"]
        );
    }

    #[test]
    fn a_chain_without_a_known_root_is_remarked_where_no_set_has_one() {
        let mut host = host();
        let with = |sets: &[&str]| sets.iter().map(|set| (*set).to_owned()).collect();
        let lost = "system: unable to get local issuer certificate";
        host.trust = with(&["root file: absent", lost]);
        assert_eq!(words(&host, 0), ["no trust anchor known"]);
        host.trust = with(&["root file: ok", lost]);
        assert_eq!(words(&host, 0), [""; 0]);
        host.trust = with(&["root file: certificate has expired", lost]);
        assert_eq!(words(&host, 0), [""; 0]);
    }

    #[test]
    fn of_a_host_that_did_not_answer_nothing_is_remarked() {
        let host = Host {
            status: "timeout".into(),
            ..Host::default()
        };
        assert_eq!(words(&host, i64::MAX), [""; 0]);
    }
}
