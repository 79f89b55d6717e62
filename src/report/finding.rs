//! What is wrong with a server, how bad it is, and the line that mends it.

use schemars::JsonSchema;
use serde::Serialize;

use super::{AdviceKind, Fix, FixPlace};

/// One thing that is wrong with a host, as a lint of `pgprobe explain --list` has found it.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Finding {
    /// The lint; `pgprobe explain` says more of it.
    pub lint: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen, in a sentence without a full stop. Untrusted: escape before showing.
    pub message: String,
    /// What mends it: each by itself, the best first.
    pub fixes: Vec<Fix>,
    /// The advice of the same host that says more of it, with the same fixes; null if none does.
    pub advice: Option<AdviceKind>,
    /// What tells it from every other finding and stays the same from run to run: SHA-256 of lint,
    /// host and port, of hostaddr where it stands beside host, of user and database where
    /// pg_hba.conf had a say, and of the certificate where it is about the times or the names of
    /// one, hexadecimal.
    pub fingerprint: String,
    /// SHA-256 of the certificate, where it is about the times or the names of one.
    #[serde(skip)]
    pub certificate: Option<String>,
    /// What a baseline says of it; null if it is none of those that are known.
    pub known: Option<Known>,
}

/// What a baseline says of a finding.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Known {
    /// Why it is put up with.
    pub reason: String,
    /// The last day on which it is, `YYYY-MM-DD` in UTC.
    pub until: String,
}

/// Lines of one place that together clear findings.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Suggestion {
    /// Where they belong.
    pub place: FixPlace,
    /// The lines, each once.
    pub lines: Vec<String>,
    /// The lints whose findings they are for.
    pub clears: Vec<&'static str>,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be mended some time.
    Low,
    /// Should be mended.
    Medium,
    /// Should be mended now.
    High,
    /// Whoever is on the way can read or change what goes over it.
    Critical,
}

impl Severity {
    /// All, the worst first.
    pub const ALL: [Self; 5] = [
        Self::Critical,
        Self::High,
        Self::Medium,
        Self::Low,
        Self::Info,
    ];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}
