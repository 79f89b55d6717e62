//! The evidence: `-v` every step with its time, `-vv` also what libpq would try and what was sent.

use super::page::Page;
use super::wording::cut;
use crate::libpq::error::ErrorCode;
use crate::observation::{Purpose, Request};
use crate::report::{AnswerReport, Ending, HostReport, OfferReport, Step, Timing, Transport};

/// Addresses that were not the one.
pub(super) fn addresses(page: &mut Page, host: &HostReport) {
    let others = host
        .addresses
        .iter()
        .filter(|address| address.connected != Some(true));
    for address in others {
        let why = match (&address.connected, &address.failure) {
            (None, _) => "not probed".into(),
            (_, Some(failure)) => cut(failure),
            _ => "no connection".into(),
        };
        // Where there is no other address, the heading has said it.
        if host.addresses.len() > 1 {
            page.text("address", &format!("{}: {why}", address.address));
        }
    }
}

/// `-v`: the answer to SSLRequest, and how long each step of each connection took.
pub(super) fn steps(page: &mut Page, host: &HostReport) {
    if let Some(reply) = &host.ssl_request {
        let mut text = match (&reply.answer, &reply.failure) {
            (Some(answer), _) => format!("answered {}", cut(answer)),
            (None, Some(failure)) => format!("no answer: {}", cut(failure)),
            (None, None) => "no answer".into(),
        };
        if reply.trailing_bytes > 0 {
            text += &format!(", {} more byte(s) with it", reply.trailing_bytes);
        }
        page.text("SSLRequest", &text);
    }
    let mut label = "steps";
    let mut timings = host.timings.as_slice();
    while let Some(first) = timings.first() {
        let end = timings
            .iter()
            .position(|timing| timing.purpose != first.purpose)
            .unwrap_or(timings.len());
        let (connection, rest) = timings.split_at(end);
        timings = rest;
        let steps: Vec<_> = connection.iter().map(step).collect();
        let steps = steps.join(", ");
        let text = match first.purpose {
            Some(purpose) => format!("{}: {steps} ms", purpose_text(purpose)),
            None => format!("{steps} ms"),
        };
        page.text(label, &text);
        label = "";
    }
}

fn step(timing: &Timing) -> String {
    format!("{} {:.1}", timing.step, timing.ms)
}

fn purpose_text(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Negotiated => "TLS after SSLRequest",
        Purpose::Plaintext => "plaintext",
        Purpose::WithoutClientCertificate => "without the client certificate",
        Purpose::WithoutServerName => "without the server name",
        Purpose::NewerOpenSsl => "as OpenSSL 3.5",
        Purpose::Direct => "direct TLS",
        Purpose::DirectWithoutAlpn => "direct TLS without ALPN",
        Purpose::Gssenc => "GSSENCRequest",
        Purpose::Socket => "Unix socket",
    }
}

/// `-vv`: what libpq would try in each mode, in order.
pub(super) fn attempts(page: &mut Page, host: &HostReport) {
    let mut label = "attempts";
    for verdict in &host.sslmodes {
        for attempt in &verdict.attempts {
            let steps: Vec<_> = attempt.steps.iter().map(|step| step_text(*step)).collect();
            let mut text = format!(
                "{}: {}: {}; {}",
                verdict.mode.name(),
                transport(attempt.transport),
                steps.join(", "),
                ending(attempt.ended_in)
            );
            if let Some(error) = &attempt.error {
                // Of libpq's own text about the root file the second line is advice.
                let message = match error.code {
                    ErrorCode::RootCertMissing => error.message.lines().next().unwrap_or_default(),
                    _ => &error.message,
                };
                text += &format!(" ({})", cut(message));
            }
            page.text(label, &text);
            label = "";
        }
    }
}

fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Tls => "TLS after SSLRequest",
        Transport::DirectTls => "direct TLS",
        Transport::Plaintext => "plaintext",
        Transport::UnixSocket => "Unix socket",
        Transport::None => "nothing sent",
    }
}

fn step_text(step: Step) -> &'static str {
    match step {
        Step::Connect => "connect",
        Step::SslRequest => "SSLRequest",
        Step::TlsHandshake => "handshake",
        Step::VerifyCertificate => "verify the chain",
        Step::VerifyHostName => "verify the name",
        Step::Startup => "startup",
    }
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Reached => "connects",
        Ending::NextMethod => "next way",
        Ending::NextAddress => "next address",
        Ending::NextHost => "next host",
        Ending::GivesUp => "gives up",
        Ending::Unknown => "not known",
    }
}

/// `-vv`: what the ClientHello offered.
pub(super) fn offer(page: &mut Page, offer: &OfferReport) {
    let [low, high] = &offer.versions;
    let name = match &offer.sni {
        Some(name) => format!("server_name {}", cut(name)),
        None => "no server_name".into(),
    };
    page.text("offered", &format!("{low} to {high}, {name}"));
    if let Some(alpn) = &offer.alpn {
        page.text("", &format!("ALPN {alpn}"));
    }
    for list in [
        &offer.cipher_suites,
        &offer.groups,
        &offer.signature_schemes,
    ] {
        page.text("", &list.join(" "));
    }
}

/// `-vv`: the answers of the server, byte by byte.
pub(super) fn answers(page: &mut Page, host: &HostReport) {
    let mut label = "answers";
    for AnswerReport { purpose, answer } in &host.answers {
        let to = match (answer.to, purpose) {
            (Request::Negotiation, Purpose::Gssenc) => "GSSENCRequest",
            (Request::Negotiation, _) => "SSLRequest",
            (Request::ClientHello, _) => "the ClientHello",
            (Request::StartupMessage, _) => "the StartupMessage",
        };
        let plural = if answer.length == 1 { "" } else { "s" };
        let first = if answer.bytes.len() < answer.length {
            format!(", the first {}", answer.bytes.len())
        } else {
            String::new()
        };
        page.text(
            label,
            &format!(
                "{}: to {to}, {} byte{plural}{first}:",
                purpose_text(*purpose),
                answer.length
            ),
        );
        label = "";
        let columns = if page.room() < columns_of(16) { 8 } else { 16 };
        for row in answer.bytes.chunks(columns) {
            page.token("", &hex_dump(row, columns));
        }
    }
}

/// How wide a row of so many bytes is: two digits and a blank each, a blank, the characters.
const fn columns_of(bytes: usize) -> usize {
    bytes * 4 + 1
}

/// Bytes in hexadecimal, and as the characters that they are in ASCII.
fn hex_dump(row: &[u8], columns: usize) -> String {
    let digits: String = row.iter().map(|byte| format!("{byte:02x} ")).collect();
    let shown = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    };
    let characters: String = row.iter().map(shown).collect();
    format!("{digits:<width$} {characters}", width = columns * 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_with_the_characters_that_they_are() {
        assert_eq!(
            hex_dump(b"SSH-2.0\x1b\xff", 16),
            "53 53 48 2d 32 2e 30 1b ff                       SSH-2.0.."
        );
        assert_eq!(hex_dump(&[0; 16], 16).len(), columns_of(16));
        assert_eq!(hex_dump(&[b'a'; 8], 8).len(), columns_of(8));
    }
}
