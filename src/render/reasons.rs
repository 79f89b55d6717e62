//! Why modes fail or protect less than they seem to, in libpq's words and ours, and what mends it.

use super::page::{Page, plain, strong};
use super::wording::cut;
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::report::{Advice, Fix, FixPlace, HostReport, OtherClient, Verdict};

/// Why some modes are as they are, and what mends it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reason<'r> {
    /// Empty where it concerns the server as a whole.
    modes: Vec<SslMode>,
    /// Whether the words are libpq's own.
    libpq: bool,
    text: String,
    fixes: &'r [Fix],
}

impl Reason<'_> {
    /// Whether it is these words of libpq's.
    pub(super) fn quotes(&self, words: &str) -> bool {
        self.libpq && self.text == words
    }
}

/// The reasons of a host's verdicts, each once, the advice on a mode below what libpq says of it.
pub(super) fn of_host(host: &HostReport) -> Vec<Reason<'_>> {
    let mut reasons = Vec::new();
    let mut given: Vec<_> = host.advice.iter().collect();
    for (text, libpq, modes) in texts(&host.sslmodes) {
        let (here, later): (Vec<_>, Vec<_>) = given
            .into_iter()
            .partition(|advice| advice.modes.iter().any(|mode| modes.contains(mode)));
        given = later;
        // The heading, or an advice, may say it in the same words.
        let begin = text.split('\n').next().unwrap_or_default();
        let said = host.failure.as_deref() == Some(text.as_str())
            || here
                .iter()
                .any(|advice| text.contains(&advice.why) || advice.why.contains(begin));
        if !said {
            reasons.push(of_verdict(text, libpq, modes));
        }
        reasons.extend(here.into_iter().map(advice));
    }
    reasons.extend(given.into_iter().map(advice));
    // What is of the same modes stands together, where the first of it does.
    let places: Vec<_> = reasons.iter().map(|reason| reason.modes.clone()).collect();
    reasons.sort_by_key(|reason| places.iter().position(|modes| *modes == reason.modes));
    reasons
}

/// Those of a list's verdicts; what to do is its hosts' business.
pub(super) fn of_list(verdicts: &[Verdict]) -> Vec<Reason<'static>> {
    let texts = texts(verdicts).into_iter();
    texts
        .map(|(text, libpq, modes)| of_verdict(text, libpq, modes))
        .collect()
}

fn of_verdict(text: String, libpq: bool, modes: Vec<SslMode>) -> Reason<'static> {
    Reason {
        modes,
        libpq,
        text: text.replace('\n', ". "),
        fixes: &[],
    }
}

fn advice(advice: &Advice) -> Reason<'_> {
    Reason {
        modes: advice.modes.clone(),
        libpq: false,
        text: cut(&advice.why).into_owned(),
        fixes: &advice.fixes,
    }
}

/// Each text once, whether it is libpq's, and the modes that have it.
fn texts(verdicts: &[Verdict]) -> Vec<(String, bool, Vec<SslMode>)> {
    let mut reasons: Vec<(String, bool, Vec<SslMode>)> = Vec::new();
    for verdict in verdicts {
        let text = match (&verdict.error, &verdict.reason) {
            // This text is all libpq's own, with an advice on a second line. Where a server has
            // a say in the text, a line break is nothing that we make anything of.
            (Some(error), _) if error.code == ErrorCode::RootCertMissing => error.message.clone(),
            (Some(error), _) => cut(&error.message).into_owned(),
            (None, Some(reason)) => match verdict.settled_by {
                Some(depth) => format!(
                    "undetermined: {}; --depth {} would settle it",
                    cut(reason),
                    format!("{depth:?}").to_lowercase()
                ),
                None => format!("undetermined: {}", cut(reason)),
            },
            (None, None) => continue,
        };
        let libpq = verdict.error.is_some();
        match reasons.iter_mut().find(|(known, ..)| *known == text) {
            Some((.., modes)) => modes.push(verdict.mode),
            None => reasons.push((text, libpq, vec![verdict.mode])),
        }
    }
    reasons
}

fn name_modes(modes: &[SslMode]) -> String {
    if modes.len() == SslMode::ALL.len() {
        return "every mode".into();
    }
    let names: Vec<_> = modes.iter().map(|mode| mode.name()).collect();
    names.join(", ")
}

/// Writes reasons below the modes that they are of; `whom` names their servers where there are
/// several.
pub(super) fn write<'r>(page: &mut Page, reasons: &[(Reason<'r>, Option<String>)]) {
    let mut above = None;
    for (reason, whom) in reasons {
        let whose = (&reason.modes, whom);
        if above != Some(whose) {
            page.blank();
            let modes = if reason.modes.is_empty() {
                "the server".into()
            } else {
                name_modes(&reason.modes)
            };
            let whom = whom.as_ref().map(|whom| format!(" at {whom}"));
            page.prose(&[strong(modes), strong(whom.unwrap_or_default())]);
            above = Some(whose);
        }
        write_one(page, reason);
    }
}

fn write_one(page: &mut Page, reason: &Reason<'_>) {
    page.text(if reason.libpq { "libpq" } else { "why" }, &reason.text);
    for fix in reason.fixes {
        page.entry("fix", &[plain(cut(&fix.text)), plain(place(fix))]);
        for line in &fix.paste {
            page.paste(&cut(line));
        }
    }
}

/// Where the lines of a fix belong, after its text.
pub(super) fn place(fix: &Fix) -> &'static str {
    place_of(fix.place, fix.paste.is_empty())
}

/// Where lines belong, after what they are for.
pub(super) fn place_of(place: FixPlace, none: bool) -> &'static str {
    match place {
        _ if none => "",
        FixPlace::ConnectionString => "; in the connection string:",
        FixPlace::PostgresqlConf => "; in postgresql.conf:",
        FixPlace::PgHbaConf => "; in pg_hba.conf:",
        FixPlace::ClientShell => "; on the client:",
        FixPlace::ServerShell => "; on the server:",
        FixPlace::Elsewhere => ":",
    }
}

/// What other clients would not take, a line each.
pub(super) fn other_clients(page: &mut Page, clients: &[OtherClient]) {
    let mut label = "others";
    for client in clients {
        let text = format!("{} refuses: {}", client.client, cut(&client.refuses));
        page.text(label, &text);
        label = "";
    }
}
