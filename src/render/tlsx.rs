//! A record with tlsx's field names, for what reads those.

use std::io::{self, Write};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value, json};

use super::escape;
use crate::report::{Anchors, CertificateReport, ChainStatus, Report, TlsReport};

/// X509_V_ERR_CERT_REVOKED.
const REVOKED: i32 = 23;

pub(super) fn render(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let host = report.hosts.first();
    let mut object = Map::new();
    let mut set = |name: &str, value: Value| {
        // As tlsx: what is not known, empty or false is not there.
        let nothing = match &value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Number(_) | Value::Object(_) | Value::Bool(true) => false,
        };
        if !nothing {
            object.insert(name.to_owned(), value);
        }
    };
    set("timestamp", json!(report.probed_at));
    if let Some(host) = host {
        let name = host.host.as_ref().or(host.hostaddr.as_ref());
        set("host", json!(name));
        set("port", json!(host.port));
        let mut addresses = host.addresses.iter();
        let reached = addresses.find(|address| address.connected == Some(true));
        set(
            "ip",
            json!(reached.and_then(|reached| ip(&reached.address))),
        );
        set("error", json!(host.failure));
    }
    let completed = report.tls.as_ref().filter(|tls| tls.completed);
    let tls = report.tls.as_ref();
    // Always there.
    let status = completed.is_some();
    set(
        "sni",
        json!(tls.and_then(|tls| tls.offer.as_ref()?.sni.clone())),
    );
    set("tls_connection", json!("pgprobe"));
    if let Some(tls) = tls {
        let version = tls.protocol_version.as_deref().map(version);
        set("tls_version", json!(version));
        set("cipher", json!(tls.cipher_suite));
        set(
            "client_cert_required",
            json!(tls.client_certificate.demanded),
        );
        set(
            "mismatched",
            json!(tls.host_name.as_ref().is_some_and(|name| !name.matches)),
        );
        set("untrusted", json!(untrusted(tls)));
        let revoked = tls.chain.iter().any(|chain| chain.error == Some(REVOKED));
        set("revoked", json!(revoked));
    }
    if let Some(leaf) = report.certificates.first() {
        for (name, value) in certificate(leaf) {
            set(name, value);
        }
    }
    let chain: Vec<Value> = report
        .certificates
        .iter()
        .skip(1)
        .map(|certificate| {
            let fields = self::certificate(certificate);
            Value::Object(
                fields
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
            )
        })
        .collect();
    set("chain", json!(chain));
    object.insert("probe_status".into(), json!(status));
    writeln!(out, "{}", escape::json(&Value::Object(object).to_string()))
}

fn certificate(of: &CertificateReport) -> impl Iterator<Item = (&'static str, Value)> {
    let der = BASE64_STANDARD.decode(&of.der).unwrap_or_default();
    let names: Vec<&str> = of
        .subject_alt_names
        .iter()
        .filter_map(|name| name.strip_prefix("DNS:").or(name.strip_prefix("IP:")))
        .collect();
    let wildcard = names.iter().any(|name| name.starts_with("*."));
    let issuer_cn = attribute(&of.issuer, "CN");
    [
        ("not_before", json!(of.not_before)),
        ("not_after", json!(of.not_after)),
        ("expired", json!(of.days_left.is_some_and(|days| days < 0))),
        ("self_signed", json!(of.self_signed)),
        ("wildcard_certificate", json!(wildcard)),
        ("subject_dn", json!(of.subject)),
        ("subject_cn", json!(of.common_names.first())),
        (
            "subject_org",
            json!(attribute(&of.subject, "O").into_iter().collect::<Vec<_>>()),
        ),
        ("subject_an", json!(names)),
        ("serial", json!(serial(&of.serial))),
        ("issuer_dn", json!(of.issuer)),
        ("issuer_cn", json!(issuer_cn)),
        (
            "issuer_org",
            json!(attribute(&of.issuer, "O").into_iter().collect::<Vec<_>>()),
        ),
        (
            "fingerprint_hash",
            json!({
                "md5": hex(&<md5::Md5 as md5::Digest>::digest(&der)),
                "sha1": hex(&<sha1::Sha1 as sha1::Digest>::digest(&der)),
                "sha256": of.sha256,
            }),
        ),
    ]
    .into_iter()
}

/// No set of anchors that is there takes the chain; the root file alone counts where there is one.
fn untrusted(tls: &TlsReport) -> bool {
    let known = |status| matches!(status, ChainStatus::Ok | ChainStatus::Failed);
    let root_file = |anchors| anchors == Anchors::RootFile;
    let mut sets: Vec<_> = tls
        .chain
        .iter()
        .filter(|chain| known(chain.status))
        .collect();
    if sets.iter().any(|chain| root_file(chain.anchors)) {
        sets.retain(|chain| root_file(chain.anchors));
    }
    !sets.is_empty() && sets.iter().all(|chain| chain.status == ChainStatus::Failed)
}

/// The address of `192.0.2.1:5432` or `[2001:db8::1]:5432`.
fn ip(address: &str) -> Option<String> {
    let address: std::net::SocketAddr = address.parse().ok()?;
    Some(address.ip().to_string())
}

fn version(name: &str) -> String {
    // `TLSv1.3` is `tls13`.
    name.chars()
        .filter(|character| !matches!(character, 'v' | '.'))
        .collect::<String>()
        .to_lowercase()
}

/// `0a1b` as `0A:1B`.
fn serial(hex: &str) -> String {
    let (sign, digits) = match hex.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", hex),
    };
    let pairs: Vec<_> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).to_uppercase())
        .collect();
    format!("{sign}{}", pairs.join(":"))
}

/// An attribute of a name in RFC 4514 form, the first of its kind.
fn attribute(name: &str, wanted: &str) -> Option<String> {
    let mut value = String::new();
    let mut parts = Vec::new();
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => value.extend(characters.next()),
            ',' | '+' => parts.push(std::mem::take(&mut value)),
            other => value.push(other),
        }
    }
    parts.push(value);
    parts.iter().find_map(|part| {
        let (kind, value) = part.split_once('=')?;
        (kind.trim() == wanted).then(|| value.to_owned())
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_tlsx_has_them() {
        assert_eq!(version("TLSv1.3"), "tls13");
        assert_eq!(serial("0a1b2c"), "0A:1B:2C");
        assert_eq!(ip("[2001:db8::1]:5432").as_deref(), Some("2001:db8::1"));
        let name = r"CN=a\, b,OU=x+O=Example \+ Sons";
        assert_eq!(attribute(name, "CN").as_deref(), Some("a, b"));
        assert_eq!(attribute(name, "O").as_deref(), Some("Example + Sons"));
        assert_eq!(attribute(name, "C"), None);
    }
}
