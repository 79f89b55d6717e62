//! A line of a scan, read as leniently as it can be: what page and comparison need of it.

use serde::{Deserialize, Deserializer};

/// A report as it stands in a file; what is missing or of another kind is left empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Version of the contract.
    pub schema: u64,
    /// What was asked for.
    pub target: Target,
    /// What a scan adds.
    pub scan: Option<Scan>,
    /// When, RFC 3339.
    #[serde(deserialize_with = "lenient")]
    pub probed_at: String,
    /// `tls`, `no_tls` ...
    #[serde(deserialize_with = "lenient")]
    pub status: String,
    /// The element of `hosts` that was shown.
    #[serde(deserialize_with = "lenient")]
    pub host_index: Option<usize>,
    /// The verdicts.
    #[serde(deserialize_with = "lenient")]
    pub sslmodes: Vec<Mode>,
    /// The handshake.
    #[serde(deserialize_with = "lenient")]
    pub tls: Option<Tls>,
    /// The chain, leaf first.
    #[serde(deserialize_with = "lenient")]
    pub certificates: Vec<Certificate>,
    /// The host list.
    #[serde(deserialize_with = "lenient")]
    pub hosts: Vec<Host>,
}

/// See `target` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Target {
    /// As typed.
    #[serde(deserialize_with = "lenient")]
    pub input: String,
}

/// See `scan` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Scan {
    /// The target in one form.
    #[serde(deserialize_with = "lenient")]
    pub target: String,
    /// How the scan got on with it.
    #[serde(deserialize_with = "lenient")]
    pub outcome: String,
    /// The tag of its line.
    #[serde(deserialize_with = "lenient")]
    pub tag: Option<String>,
}

/// See `sslmodes` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Mode {
    /// The sslmode.
    #[serde(deserialize_with = "lenient")]
    pub mode: String,
    /// `connects`, `fails`, `undetermined`.
    #[serde(deserialize_with = "lenient")]
    pub outcome: String,
    /// Whether by TLS.
    #[serde(deserialize_with = "lenient")]
    pub encrypted: Option<bool>,
    /// `accepted`, `refused`, `not used`, `unknown`.
    #[serde(deserialize_with = "lenient")]
    pub tls: String,
    /// Why it fails.
    #[serde(deserialize_with = "lenient")]
    pub error: Option<Failure>,
    /// Why it is undetermined.
    #[serde(deserialize_with = "lenient")]
    pub reason: Option<String>,
}

/// See `error` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// Its class.
    #[serde(deserialize_with = "lenient")]
    pub code: String,
    /// libpq's text.
    #[serde(deserialize_with = "lenient")]
    pub message: String,
}

/// See `tls` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tls {
    /// Whether the handshake was completed.
    #[serde(deserialize_with = "lenient")]
    pub completed: bool,
    /// `TLSv1.3` ...
    #[serde(deserialize_with = "lenient")]
    pub protocol_version: Option<String>,
    /// The suite's name in OpenSSL.
    #[serde(deserialize_with = "lenient")]
    pub cipher_suite_openssl: Option<String>,
    /// The suite's name in the registry.
    #[serde(deserialize_with = "lenient")]
    pub cipher_suite: Option<String>,
    /// The key exchange group.
    #[serde(deserialize_with = "lenient")]
    pub group: Option<String>,
    /// `proved` ...
    #[serde(deserialize_with = "lenient")]
    pub key_possession: String,
    /// Whether the server asks for a certificate.
    #[serde(deserialize_with = "lenient")]
    pub client_certificate: ClientCertificate,
    /// The chain against each set of anchors.
    #[serde(deserialize_with = "lenient")]
    pub chain: Vec<Chain>,
}

/// See `tls.client_certificate` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClientCertificate {
    /// Whether one is asked for.
    #[serde(deserialize_with = "lenient")]
    pub requested: bool,
    /// Whether one must be there.
    #[serde(deserialize_with = "lenient")]
    pub demanded: Option<bool>,
}

/// See `tls.chain` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chain {
    /// `root_file`, `system`, `mozilla`.
    #[serde(deserialize_with = "lenient")]
    pub anchors: String,
    /// `ok`, `failed` ...
    #[serde(deserialize_with = "lenient")]
    pub status: String,
    /// OpenSSL's words.
    #[serde(deserialize_with = "lenient")]
    pub message: Option<String>,
}

/// See `certificates` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Certificate {
    /// Subject.
    #[serde(deserialize_with = "lenient")]
    pub subject: String,
    /// Issuer.
    #[serde(deserialize_with = "lenient")]
    pub issuer: String,
    /// Whether the two are one and the key signed itself.
    #[serde(deserialize_with = "lenient")]
    pub self_signed: bool,
    /// Serial number, hexadecimal.
    #[serde(deserialize_with = "lenient")]
    pub serial: String,
    /// Subject alternative names.
    #[serde(deserialize_with = "lenient")]
    pub subject_alt_names: Vec<String>,
    /// Common names.
    #[serde(deserialize_with = "lenient")]
    pub common_names: Vec<String>,
    /// RFC 3339.
    #[serde(deserialize_with = "lenient")]
    pub not_before: Option<String>,
    /// RFC 3339.
    #[serde(deserialize_with = "lenient")]
    pub not_after: Option<String>,
    /// `RSA`, `EC prime256v1` ...
    #[serde(deserialize_with = "lenient")]
    pub key_type: Option<String>,
    /// Its size.
    #[serde(deserialize_with = "lenient")]
    pub key_bits: Option<u64>,
    /// How the issuer signed it.
    #[serde(deserialize_with = "lenient")]
    pub signature_algorithm: Option<String>,
    /// SHA-256 of the certificate.
    #[serde(deserialize_with = "lenient")]
    pub sha256: String,
}

/// See `hosts` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Host {
    /// As given.
    #[serde(deserialize_with = "lenient")]
    pub host: Option<String>,
    /// As given.
    #[serde(deserialize_with = "lenient")]
    pub hostaddr: Option<String>,
    /// As given.
    #[serde(deserialize_with = "lenient")]
    pub port: String,
    /// Why there is no TLS.
    #[serde(deserialize_with = "lenient")]
    pub failure: Option<String>,
    /// Those that were tried.
    #[serde(deserialize_with = "lenient")]
    pub addresses: Vec<Address>,
    /// What pg_hba.conf does.
    #[serde(deserialize_with = "lenient")]
    pub startup: Startup,
}

/// See `addresses` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Address {
    /// With its port.
    #[serde(deserialize_with = "lenient")]
    pub address: String,
    /// Whether TCP connected.
    #[serde(deserialize_with = "lenient")]
    pub connected: Option<bool>,
}

/// See `startup` of the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Startup {
    /// Over TLS.
    #[serde(deserialize_with = "lenient")]
    pub tls: Option<Answer>,
    /// In plaintext.
    #[serde(deserialize_with = "lenient")]
    pub plaintext: Option<Answer>,
}

/// See the answers of `startup` in the contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// `accepted`, `asked`, `refused` ...
    #[serde(deserialize_with = "lenient")]
    pub answer: String,
    /// What is asked for.
    #[serde(deserialize_with = "lenient")]
    pub auth: Option<String>,
}

/// What tells records apart, read without the rest.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Label {
    target: Target,
    scan: Option<Scan>,
    /// When, RFC 3339.
    #[serde(deserialize_with = "lenient")]
    pub probed_at: String,
}

impl Label {
    /// Reads it from a line; of a line that is no record it is empty.
    pub fn parse(line: &str) -> Self {
        serde_json::from_str(line).unwrap_or_default()
    }

    /// What the record is called in every scan.
    pub fn name(&self) -> &str {
        name(self.scan.as_ref(), &self.target)
    }
}

fn name<'a>(scan: Option<&'a Scan>, target: &'a Target) -> &'a str {
    scan.map_or(target.input.as_str(), |scan| scan.target.as_str())
}

impl Record {
    /// Reads a line.
    ///
    /// # Errors
    /// In words, if the line is no JSON object or nothing that pgprobe wrote.
    pub fn parse(line: &str) -> Result<Self, String> {
        let record: Self = serde_json::from_str(line).map_err(|error| {
            if error.is_eof() {
                "it breaks off".to_owned()
            } else {
                format!("it is not a record: {error}")
            }
        })?;
        if record.schema == 0 || record.name().is_empty() {
            return Err("it is not a record: no `schema`, or no target".to_owned());
        }
        if record.schema > u64::from(crate::report::SCHEMA_VERSION) {
            return Err(format!(
                "it is of version {} of the contract; this pgprobe knows {}",
                record.schema,
                crate::report::SCHEMA_VERSION
            ));
        }
        Ok(record)
    }

    /// What the record is called in every scan.
    pub fn name(&self) -> &str {
        name(self.scan.as_ref(), &self.target)
    }

    /// The host that the record's TLS was seen at, else the first.
    pub fn host(&self) -> Option<&Host> {
        self.hosts.get(self.host_index.unwrap_or_default())
    }
}

/// Takes what fits the type and leaves the rest empty: a value of a later version loses itself, not
/// the record.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned + Default,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_a_scan_is_called_by_the_target_in_one_form() {
        let record = Record::parse(
            r#"{"schema":1,"target":{"input":"db1"},"scan":{"target":"db1:5432"},"status":"tls"}"#,
        );
        assert_eq!(
            record.map(|one| one.name().to_owned()),
            Ok("db1:5432".into())
        );
    }

    #[test]
    fn what_is_of_another_kind_is_left_empty() {
        let record = Record::parse(
            r#"{"schema":1,"target":{"input":"db1"},"status":7,"sslmodes":{},"hosts":[{"port":1}]}"#,
        );
        let record = record.unwrap();
        assert_eq!(record.status, "");
        assert!(record.sslmodes.is_empty());
        assert_eq!(record.hosts.len(), 1);
    }

    #[test]
    fn what_is_no_record_is_said_to_be_none() {
        for line in ["", "{", "[]", "{}", "7", r#"{"schema":1}"#, r#"{"a":1}"#] {
            assert!(Record::parse(line).is_err(), "{line}");
        }
        let later = Record::parse(r#"{"schema":2,"target":{"input":"db1"}}"#);
        assert!(later.is_err_and(|why| why.contains("version 2")));
    }
}
