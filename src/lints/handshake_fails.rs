//! The server says S, and then TLS does not come about.

use super::{Context, Lint, Remedy};
use crate::report::{AdviceKind, FixPlace, Severity, Status, UNSUPPORTED};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "handshake-fails",
    severity: Severity::Medium,
    summary: "TLS is begun and fails",
    citation: "PostgreSQL, \"SSL Session Encryption\": after S the client performs the TLS \
               handshake",
    explanation: "Clients that demand TLS cannot connect; those that prefer it go on in \
                  plaintext.",
    remedies: &[Remedy {
        text: "look at the server's log: it has a line for each handshake that fails",
        place: FixPlace::ServerShell,
        lines: &[],
    }],
    advice: &[
        AdviceKind::TlsVersionUnsupported,
        AdviceKind::HandshakeFailed,
        AdviceKind::ServerNameNeeded,
    ],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let why = context.host.failure.as_deref();
    let why = why.unwrap_or("it does not say why");
    // What a client that keeps to one version cannot get is not the server's fault.
    let narrow = context.host.tls.as_ref().and_then(|tls| {
        let [low, high] = &tls.offer.as_ref()?.versions;
        Some(low == "TLSv1.3" || high != "TLSv1.3")
    });
    // Nor is a limit of pgprobe's own.
    let ours = narrow == Some(true) || why.starts_with(UNSUPPORTED);
    (context.host.status == Status::TlsFailed && !ours)
        .then(|| format!("the handshake fails: {why}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, passes, tls};
    use super::*;

    #[test]
    fn fires_where_tls_failed_and_not_where_nothing_came() {
        fires(&LINT, |host| host.status = Status::TlsFailed);
        passes(&LINT, |host| {
            host.status = Status::TlsFailed;
            host.failure = Some(format!("{UNSUPPORTED}: a message of 1 MB"));
        });
        passes(&LINT, |host| host.status = Status::Timeout);
        passes(&LINT, |host| {
            host.status = Status::TlsFailed;
            tls(host).offer.as_mut().unwrap().versions = ["TLSv1.3".into(), "TLSv1.3".into()];
        });
        passes(&LINT, |host| host.status = Status::ConnectionClosed);
    }
}
