//! A target that is no connection string: a host, `host:port`, a list of these, a socket folder.
//!
//! libpq knows no such form (psql takes a bare word for a database name), so the errors are ours.

use std::net::Ipv6Addr;

use super::{Failure, Piece, Quote};

/// Reads `text` into `host` and, where one is given, `port`.
pub(super) fn read(text: &str, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
    let start = text.len() - text.trim_start().len();
    let word = text.trim();
    let refuse = |why: &'static str| {
        Err(Failure::NotATarget {
            why,
            quote: Quote::new(word.as_bytes(), start),
        })
    };
    if word.is_empty() {
        return Ok(());
    }
    let span = start..start + word.len();
    let mut push = |keyword: &str, value: String| {
        pieces.push(Piece {
            keyword: keyword.to_owned(),
            value,
            span: span.clone(),
        });
    };
    if word.starts_with(['/', '@']) {
        push("host", word.to_owned());
        return Ok(());
    }
    if word.contains("://") {
        return refuse("the scheme of a connection URI is postgresql:// or postgres://");
    }
    if word.contains(['/', '@', '?']) {
        return refuse("write it as a URI, postgresql://user@host:port/dbname");
    }
    if word.contains(char::is_whitespace) {
        return refuse("it holds a space; a connection string is written keyword=value");
    }
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for item in word.split(',') {
        let Some((host, port)) = host_and_port(item) else {
            return refuse("an IPv6 address with a port is written [address]:port");
        };
        hosts.push(host);
        ports.push(port);
    }
    push("host", hosts.join(","));
    if ports.iter().any(|port| !port.is_empty()) {
        push("port", ports.join(","));
    }
    Ok(())
}

fn host_and_port(item: &str) -> Option<(&str, &str)> {
    if let Some(bracketed) = item.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        let port = match rest {
            "" => "",
            rest => rest.strip_prefix(':')?,
        };
        return (!host.is_empty() && !port.contains(':')).then_some((host, port));
    }
    match item.split_once(':') {
        None => Some((item, "")),
        Some((host, port)) if !port.contains(':') => Some((host, port)),
        Some(_) => {
            let address = item.split('%').next().unwrap_or_default();
            address.parse::<Ipv6Addr>().is_ok().then_some((item, ""))
        }
    }
}
