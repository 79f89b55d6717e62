//! What pg_hba.conf does for this user, database and address on each transport.

use super::page::{Page, Span, plain};
use super::wording::{cut, startup_answer, startup_tone};
use crate::report::{StartupReport, Status};

pub(super) fn startup(page: &mut Page, startup: &StartupReport, status: Status) {
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
            Span::new(startup_tone(answer), startup_answer(answer)),
        ];
        if page.style.verbosity > 0 && !answer.mechanisms.is_empty() {
            let offered = answer.mechanisms.join(", ");
            spans.push(plain(format!(" (offers {})", cut(&offered))));
        }
        page.entry("", &spans);
    }
}
