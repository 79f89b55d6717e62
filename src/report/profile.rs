//! How far a server keeps to a profile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A profile, and what became of each of its rules.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ProfileResult {
    /// What `--profile` calls it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Its version.
    pub version: String,
    /// The day of that version, or of our reading of it, `YYYY-MM-DD`.
    pub date: String,
    /// Its rules, in its order.
    pub rules: Vec<RuleResult>,
}

/// One rule of a profile.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct RuleResult {
    /// What the source calls it, or we.
    pub id: String,
    /// What it demands, in our own words.
    pub text: String,
    /// What became of it.
    pub outcome: RuleOutcome,
    /// What of the evidence says so. Untrusted: escape before showing.
    pub evidence: String,
    /// Whether the original was read.
    pub source: RuleSource,
    /// Where it is written.
    pub citation: String,
}

/// What became of a rule.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleOutcome {
    /// The server keeps to it.
    Pass,
    /// It does not.
    Fail,
    /// It is about something that this server does not have.
    NotApplicable,
    /// The evidence does not tell.
    NotObserved,
}

/// Whether a rule was taken from its original.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleSource {
    /// The original was read.
    Original,
    /// It was read in somebody else's words.
    Secondary,
}
