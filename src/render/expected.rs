//! The certificate of `--expect-cert` beside the one that is served.

use super::page::{Page, Span, Tone, plain};
use super::wording::cut;
use crate::report::{CertificateIdentity, ExpectedCertificate, ExpectedVerdict};

pub(super) fn expected(page: &mut Page, expected: &ExpectedCertificate) {
    let file = cut(&expected.file);
    let end = |one: &CertificateIdentity| {
        let time = one.not_after.as_deref().unwrap_or("an unreadable time");
        time.get(..10).unwrap_or(time).to_owned()
    };
    let wanted = end(&expected.expected);
    let served = expected.served.as_ref().map(end).unwrap_or_default();
    let (tone, text) = match expected.verdict {
        ExpectedVerdict::Same => (Tone::Good, format!("{file} is what is served")),
        ExpectedVerdict::OtherChain => (
            Tone::Doubtful,
            format!("{file} is served, but not every certificate that stands beside it there"),
        ),
        ExpectedVerdict::RenewedNotReloaded => (
            Tone::Bad,
            format!(
                "{file} was RENEWED, AND THE SERVER NOT RELOADED: it still serves the one that \
                 ends {served}, that of the file ends {wanted}"
            ),
        ),
        ExpectedVerdict::FileIsOlder => (
            Tone::Doubtful,
            format!("{file} is older: it ends {wanted}, what is served ends {served}"),
        ),
        ExpectedVerdict::Other => (
            Tone::Bad,
            format!("{file} is ANOTHER certificate than the one that is served"),
        ),
        ExpectedVerdict::NotSeen => (
            Tone::Doubtful,
            format!("{file} has nothing to be compared with: no certificate was seen"),
        ),
    };
    page.entry("expected", &[Span::new(tone, text)]);
    let key = match (expected.verdict, expected.same_key) {
        (ExpectedVerdict::Same | ExpectedVerdict::OtherChain | ExpectedVerdict::NotSeen, _)
        | (_, None) => return,
        (_, Some(true)) => "both have the same key",
        (_, Some(false)) => "they have different keys",
    };
    page.entry("", &[plain(key)]);
    page.token("in the file", &expected.expected.sha256);
    if expected.verdict == ExpectedVerdict::RenewedNotReloaded {
        page.text("fix", "reload the server:");
        page.paste("SELECT pg_reload_conf();");
    }
}

/// The verdict in a few words.
pub(super) fn verdict(verdict: ExpectedVerdict) -> &'static str {
    match verdict {
        ExpectedVerdict::Same => "served",
        ExpectedVerdict::OtherChain => "served, not its chain",
        ExpectedVerdict::RenewedNotReloaded => "RENEWED, NOT RELOADED",
        ExpectedVerdict::FileIsOlder => "the file is older",
        ExpectedVerdict::Other => "ANOTHER certificate",
        ExpectedVerdict::NotSeen => "nothing seen",
    }
}
