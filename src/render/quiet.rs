//! `-q`: one line for each target.

use super::expected;
use super::page::{Page, Span, Tone, plain};
use super::wording::{
    cut, days, encrypted, endpoint, error_class, outcome, tls_answer, verdict_tone,
};
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::report::{ExpectedVerdict, Outcome, Report, StartupKind, Status};

pub(super) fn line(page: &mut Page, report: &Report) {
    // Of a list, the host that the answers about TLS and the certificates are from.
    let host = report.hosts.get(report.host_index.unwrap_or(0));
    let name = match host {
        Some(host) => endpoint(host),
        None => cut(&report.target.input).into_owned(),
    };
    let mut parts = vec![plain(name)];
    if let Some(version) = report
        .tls
        .as_ref()
        .and_then(|tls| tls.protocol_version.as_deref())
    {
        parts.push(plain(version));
    }
    let failure = host.and_then(|host| host.failure.as_deref());
    match report.status {
        Status::Tls => {}
        Status::NoTls => parts.push(Span::new(Tone::Bad, "no TLS (answered N)")),
        Status::UnixSocket => parts.push(plain("Unix socket")),
        _ => parts.push(plain(cut(failure.unwrap_or("nothing sent")))),
    }
    let mode = report.target.sslmode.unwrap_or(SslMode::VerifyFull);
    if let Some(verdict) = report.sslmodes.iter().find(|verdict| verdict.mode == mode) {
        let mut said = format!("{} {}", mode.name(), outcome(verdict));
        match (verdict.outcome, &verdict.error) {
            (Outcome::Connects, _) if report.status == Status::UnixSocket => {}
            (Outcome::Connects, _) if report.fails_at_scram(verdict) => {
                said += &format!(" {}, then fails at SCRAM", encrypted(verdict, false));
            }
            (Outcome::Connects, _) => said += &format!(" {}", encrypted(verdict, false)),
            // There are too many of these for a word each.
            (_, Some(error)) if error.code == ErrorCode::BadParameter => {
                said += &format!(": {}", cut(&error.message));
            }
            (_, Some(error)) => said += &format!(": {}", reason(error.code)),
            (Outcome::Undetermined, _) => said += &format!(", TLS {}", tls_answer(verdict.tls)),
            (Outcome::Fails, None) => {}
        }
        let tone = if report.fails_at_scram(verdict) {
            Tone::Bad
        } else {
            verdict_tone(verdict, true, report.status == Status::UnixSocket)
        };
        parts.push(Span::new(tone, said));
    }
    if let Some(file) = host.and_then(|host| host.expected_certificate.as_ref()) {
        let tone = match file.verdict {
            ExpectedVerdict::Same => Tone::Good,
            ExpectedVerdict::RenewedNotReloaded | ExpectedVerdict::Other => Tone::Bad,
            _ => Tone::Doubtful,
        };
        let said = format!("{}: {}", cut(&file.file), expected::verdict(file.verdict));
        parts.push(Span::new(tone, said));
    }
    let left = report.certificates.iter().filter_map(|one| one.days_left);
    parts.extend(left.min().map(|left| plain(days(left))));
    let plaintext = host.filter(|host| host.status != Status::UnixSocket);
    if let Some(plaintext) = plaintext.and_then(|host| host.startup.plaintext.as_ref()) {
        parts.push(match plaintext.answer {
            StartupKind::Accepted | StartupKind::Asked => {
                Span::new(Tone::Bad, "PLAINTEXT accepted")
            }
            StartupKind::Refused => plain("plaintext refused"),
            // Another moment it may be let in.
            StartupKind::Error => Span::new(Tone::Doubtful, "plaintext: server error"),
            StartupKind::Timeout => Span::new(Tone::Doubtful, "plaintext: no answer"),
            StartupKind::Failed => plain("plaintext fails"),
        });
    }
    let mut spans = Vec::new();
    for part in parts {
        if !spans.is_empty() {
            spans.push(plain("  "));
        }
        spans.push(part);
    }
    if page.style.height.is_some() {
        // In a terminal words stay whole; elsewhere a target is a line, however long.
        page.flow(&[], 4, &spans);
    } else {
        page.line(&spans);
    }
}

/// Why libpq does not connect, in fewer words still.
fn reason(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::RootCertMissing => "no root file",
        ErrorCode::RootCertUnreadable => "unusable root file",
        ErrorCode::ClientCertUnusable => "unusable client certificate",
        ErrorCode::CertUntrusted => "untrusted chain",
        ErrorCode::HostnameMismatch => "wrong name",
        ErrorCode::ClientCertRequired => "no client certificate",
        ErrorCode::ClientCertRejected => "client certificate refused",
        ErrorCode::ServerRefusedSsl => "no TLS",
        ErrorCode::TlsVersionUnsupported => "TLS version",
        ErrorCode::TlsHandshakeFailed => "TLS handshake",
        ErrorCode::ConnectionClosed => "connection closed",
        ErrorCode::AuthRequirementFailed => "authentication",
        other => error_class(other),
    }
}
