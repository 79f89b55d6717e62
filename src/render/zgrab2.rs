//! A record as zgrab2's module postgres would have written it, as far as both know the same.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use super::escape;
use crate::libpq::authentication::Auth;
use crate::report::{CertificateReport, HostReport, Report, Shared, Status, TlsReport};

pub(super) fn render(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let host = report.hosts.first();
    let mut object = Map::new();
    let reached = host.and_then(|host| {
        let addresses = host.addresses.iter();
        let mut asked = addresses.filter(|address| address.connected.is_some());
        asked.next_back()?.address.parse::<SocketAddr>().ok()
    });
    if let Some(address) = reached {
        object.insert("ip".into(), json!(address.ip()));
    }
    let name = host.and_then(|host| host.host.as_deref());
    if let Some(name) = name.filter(|name| name.parse::<std::net::IpAddr>().is_err()) {
        object.insert("domain".into(), json!(name));
    }
    let (status, error) = status(report, host);
    let mut postgres = Map::new();
    postgres.insert("status".into(), json!(status));
    postgres.insert("protocol".into(), json!("postgres"));
    postgres.insert("timestamp".into(), json!(report.probed_at));
    if let Some(port) = host.and_then(|host| host.port.parse::<u16>().ok()) {
        postgres.insert("port".into(), json!(port));
    }
    if let Some(error) = error {
        postgres.insert("error".into(), json!(error));
    }
    if let Some(result) = host.and_then(|host| result(report, host)) {
        postgres.insert("result".into(), result);
    }
    object.insert("data".into(), json!({ "postgres": postgres }));
    let tag = report.scan.as_ref().and_then(|scan| scan.tag.as_ref());
    if let Some(tag) = tag {
        object.insert("tag".into(), json!(tag));
    }
    writeln!(out, "{}", escape::json(&Value::Object(object).to_string()))
}

fn status(report: &Report, host: Option<&HostReport>) -> (&'static str, Option<String>) {
    let failure = host.and_then(|host| host.failure.clone());
    let connected = host.is_some_and(|host| {
        let mut addresses = host.addresses.iter();
        addresses.any(|address| address.connected == Some(true))
    });
    let word = match report.status {
        Status::Tls | Status::NoTls | Status::UnixSocket => return ("success", None),
        Status::TlsFailed | Status::ProtocolError => "protocol-error",
        Status::ConnectionClosed => "connection-closed",
        Status::Timeout if connected => "io-timeout",
        Status::Timeout => "connection-timeout",
        Status::ConnectFailed
            if failure
                .as_deref()
                .is_some_and(|words| words.contains("refused")) =>
        {
            "connection-refused"
        }
        Status::ConnectFailed | Status::NotResolved | Status::NothingSent => "unknown-error",
    };
    (word, failure)
}

fn result(report: &Report, host: &HostReport) -> Option<Value> {
    host.ssl_request.as_ref()?.answer.as_ref()?;
    let mut result = Map::new();
    result.insert("is_ssl".into(), json!(report.status == Status::Tls));
    if let Some(tls) = &report.tls {
        result.insert(
            "tls".into(),
            json!({ "handshake_log": handshake_log(tls, &report.certificates) }),
        );
    }
    let startup = host
        .startup
        .tls
        .as_ref()
        .or(host.startup.plaintext.as_ref());
    if let Some(mode) = startup.and_then(|answer| answer.auth).and_then(mode) {
        result.insert("authentication_mode".into(), json!({ "mode": mode }));
    }
    if let Some(code) = startup.and_then(|answer| answer.sqlstate.as_ref()) {
        let message = startup.and_then(|answer| answer.message.as_ref());
        result.insert(
            "startup_error".into(),
            json!({ "code": code, "message": message }),
        );
    }
    Some(Value::Object(result))
}

fn mode(auth: Auth) -> Option<&'static str> {
    match auth {
        Auth::None => Some("none"),
        Auth::Password => Some("password_cleartext"),
        Auth::Md5 => Some("password_md5"),
        Auth::ScramSha256 | Auth::ScramSha256Plus | Auth::Oauthbearer => Some("sasl"),
        Auth::Gss => Some("gss"),
        Auth::Sspi => Some("sspi"),
        Auth::Unsupported => None,
    }
}

fn handshake_log(tls: &TlsReport, certificates: &[Shared<CertificateReport>]) -> Value {
    let mut log = Map::new();
    let mut hello = Map::new();
    if let Some(version) = &tls.protocol_version {
        let value = match version.as_str() {
            "TLSv1" => Some(0x0301),
            "TLSv1.1" => Some(0x0302),
            "TLSv1.2" => Some(0x0303),
            "TLSv1.3" => Some(0x0304),
            _ => None,
        };
        hello.insert("version".into(), json!({ "name": version, "value": value }));
    }
    if let Some(suite) = &tls.cipher_suite {
        hello.insert("cipher_suite".into(), json!({ "name": suite }));
    }
    if !hello.is_empty() {
        log.insert("server_hello".into(), Value::Object(hello));
    }
    if let Some((leaf, rest)) = certificates.split_first() {
        let chain: Vec<_> = rest.iter().map(|one| certificate(one)).collect();
        log.insert(
            "server_certificates".into(),
            json!({ "certificate": certificate(leaf), "chain": chain }),
        );
    }
    Value::Object(log)
}

fn certificate(of: &CertificateReport) -> Value {
    let names = |kind: &str| -> Vec<&str> {
        let all = of.subject_alt_names.iter();
        all.filter_map(|name| name.strip_prefix(kind)).collect()
    };
    json!({
        "raw": of.der,
        "parsed": {
            "version": of.version,
            "serial_number": of.serial,
            "subject_dn": of.subject,
            "issuer_dn": of.issuer,
            "subject": { "common_name": of.common_names },
            "validity": { "start": of.not_before, "end": of.not_after },
            "signature_algorithm": { "name": of.signature_algorithm },
            "subject_key_info": {
                "key_algorithm": { "name": of.key_type },
                "fingerprint_sha256": of.spki_sha256,
            },
            "extensions": {
                "subject_alt_name": { "dns_names": names("DNS:"), "ip_addresses": names("IP:") },
            },
            "signature": { "self_signed": of.self_signed },
            "fingerprint_sha256": of.sha256,
        },
    })
}
