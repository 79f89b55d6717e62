//! What pg_hba.conf does for this user, database and address on each transport.

use super::page::{Page, Span, plain};
use super::reasons::Reason;
use super::wording::{cut, startup_answer, startup_tone};
use crate::report::{StartupAnswer, StartupKind, StartupReport, Status};

/// `said` are the reasons that stand above: what they quote is not quoted again.
pub(super) fn startup(
    page: &mut Page,
    startup: &StartupReport,
    status: Status,
    said: &[Reason<'_>],
) {
    let plaintext = if status == Status::UnixSocket {
        "over the socket: "
    } else {
        "in plaintext: "
    };
    let answers = [
        ("over TLS: ", &startup.tls),
        (plaintext, &startup.plaintext),
        (
            "over TLS without the client certificate: ",
            &startup.tls_without_client_certificate,
        ),
    ];
    if answers.iter().all(|(_, answer)| answer.is_none()) {
        return;
    }
    let mut who = format!(
        "for user \"{}\", database \"{}\"",
        cut(startup.user.as_deref().unwrap_or_default()),
        cut(startup.dbname.as_deref().unwrap_or_default())
    );
    if let Some(address) = &startup.client_address {
        who += &format!(", from {address}");
    }
    page.text("pg_hba.conf", &who);
    for (transport, answer) in answers {
        let Some(answer) = answer else { continue };
        let mut spans = vec![
            plain(transport),
            Span::new(startup_tone(answer), short(page, answer, said)),
        ];
        if page.style.verbosity > 0 && !answer.mechanisms.is_empty() {
            let offered = answer.mechanisms.join(", ");
            spans.push(plain(format!(" (offers {})", cut(&offered))));
        }
        page.entry("", &spans);
    }
}

fn short(page: &Page, answer: &StartupAnswer, said: &[Reason<'_>]) -> String {
    let message = answer.message.as_deref().unwrap_or_default();
    let stands = |reason: &Reason<'_>| !message.is_empty() && reason.quotes(message);
    if page.style.verbosity == 0 && said.iter().any(stands) {
        match answer.answer {
            StartupKind::Refused => return "refuses, as above".into(),
            StartupKind::Error => return "an error, as above".into(),
            StartupKind::Failed => return "fails, as above".into(),
            StartupKind::Accepted => return "asks for no credentials, then fails, as above".into(),
            StartupKind::Asked | StartupKind::Timeout => {}
        }
    }
    startup_answer(answer)
}
