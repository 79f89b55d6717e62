//! How far a host keeps to profiles, for people: the rules that fail, and how many do not.

use super::page::{Page, Span, Tone, plain, strong};
use super::wording::cut;
use crate::report::{HostReport, ProfileResult, RuleOutcome, RuleResult, RuleSource};

pub(super) fn profiles(page: &mut Page, host: &HostReport) {
    for profile in &host.profiles {
        page.blank();
        one(page, profile);
    }
}

fn one(page: &mut Page, profile: &ProfileResult) {
    let with = |outcome: RuleOutcome| {
        let rules = profile.rules.iter();
        rules.filter(move |rule| rule.outcome == outcome)
    };
    let count = |outcome: RuleOutcome| with(outcome).count();
    page.prose(&[
        strong(cut(&profile.title).into_owned()),
        plain(format!(
            " ({} {}, {}): {} pass, {} fail, {} not applicable, {} not observed",
            cut(&profile.name),
            cut(&profile.version),
            cut(&profile.date),
            count(RuleOutcome::Pass),
            count(RuleOutcome::Fail),
            count(RuleOutcome::NotApplicable),
            count(RuleOutcome::NotObserved),
        )),
    ]);
    for rule in with(RuleOutcome::Fail) {
        one_rule(page, "fail", Tone::Bad, rule);
    }
    for rule in with(RuleOutcome::NotObserved) {
        one_rule(page, "not observed", Tone::Doubtful, rule);
    }
    if page.style.verbosity > 0 {
        for rule in with(RuleOutcome::Pass) {
            one_rule(page, "pass", Tone::Good, rule);
        }
        for rule in with(RuleOutcome::NotApplicable) {
            one_rule(page, "no matter", Tone::Plain, rule);
        }
    }
}

fn one_rule(page: &mut Page, label: &str, tone: Tone, rule: &RuleResult) {
    let source = match rule.source {
        RuleSource::Original => "",
        RuleSource::Secondary => "; secondary source",
    };
    let text = format!(": {} ({}{source})", cut(&rule.text), cut(&rule.evidence));
    page.entry(label, &[Span::new(tone, cut(&rule.id)), plain(text)]);
}
