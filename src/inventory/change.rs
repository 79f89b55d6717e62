//! What changed between two scans of a host: `pgprobe diff`.
//!
//! Only what both scans know is compared: a word like `unknown`, or an answer that one scan did not
//! ask for, is no change.

use serde::Serialize;

use super::host::{Chained, Host, MODES, Startup, day};

/// Kinds of change; what an operator must see first is first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A certificate that was valid in the old scan has expired.
    Expired,
    /// Something protects less than it did.
    Weaker,
    /// It answered in the old scan and does not now.
    NoAnswer,
    /// It is in the old scan alone.
    Gone,
    /// It is in the new scan alone.
    New,
    /// It did not answer in the old scan and does now.
    Answers,
    /// Another certificate for the same names by the same issuer, valid for longer.
    Renewed,
    /// Another certificate that is no renewal.
    OtherCertificate,
    /// Something protects more than it did.
    Stronger,
}

impl Kind {
    /// All of them, the first to be seen first.
    pub const ALL: [Self; 9] = [
        Self::Expired,
        Self::Weaker,
        Self::NoAnswer,
        Self::Gone,
        Self::New,
        Self::Answers,
        Self::Renewed,
        Self::OtherCertificate,
        Self::Stronger,
    ];

    /// Its words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Weaker => "weaker",
            Self::NoAnswer => "no answer any more",
            Self::Gone => "gone",
            Self::New => "new",
            Self::Answers => "answers again",
            Self::Renewed => "renewed",
            Self::OtherCertificate => "other certificate",
            Self::Stronger => "stronger",
        }
    }
}

/// One change of one host.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Change {
    /// What kind it is.
    pub kind: Kind,
    /// The host, as both scans call it.
    pub target: String,
    /// What is compared: `TLS version`, `plaintext`, `certificate` ...
    pub what: String,
    /// What it was; null where there was nothing.
    pub old: Option<String>,
    /// What it is; null where there is nothing.
    pub new: Option<String>,
}

/// The change of a host that is in one scan alone.
pub fn alone(host: &Host, kind: Kind) -> Change {
    let words = Some(about(host));
    let (old, new) = match kind {
        Kind::Gone => (words, None),
        _ => (None, words),
    };
    Change {
        kind,
        target: host.name.clone(),
        what: "host".to_owned(),
        old,
        new,
    }
}

fn about(host: &Host) -> String {
    let version = &host.protocol_version;
    if version.is_empty() {
        host.status.clone()
    } else {
        version.clone()
    }
}

/// The changes of a host that is in both. Whether a certificate had expired is asked at the time of
/// each scan.
pub fn changes(old: &Host, new: &Host) -> Vec<Change> {
    let mut found = Vec::new();
    if old.answered() != new.answered() {
        let kind = if new.answered() {
            Kind::Answers
        } else {
            Kind::NoAnswer
        };
        note(&mut found, new, kind, "answer", &old.status, &new.status);
    }
    if old.answered() && new.answered() {
        let tls = |host: &Host| i64::from(host.status == "tls");
        if tls(old) != tls(new) {
            ranked(
                &mut found,
                new,
                "TLS",
                (&old.status, tls(old)),
                (&new.status, tls(new)),
            );
        }
        versions(&mut found, old, new);
        startups(&mut found, old, new);
        modes(&mut found, old, new);
        certificates(&mut found, old, new);
    }
    found.sort_by_key(|change| change.kind);
    found
}

fn note(found: &mut Vec<Change>, host: &Host, kind: Kind, what: &str, old: &str, new: &str) {
    found.push(Change {
        kind,
        target: host.name.clone(),
        what: what.to_owned(),
        old: Some(old.to_owned()),
        new: Some(new.to_owned()),
    });
}

/// Notes a change between things of which one protects more.
fn ranked(found: &mut Vec<Change>, host: &Host, what: &str, old: (&str, i64), new: (&str, i64)) {
    let kind = match new.1.cmp(&old.1) {
        std::cmp::Ordering::Less => Kind::Weaker,
        std::cmp::Ordering::Greater => Kind::Stronger,
        std::cmp::Ordering::Equal => return,
    };
    note(found, host, kind, what, old.0, new.0);
}

fn versions(found: &mut Vec<Change>, old: &Host, new: &Host) {
    let rank = |host: &Host| {
        let order = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
        let at = order
            .iter()
            .position(|version| *version == host.protocol_version)?;
        i64::try_from(at).ok()
    };
    if let (Some(before), Some(after)) = (rank(old), rank(new)) {
        let (before, after) = (
            (&*old.protocol_version, before),
            (&*new.protocol_version, after),
        );
        ranked(found, new, "TLS version", before, after);
    }
}

/// How much an authentication method reveals to who listens or impersonates the server; a method
/// that is not in the list is not compared.
fn strength(auth: &str) -> Option<i64> {
    match auth {
        "no credentials" => Some(0),
        "password" => Some(1),
        "md5" => Some(2),
        "scram-sha-256" => Some(3),
        "scram-sha-256-plus" => Some(4),
        _ => None,
    }
}

fn startups(found: &mut Vec<Change>, old: &Host, new: &Host) {
    let plaintext = |startup: &Startup| match startup {
        Startup::NotKnown => None,
        Startup::Open(auth) => Some((auth.clone(), 0)),
        Startup::Refused => Some(("refused".to_owned(), 1)),
    };
    let both = plaintext(&old.plaintext_startup).zip(plaintext(&new.plaintext_startup));
    if let Some((before, after)) = both {
        ranked(
            found,
            new,
            "plaintext",
            (&before.0, before.1),
            (&after.0, after.1),
        );
    }
    for (what, before, after) in [
        (
            "authentication over TLS",
            &old.tls_startup,
            &new.tls_startup,
        ),
        (
            "authentication in plaintext",
            &old.plaintext_startup,
            &new.plaintext_startup,
        ),
    ] {
        if let (Startup::Open(before), Startup::Open(after)) = (before, after)
            && let Some((weak, strong)) = strength(before).zip(strength(after))
        {
            ranked(found, new, what, (before, weak), (after, strong));
        }
    }
}

fn modes(found: &mut Vec<Change>, old: &Host, new: &Host) {
    // What `accepted` comes to is another question for a mode that verifies and for one that does
    // not, but to lose it is a loss in each.
    let rank = |word: &str| match word {
        "accepted" => Some(1),
        "refused" => Some(0),
        _ => None,
    };
    for name in MODES {
        let (Some(before), Some(after)) = (old.mode(name), new.mode(name)) else {
            continue;
        };
        if let Some((less, more)) = rank(&before.tls).zip(rank(&after.tls)) {
            let why = |mode: &super::host::Mode| {
                if mode.tls == "refused" && !mode.why.is_empty() {
                    format!("refused: {}", mode.why)
                } else {
                    mode.tls.clone()
                }
            };
            let what = format!("TLS for sslmode={name}");
            ranked(found, new, &what, (&why(before), less), (&why(after), more));
        }
    }
}

fn certificates(found: &mut Vec<Change>, old: &Host, new: &Host) {
    // When the record does not say when it was made, nothing can be said to have expired since.
    let expired = |host: &Host| Some(host.expires()? < host.probed_at);
    if old.probed_at != 0
        && new.probed_at != 0
        && expired(old) == Some(false)
        && expired(new) == Some(true)
    {
        let words = |host: &Host| host.expires().map(|end| format!("until {}", day(end)));
        let (before, after) = (
            words(old).unwrap_or_default(),
            words(new).unwrap_or_default(),
        );
        note(found, new, Kind::Expired, "certificate", &before, &after);
    }
    let (Some(before), Some(after)) = (old.leaf(), new.leaf()) else {
        return;
    };
    if before.sha256 == after.sha256 {
        return;
    }
    let words = |leaf: &Chained| {
        let until = leaf.not_after.map(day).unwrap_or_default();
        let start: String = leaf.sha256.chars().take(16).collect();
        format!("{}, until {until}, SHA-256 {start}", leaf.subject)
    };
    let same = before.subject == after.subject
        && before.names == after.names
        && before.issuer == after.issuer;
    let kind = if same && after.not_after > before.not_after {
        Kind::Renewed
    } else {
        Kind::OtherCertificate
    };
    note(
        found,
        new,
        kind,
        "certificate",
        &words(before),
        &words(after),
    );
    if before.key_type == after.key_type
        && let Some((less, more)) = before.key_bits.zip(after.key_bits)
        && let (Ok(less), Ok(more)) = (i64::try_from(less), i64::try_from(more))
    {
        ranked(found, new, "key", (&before.key, less), (&after.key, more));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host {
            name: "db1:5432".into(),
            status: "tls".into(),
            probed_at: 1_000,
            protocol_version: "TLSv1.3".into(),
            certificates: vec![leaf("aa", 2_000)],
            ..Host::default()
        }
    }

    fn leaf(sha256: &str, not_after: i64) -> Chained {
        Chained {
            subject: "CN=db1".into(),
            issuer: "CN=ca".into(),
            not_after: Some(not_after),
            key: "RSA 2048".into(),
            key_type: "RSA".into(),
            key_bits: Some(2048),
            sha256: sha256.into(),
            ..Chained::default()
        }
    }

    fn kinds(old: &Host, new: &Host) -> Vec<Kind> {
        changes(old, new)
            .into_iter()
            .map(|change| change.kind)
            .collect()
    }

    #[test]
    fn a_host_that_stays_as_it_is_has_no_changes() {
        let later = Host {
            probed_at: 1_900,
            ..host()
        };
        assert_eq!(kinds(&host(), &later), []);
    }

    #[test]
    fn a_certificate_expires_between_the_scans_at_its_second() {
        let at = |probed_at| Host {
            probed_at,
            ..host()
        };
        assert_eq!(kinds(&host(), &at(2_000)), []);
        assert_eq!(kinds(&host(), &at(2_001)), [Kind::Expired]);
        assert_eq!(kinds(&at(2_001), &at(2_002)), []);
        assert_eq!(kinds(&at(0), &at(2_002)), []);
    }

    #[test]
    fn a_renewal_is_the_same_names_by_the_same_issuer_for_longer() {
        let with = |one| Host {
            certificates: vec![one],
            ..host()
        };
        assert_eq!(kinds(&host(), &with(leaf("bb", 3_000))), [Kind::Renewed]);
        assert_eq!(
            kinds(&host(), &with(leaf("bb", 1_500))),
            [Kind::OtherCertificate]
        );
        let mut other = leaf("bb", 3_000);
        other.issuer = "CN=other".into();
        assert_eq!(kinds(&host(), &with(other)), [Kind::OtherCertificate]);
        let mut weak = leaf("bb", 3_000);
        weak.key_bits = Some(1024);
        assert_eq!(kinds(&host(), &with(weak)), [Kind::Weaker, Kind::Renewed]);
    }

    #[test]
    fn what_one_scan_does_not_know_is_no_change() {
        let mut open = host();
        open.plaintext_startup = Startup::Open("md5".into());
        let mut refused = host();
        refused.plaintext_startup = Startup::Refused;
        assert_eq!(kinds(&host(), &open), []);
        assert_eq!(kinds(&refused, &open), [Kind::Weaker]);
        assert_eq!(kinds(&open, &refused), [Kind::Stronger]);
    }

    #[test]
    fn older_tls_and_lost_tls_are_weaker_and_silence_is_no_answer() {
        let mut older = host();
        older.protocol_version = "TLSv1.1".into();
        assert_eq!(kinds(&host(), &older), [Kind::Weaker]);
        let without = Host {
            name: "db1:5432".into(),
            status: "no_tls".into(),
            ..Host::default()
        };
        assert_eq!(kinds(&host(), &without), [Kind::Weaker]);
        let silent = Host {
            name: "db1:5432".into(),
            status: "timeout".into(),
            ..Host::default()
        };
        assert_eq!(kinds(&host(), &silent), [Kind::NoAnswer]);
        assert_eq!(kinds(&silent, &host()), [Kind::Answers]);
    }
}
