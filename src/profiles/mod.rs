//! Profiles: what others demand of a server's TLS, as data, and how far a server keeps to it.
//!
//! A profile is a TOML file with a name, a version and a date; each rule has an id, a text in our
//! own words, where it comes from, and one check of the closed list [`Check`]. What was not observed
//! neither passes nor fails.

mod judge;

use serde::Deserialize;

use crate::report::{HostReport, ProfileResult, RuleResult, RuleSource};

/// The profiles that come along.
const BUILT_IN: [&str; 9] = [
    include_str!("mozilla-modern.toml"),
    include_str!("mozilla-intermediate.toml"),
    include_str!("mozilla-old.toml"),
    include_str!("nist-sp-800-52r2.toml"),
    include_str!("cis-postgresql-13.toml"),
    include_str!("cis-postgresql-14.toml"),
    include_str!("cis-postgresql-15.toml"),
    include_str!("cis-postgresql-16.toml"),
    include_str!("cis-postgresql-17.toml"),
];

/// Rules that a server is held against.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What `--profile` calls it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Its version.
    pub version: String,
    /// The day of that version, or of our reading of it, `YYYY-MM-DD`.
    pub date: String,
    /// Its rules.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What the source calls it, or we.
    pub id: String,
    /// What it demands, in our own words.
    pub text: String,
    /// Whether the original was read.
    pub source: RuleSource,
    /// Where it is written.
    pub citation: String,
    /// How it is looked at.
    pub check: Check,
}

/// What can be looked at. Names of suites and groups are IANA's, those of versions OpenSSL's.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The server speaks TLS.
    Tls,
    /// A StartupMessage in plaintext is refused.
    PlaintextRefused,
    /// No other version is spoken.
    VersionsAllowed(Vec<String>),
    /// Each of these versions is spoken.
    VersionsRequired(Vec<String>),
    /// No other suite is taken.
    SuitesAllowed(Vec<String>),
    /// Below TLS 1.3 no suite with another key exchange is taken.
    KeyExchangesAllowed(Vec<String>),
    /// No suite has fewer bits.
    SuiteBitsAtLeast(u16),
    /// No other group is taken.
    GroupsAllowed(Vec<String>),
    /// One of these groups is taken.
    GroupsAny(Vec<String>),
    /// The prime of DHE has as many bits.
    DhBitsAtLeast(u32),
    /// The certificate's key is of one of these types: `RSA`, `EC`, `Ed25519`.
    KeyTypes(Vec<String>),
    /// An EC key is on one of these curves (OpenSSL's names).
    CurvesAllowed(Vec<String>),
    /// An RSA key has as many bits.
    RsaBitsAtLeast(u32),
    /// An EC key has as many bits.
    EcBitsAtLeast(u32),
    /// The certificate is signed with one of these algorithms.
    SignatureAlgorithms(Vec<String>),
    /// It is valid for no more days in all.
    LifetimeDaysAtMost(i64),
    /// It is of this X.509 version.
    X509Version(u32),
    /// The enumeration does not have these checks present (names as in `enumeration.checks`).
    ChecksAbsent(Vec<String>),
    /// It cannot be seen from the network; why not.
    NotFromHere(String),
}

/// The profile of a name, if it is one that comes along.
pub fn built_in(name: &str) -> Option<Profile> {
    all().find(|profile| profile.name == name)
}

/// All that come along.
pub fn all() -> impl Iterator<Item = Profile> {
    BUILT_IN
        .into_iter()
        .filter_map(|text| Profile::parse(text).ok())
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// In words, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let profile: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().and_then(|span| text.get(..span.start));
            let line = line.map_or(1, |before| before.matches('\n').count() + 1);
            format!("line {line}: {}", error.message())
        })?;
        match profile.rules.is_empty() {
            true => Err("it has no rule".into()),
            false => Ok(profile),
        }
    }

    /// Holds a host against its rules.
    pub fn judge(&self, host: &HostReport) -> ProfileResult {
        let rules = self.rules.iter().map(|rule| {
            let (outcome, evidence) = judge::judge(&rule.check, host);
            RuleResult {
                id: rule.id.clone(),
                text: rule.text.clone(),
                outcome,
                evidence,
                source: rule.source,
                citation: rule.citation.clone(),
            }
        });
        ProfileResult {
            name: self.name.clone(),
            title: self.title.clone(),
            version: self.version.clone(),
            date: self.date.clone(),
            rules: rules.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_profile_that_comes_along_can_be_read_and_names_each_rule_once() {
        let mut names = BTreeSet::new();
        for text in BUILT_IN {
            let profile = Profile::parse(text).unwrap();
            let ids: BTreeSet<_> = profile.rules.iter().map(|rule| &rule.id).collect();
            assert_eq!(ids.len(), profile.rules.len(), "{}", profile.name);
            assert_eq!(profile.date.len(), 10, "{}", profile.name);
            for rule in &profile.rules {
                assert!(!rule.text.ends_with('.') && !rule.citation.is_empty());
            }
            names.insert(profile.name);
        }
        assert_eq!(names.len(), BUILT_IN.len());
    }

    #[test]
    fn what_is_no_profile_is_refused_with_its_line() {
        for (text, why) in [
            ("", "line 1: missing field `name`"),
            ("name = 1", "line 1: "),
            (
                "name='a'\ntitle='a'\nversion='1'\ndate='2026-01-01'\nrule=[]",
                "it has no rule",
            ),
            (
                "name='a'\ntitle='a'\nversion='1'\ndate='2026-01-01'\n[[rule]]\nid='1'\ntext='t'\n\
                 source='original'\ncitation='c'\ncheck='nonsense'",
                "line 10: unknown variant `nonsense`",
            ),
        ] {
            let said = Profile::parse(text).unwrap_err();
            assert!(said.starts_with(why), "{said}");
        }
    }
}
