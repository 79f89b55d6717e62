//! Why modes fail or protect less than they seem to, in libpq's words and ours, and what mends it.

use super::page::{Page, plain};
use super::wording::cut;
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::report::{Advice, FixPlace, HostReport, OtherClient, Verdict};

/// The reasons of a host's verdicts, each once, and the advice beside them.
pub(super) fn reasons(page: &mut Page, host: &HostReport) {
    let mut given: Vec<&Advice> = host.advice.iter().collect();
    for (text, modes) in texts(&host.sslmodes) {
        let names = name_modes(&modes);
        let explains = |advice: &&Advice| advice.modes.iter().any(|mode| modes.contains(mode));
        let (here, later): (Vec<_>, Vec<_>) = given.into_iter().partition(explains);
        given = later;
        // The heading, or an advice, may say it in the same words.
        let said = host.failure.as_deref() == Some(text.as_str());
        let same = |advice: &&Advice| text.contains(&advice.why) || advice.why.contains(&text);
        if !said && !here.iter().any(same) {
            page.text("why", &format!("{names}: {text}"));
        }
        for advice in here {
            self::advice(page, advice);
        }
    }
    for advice in given {
        self::advice(page, advice);
    }
    for client in &host.other_clients {
        other_client(page, client);
    }
}

/// The verdicts of a list, of which no host's advice is.
pub(super) fn reasons_of_list(page: &mut Page, verdicts: &[Verdict]) {
    for (text, modes) in texts(verdicts) {
        page.text("why", &format!("{}: {text}", name_modes(&modes)));
    }
}

/// Each reason once, with the modes that have it.
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

fn advice(page: &mut Page, advice: &Advice) {
    let why = if advice.modes.is_empty() {
        cut(&advice.why).into_owned()
    } else {
        format!("{}: {}", name_modes(&advice.modes), cut(&advice.why))
    };
    page.text("why", &why);
    for fix in &advice.fixes {
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

fn other_client(page: &mut Page, client: &OtherClient) {
    page.text(
        "others",
        &format!("{} refuses: {}", client.client, cut(&client.refuses)),
    );
}
