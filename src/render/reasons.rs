//! Why modes fail or protect less than they seem to, in libpq's words and ours, and what mends it.

use super::page::{Page, plain};
use super::wording::cut;
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::report::{Fix, FixPlace, HostReport, OtherClient, Verdict};

/// A reason, and what mends it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reason<'r> {
    why: String,
    fixes: &'r [Fix],
}

/// The reasons of a host's verdicts, each once, the advice on a mode beside them.
pub(super) fn of_host(host: &HostReport) -> Vec<Reason<'_>> {
    let mut reasons = Vec::new();
    let mut given: Vec<_> = host.advice.iter().collect();
    for (text, modes) in texts(&host.sslmodes) {
        let (here, later): (Vec<_>, Vec<_>) = given
            .into_iter()
            .partition(|advice| advice.modes.iter().any(|mode| modes.contains(mode)));
        given = later;
        // The heading, or an advice, may say it in the same words.
        let said = host.failure.as_deref() == Some(text.as_str())
            || here
                .iter()
                .any(|advice| text.contains(&advice.why) || advice.why.contains(&text));
        if !said {
            reasons.push(Reason {
                why: format!("{}: {text}", name_modes(&modes)),
                fixes: &[],
            });
        }
        reasons.extend(
            here.into_iter()
                .map(|one| advice(&one.modes, &one.why, &one.fixes)),
        );
    }
    reasons.extend(
        given
            .into_iter()
            .map(|one| advice(&one.modes, &one.why, &one.fixes)),
    );
    reasons
}

/// Those of a list's verdicts; what to do is its hosts' business.
pub(super) fn of_list(verdicts: &[Verdict]) -> Vec<Reason<'static>> {
    let reasons = texts(verdicts).into_iter();
    reasons
        .map(|(text, modes)| Reason {
            why: format!("{}: {text}", name_modes(&modes)),
            fixes: &[],
        })
        .collect()
}

fn advice<'r>(modes: &[SslMode], why: &str, fixes: &'r [Fix]) -> Reason<'r> {
    let why = cut(why);
    let why = if modes.is_empty() {
        why.into_owned()
    } else {
        format!("{}: {why}", name_modes(modes))
    };
    Reason { why, fixes }
}

/// Each libpq text once, with the modes that have it.
fn texts(verdicts: &[Verdict]) -> Vec<(String, Vec<SslMode>)> {
    let mut reasons: Vec<(String, Vec<SslMode>)> = Vec::new();
    for verdict in verdicts {
        let text = match (&verdict.error, &verdict.reason) {
            // This text is all libpq's own, with an advice on a second line. Where a server has
            // a say in the text, a line break would let it forge ours.
            (Some(error), _) if error.code == ErrorCode::RootCertMissing => {
                error.message.replace('\n', ". ")
            }
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
        match reasons.iter_mut().find(|(known, _)| *known == text) {
            Some((_, modes)) => modes.push(verdict.mode),
            None => reasons.push((text, vec![verdict.mode])),
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

/// Writes a reason, and whom it concerns where there are several.
pub(super) fn write(page: &mut Page, reason: &Reason<'_>, whom: Option<&str>) {
    match whom {
        Some(whom) => page.text("why", &format!("{whom}: {}", reason.why)),
        None => page.text("why", &reason.why),
    }
    for fix in reason.fixes {
        let place = match fix.place {
            _ if fix.paste.is_empty() => "",
            FixPlace::ConnectionString => "; in the connection string:",
            FixPlace::PostgresqlConf => "; in postgresql.conf:",
            FixPlace::PgHbaConf => "; in pg_hba.conf:",
            FixPlace::ClientShell => "; on the client:",
            FixPlace::ServerShell => "; on the server:",
            FixPlace::Elsewhere => ":",
        };
        page.entry("fix", &[plain(cut(&fix.text)), plain(place)]);
        for line in &fix.paste {
            page.paste(&cut(line));
        }
    }
}

/// What other clients would not take, a line each.
pub(super) fn other_clients(page: &mut Page, clients: &[OtherClient]) {
    let mut label = "others";
    for client in clients {
        let text = format!("{} would refuse {}", client.client, cut(&client.refuses));
        page.text(label, &text);
        label = "";
    }
}
