//! What was negotiated, and what the server wants of a client certificate.

use super::page::{Page, Span, Tone, plain};
use super::wording::{cut, subject};
use crate::report::{ClientCertificateReport, KeyPossession, TlsReport};

/// Version, suite, group, proof.
pub(super) fn tls(page: &mut Page, tls: &TlsReport) {
    let verbose = page.style.verbosity > 0;
    let mut facts = Vec::new();
    if let Some(failure) = &tls.failure {
        facts.push(format!("handshake failed: {}", cut(failure)));
    }
    match (&tls.protocol_version, &tls.cipher_suite_openssl, tls.bits) {
        (Some(version), Some(suite), Some(bits)) => {
            facts.push(format!("{version}, {suite} ({bits} bits)"));
        }
        (Some(version), ..) => facts.push(version.clone()),
        _ => {}
    }
    facts.extend(tls.group.iter().map(|group| match tls.hello_retry_request {
        Some(true) if verbose => format!("group {group} after HelloRetryRequest"),
        _ => format!("group {group}"),
    }));
    facts.extend(
        tls.dh_bits
            .map(|bits| format!("Diffie-Hellman of {bits} bits")),
    );
    facts.extend(tls.alpn.iter().map(|alpn| format!("ALPN {}", cut(alpn))));
    if verbose && tls.session_tickets > 0 {
        facts.push(format!("{} session tickets", tls.session_tickets));
    }
    if !facts.is_empty() {
        page.text("TLS", &facts.join(", "));
    }
    possession(page, tls);
    client_certificate(page, &tls.client_certificate);
}

/// The server answered `N`, or somebody did in its place: the answer is not protected by anything.
pub(super) fn none(page: &mut Page) {
    page.text(
        "TLS",
        "none: the server, or somebody in between, answered N to SSLRequest",
    );
}

/// Whether the server has its certificate's key; that it has need not be said.
fn possession(page: &mut Page, tls: &TlsReport) {
    // With RSA key exchange there is no signature: who can finish has the key.
    let scheme = match (&tls.signature_scheme, tls.key_possession) {
        (Some(scheme), _) => scheme,
        (None, KeyPossession::Proved) => "RSA key exchange",
        (None, _) => "no signature",
    };
    let why = cut(tls.key_possession_reason.as_deref().unwrap_or("not seen"));
    let text = match tls.key_possession {
        KeyPossession::Proved if page.style.verbosity == 0 => return,
        KeyPossession::Proved => plain(format!("it has the certificate's key ({scheme})")),
        KeyPossession::Refuted => Span::new(
            Tone::Bad,
            format!("it DOES NOT HAVE the certificate's key ({scheme}): {why}"),
        ),
        KeyPossession::Unchecked => Span::new(
            Tone::Doubtful,
            format!("whether it has the certificate's key ({scheme}) could not be checked: {why}"),
        ),
        KeyPossession::NotSeen => Span::new(
            Tone::Doubtful,
            "the handshake did not come to the proof that it has the certificate's key",
        ),
    };
    page.entry("", &[text]);
}

fn client_certificate(page: &mut Page, client: &ClientCertificateReport) {
    let asked = match (client.requested, client.demanded) {
        (Some(true), Some(true)) => "demanded",
        (Some(true), Some(false)) => "asked for, not demanded",
        (Some(true), None) => "asked for",
        _ => return,
    };
    let mut text = format!("client certificate {asked}");
    match (client.sent, client.accepted) {
        (true, Some(true)) => text += "; yours was taken",
        (true, Some(false)) => text += "; yours was refused",
        (true, None) => text += "; yours was sent",
        (false, _) => text += "; none was sent",
    }
    page.text("", &text);
    if !client.authorities.is_empty() {
        let names: Vec<_> = client
            .authorities
            .iter()
            .map(|name| subject(name))
            .collect();
        page.text("", &cut(&format!("from {}", names.join("; "))));
    }
}
