//! The ways in to one server side by side: SSLRequest, direct TLS, and without a server name.

use super::page::{Page, Span, Tone, plain};
use super::sides::{self, Row};
use super::wording::cut;
use crate::observation::Purpose;
use crate::report::{HostReport, NamelessReport};

/// How much of a hash is shown.
const HASH: usize = 10;

/// A way in, and what it showed.
struct Way<'r> {
    name: &'static str,
    completed: bool,
    version: Option<&'r str>,
    alpn: Option<&'r str>,
    sha256: Option<&'r str>,
    same_chain: Option<bool>,
    failure: Option<&'r str>,
}

/// Nothing where only one way was tried.
pub(super) fn ways(page: &mut Page, host: &HostReport) {
    let mut ways: Vec<_> = first(host).into_iter().collect();
    let direct = [
        ("direct TLS", &host.direct),
        ("direct, no ALPN", &host.direct_without_alpn),
    ];
    for (name, direct) in direct {
        ways.extend(direct.as_ref().map(|direct| Way {
            name,
            completed: direct.completed,
            version: direct.protocol_version.as_deref(),
            alpn: direct.alpn.as_deref(),
            sha256: direct.sha256.as_deref(),
            same_chain: direct.same_chain,
            failure: direct.failure.as_deref(),
        }));
    }
    ways.extend(host.without_server_name.as_ref().map(|nameless| Way {
        name: "without SNI",
        completed: nameless.completed,
        version: nameless.protocol_version.as_deref(),
        alpn: None,
        sha256: nameless.sha256.as_deref(),
        same_chain: nameless.same_chain,
        failure: nameless.failure.as_deref(),
    }));
    if ways.len() > 1 {
        let names: Vec<_> = ways.iter().map(|way| way.name).collect();
        let rows = [
            row("handshake", &ways, handshake),
            row("ALPN", &ways, alpn),
            row("certificate", &ways, certificate),
        ];
        // What nobody selected, or everybody, need not be shown.
        let rows: Vec<_> = rows
            .into_iter()
            .filter(|row| row.label != "ALPN" || !row.is_same())
            .collect();
        page.blank();
        sides::table(page, "ways in", &names, &rows);
        if let Some(text) = host.without_server_name.as_ref().and_then(without_name) {
            page.text("", text);
        }
        page.blank();
    }
    if let Some(answer) = &host.gssenc_request {
        let text = match answer.as_str() {
            "G" => "yes: GSSENCRequest is answered G".to_owned(),
            "N" => "no: GSSENCRequest is answered N".to_owned(),
            other => format!("no: GSSENCRequest is answered {}", cut(other)),
        };
        page.text("GSSAPI", &text);
    }
}

/// Whom it concerns that the server goes by the name that it is asked for.
fn without_name(nameless: &NamelessReport) -> Option<&'static str> {
    match (nameless.completed, nameless.same_chain) {
        (_, Some(false)) => Some(
            "the server chooses its certificate by SNI: by address, with sslsni=0 or with libpq 13 \
             and older, clients get the other one",
        ),
        (false, _) => Some(
            "without SNI (by address, with sslsni=0 or with libpq 13 and older) clients do not get \
             in",
        ),
        _ => None,
    }
}

/// The way that the rest of the report is about.
fn first(host: &HostReport) -> Option<Way<'_>> {
    let tls = host.tls.as_ref()?;
    Some(Way {
        name: if tls.seen_by == Purpose::Direct {
            "direct TLS"
        } else {
            "SSLRequest"
        },
        completed: tls.completed,
        version: tls.protocol_version.as_deref(),
        alpn: tls.alpn.as_deref(),
        sha256: host.certificates.first().map(|leaf| leaf.sha256.as_str()),
        same_chain: None,
        failure: tls.failure.as_deref(),
    })
}

fn row<'r>(label: &'static str, ways: &[Way<'r>], value: impl Fn(&Way<'r>) -> Span<'r>) -> Row<'r> {
    Row {
        label,
        values: ways.iter().map(value).collect(),
    }
}

fn handshake<'r>(way: &Way<'r>) -> Span<'r> {
    match (way.completed, way.version, way.failure) {
        (true, Some(version), _) => plain(version),
        (true, None, _) => plain("completes"),
        (false, _, Some(failure)) => plain(cut(failure)),
        (false, _, None) => plain("not completed"),
    }
}

fn alpn<'r>(way: &Way<'r>) -> Span<'r> {
    plain(way.alpn.map_or("-".into(), cut))
}

fn certificate<'r>(way: &Way<'r>) -> Span<'r> {
    let hash = |hash: &str| hash.get(..HASH).unwrap_or(hash).to_owned();
    match (way.sha256, way.same_chain) {
        (None, _) => plain("-"),
        (Some(_), Some(true)) => plain("the same"),
        (Some(sha256), Some(false)) => {
            Span::new(Tone::Bad, format!("ANOTHER, {}...", hash(sha256)))
        }
        (Some(sha256), None) => plain(format!("{}...", hash(sha256))),
    }
}
