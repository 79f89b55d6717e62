//! The words that the text report has for the report's values, the same wherever one is shown.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::page::{Span, Tone, plain};
use crate::libpq::authentication::Auth;
use crate::libpq::error::ErrorCode;
use crate::report::{
    CertificateReport, HostReport, Outcome, StartupAnswer, StartupKind, Status, TlsAnswer, Verdict,
    Verifies,
};

/// How much of a text that a server made up is shown, in bytes.
const LONGEST: usize = 1024;

/// A certificate that ends within so many days is marked.
const SOON: i64 = 30;

/// Host and port as they can be typed; the path of a Unix socket.
pub(super) fn endpoint(host: &HostReport) -> String {
    let name = host
        .host
        .as_deref()
        .or(host.hostaddr.as_deref())
        .unwrap_or_default();
    let port = if host.port.is_empty() {
        "5432"
    } else {
        &host.port
    };
    let shown = cut(name);
    if host.status == Status::UnixSocket || name.starts_with(['/', '@']) {
        format!("{shown}/.s.PGSQL.{port}")
    } else if name.contains(':') {
        format!("[{shown}]:{port}")
    } else {
        format!("{shown}:{port}")
    }
}

/// The address that was reached, where the name is not that already.
pub(super) fn reached_address(host: &HostReport) -> Option<String> {
    let reached = host
        .addresses
        .iter()
        .find(|address| address.connected == Some(true))?;
    let ip = reached.address.parse::<SocketAddr>().ok()?.ip();
    let name = host.host.as_deref().or(host.hostaddr.as_deref())?;
    (name.parse() != Ok(ip)).then(|| ip.to_string())
}

/// What became of a host.
pub(super) fn state(host: &HostReport) -> Span<'static> {
    let version = host
        .tls
        .as_ref()
        .and_then(|tls| tls.protocol_version.clone());
    let word = match host.status {
        Status::Tls => return plain(version.unwrap_or_default()),
        Status::NoTls => return Span::new(Tone::Bad, "no TLS"),
        Status::UnixSocket => return plain("Unix socket: libpq never uses TLS here"),
        Status::TlsFailed => "TLS failed",
        Status::ProtocolError => "not PostgreSQL",
        Status::ConnectionClosed => "closed",
        Status::Timeout => "timeout",
        Status::ConnectFailed => "no connection",
        Status::NotResolved => "no address",
        Status::NothingSent => "nothing sent",
    };
    let text = match &host.failure {
        Some(failure) => format!("{word}: {}", cut(failure)),
        None => word.to_owned(),
    };
    Span::new(Tone::Doubtful, text)
}

/// Whether libpq gets in, in a word.
pub(super) fn outcome(verdict: &Verdict) -> &'static str {
    match verdict.outcome {
        Outcome::Connects => "connects",
        Outcome::Fails => "fails",
        Outcome::Undetermined => "undetermined",
    }
}

/// Whether that connection is encrypted; a Unix socket does not leave the machine.
pub(super) fn encrypted(verdict: &Verdict, socket: bool) -> &'static str {
    match (verdict.outcome, verdict.encrypted) {
        (Outcome::Connects, Some(true)) => "TLS",
        (Outcome::Connects, _) if socket => "no, local",
        (Outcome::Connects, _) => "PLAINTEXT",
        _ => "",
    }
}

/// What that connection proves.
pub(super) fn verified(verdict: &Verdict) -> &'static str {
    match (verdict.encrypted, verdict.verifies) {
        (Some(true), Verifies::Chain) => "chain",
        (Some(true), Verifies::ChainAndHostName) => "chain, host name",
        _ => "nothing",
    }
}

/// How a verdict stands out. Without a proof nobody knows whom it is encrypted to.
pub(super) fn verdict_tone(verdict: &Verdict, demanded: bool, socket: bool) -> Tone {
    match (verdict.outcome, verdict.encrypted, verdict.verifies) {
        (Outcome::Connects, Some(true), Verifies::Nothing) => Tone::Doubtful,
        (Outcome::Connects, Some(true), _) => Tone::Good,
        (Outcome::Connects, ..) if socket => Tone::Plain,
        (Outcome::Connects, ..) => Tone::Bad,
        (Outcome::Fails, ..) if demanded => Tone::Bad,
        (Outcome::Fails, ..) => Tone::Plain,
        (Outcome::Undetermined, ..) => Tone::Doubtful,
    }
}

/// Whether libpq takes the server's TLS.
pub(super) fn tls_answer(answer: TlsAnswer) -> &'static str {
    match answer {
        TlsAnswer::Accepted => "accepted",
        TlsAnswer::Refused => "refused",
        TlsAnswer::NotUsed => "not used",
        TlsAnswer::Unknown => "unknown",
    }
}

/// What the server asks for, as pg_hba.conf has it.
pub(super) fn auth(auth: Auth) -> &'static str {
    match auth {
        Auth::None => "no credentials",
        Auth::Password => "password in clear",
        Auth::Md5 => "md5",
        Auth::ScramSha256 => "scram-sha-256",
        Auth::ScramSha256Plus => "scram-sha-256-plus",
        Auth::Gss => "gss",
        Auth::Sspi => "sspi",
        Auth::Oauthbearer => "oauth",
        Auth::Unsupported => "what libpq cannot do",
    }
}

/// Why libpq does not connect, in a few words; its own text says more.
pub(super) fn error_class(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::ConnectFailed => "no connection",
        ErrorCode::Timeout => "no answer in time",
        ErrorCode::ConnectionClosed => "the server closes the connection",
        ErrorCode::BadParameter => "libpq refuses the parameters",
        ErrorCode::RootCertMissing => "no root certificate file",
        ErrorCode::RootCertUnreadable => "the root certificate file cannot be used",
        ErrorCode::ClientCertUnusable => "the client certificate cannot be used",
        ErrorCode::ServerRefusedSsl => "the server has no TLS",
        ErrorCode::UnencryptedDataInjected => "plaintext came along with the answer",
        ErrorCode::ProtocolError => "not PostgreSQL's protocol",
        ErrorCode::AlpnMissing => "direct TLS without ALPN",
        ErrorCode::TlsVersionUnsupported => "no TLS version in common",
        ErrorCode::TlsHandshakeFailed => "the TLS handshake fails",
        ErrorCode::CertUntrusted => "the chain does not verify",
        ErrorCode::HostnameMismatch => "the certificate is for another name",
        ErrorCode::ClientCertRequired => "it wants a client certificate",
        ErrorCode::ClientCertRejected => "it refuses the client certificate",
        ErrorCode::HbaRejected => "pg_hba.conf refuses",
        ErrorCode::AuthRequirementFailed => "not the authentication you require",
        ErrorCode::ServerError => "an error of the server",
    }
}

/// The server's answer to a StartupMessage.
pub(super) fn startup_answer(answer: &StartupAnswer) -> String {
    let message = cut(answer.message.as_deref().unwrap_or_default());
    let code = cut(answer.sqlstate.as_deref().unwrap_or_default());
    match answer.answer {
        StartupKind::Accepted if message.is_empty() => {
            "lets the user in without credentials".into()
        }
        StartupKind::Accepted => format!("asks for no credentials, then: {message}"),
        StartupKind::Asked => match answer.auth {
            Some(asked) => format!("asks for {}", auth(asked)),
            None => format!("asks for credentials: {message}"),
        },
        StartupKind::Refused => format!("refuses: {message}"),
        StartupKind::Error => format!("error {code}: {message}"),
        StartupKind::Failed => format!("fails: {message}"),
        StartupKind::Timeout => "no answer in time".into(),
    }
}

/// How that answer stands out.
pub(super) fn startup_tone(answer: &StartupAnswer) -> Tone {
    match answer.answer {
        StartupKind::Accepted => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// A certificate's validity at the time of judging.
pub(super) fn validity(certificate: &CertificateReport, judged_at: &str) -> (Tone, String) {
    let day = |time: &Option<String>| match time {
        Some(time) => time.get(..10).unwrap_or(time).to_owned(),
        None => "an unreadable time".into(),
    };
    let (start, end) = (day(&certificate.not_before), day(&certificate.not_after));
    // Both are RFC 3339 in UTC to the second, which sorts as it reads.
    if certificate
        .not_before
        .as_deref()
        .is_some_and(|start| start > judged_at)
    {
        return (Tone::Bad, format!("NOT VALID before {start}"));
    }
    match certificate.days_left {
        None => (Tone::Doubtful, format!("to {end}")),
        Some(days) if days < 0 => (Tone::Bad, format!("EXPIRED {}", ago(-days))),
        Some(days) => {
            let tone = if days < SOON {
                Tone::Doubtful
            } else {
                Tone::Plain
            };
            let plural = if days == 1 { "" } else { "s" };
            (tone, format!("{days} day{plural}, to {end}"))
        }
    }
}

/// The days that are left, in words.
pub(super) fn days(days: i64) -> String {
    match days {
        ..=-1 => format!("EXPIRED {}", ago(-days)),
        more => left(more),
    }
}

fn ago(days: i64) -> String {
    match days {
        1 => "less than a day ago".into(),
        2 => "1 day ago".into(),
        more => format!("{} days ago", more - 1),
    }
}

fn left(days: i64) -> String {
    match days {
        0 => "less than a day left".into(),
        1 => "1 day left".into(),
        more => format!("{more} days left"),
    }
}

/// A name of a certificate; an empty one is allowed, and would not be seen.
pub(super) fn subject(name: &str) -> Cow<'_, str> {
    if name.is_empty() {
        Cow::Borrowed("(empty name)")
    } else {
        cut(name)
    }
}

/// The beginning of a text that a server made up, with a word on how much more there is.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    let mut end = LONGEST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let shown = text.get(..end).unwrap_or_default();
    Cow::Owned(format!("{shown}... ({} more bytes)", text.len() - end))
}

/// A list in a sentence.
pub(super) fn and(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = "é".repeat(600);
        let shown = cut(&text);
        assert_eq!(shown, format!("{}... (176 more bytes)", "é".repeat(512)));
        let text = format!("x{}", "é".repeat(600));
        assert!(cut(&text).ends_with("... (178 more bytes)"));
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn days_are_rounded_as_the_report_rounds_them() {
        // `days_left` is rounded down: -1 is less than a day ago.
        for (left, words) in [
            (-3, "EXPIRED 2 days ago"),
            (-2, "EXPIRED 1 day ago"),
            (-1, "EXPIRED less than a day ago"),
            (0, "less than a day left"),
            (1, "1 day left"),
            (40, "40 days left"),
        ] {
            assert_eq!(days(left), words);
        }
    }
}
