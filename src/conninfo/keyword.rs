//! The keywords a connection string may hold: since which libpq, from which environment variable.

use crate::emulates::Libpq;

/// One row of libpq's `PQconninfoOptions`.
#[derive(Debug, Eq, PartialEq)]
pub struct Keyword {
    /// The word as written before `=`.
    pub name: &'static str,
    /// The environment variable that stands in where the string and the service say nothing.
    pub environment: Option<&'static str>,
    /// The value compiled into libpq.
    pub default: Option<&'static str>,
    /// The first libpq (of those emulated) that knows it.
    pub since: Libpq,
    /// Whether its value must never be shown or saved.
    pub secret: bool,
}

const fn row(
    name: &'static str,
    environment: Option<&'static str>,
    default: Option<&'static str>,
    since: Libpq,
) -> Keyword {
    Keyword {
        name,
        environment,
        default,
        since,
        secret: false,
    }
}

const fn secret(name: &'static str, environment: Option<&'static str>, since: Libpq) -> Keyword {
    Keyword {
        name,
        environment,
        default: None,
        since,
        secret: true,
    }
}

/// All keywords of libpq 15 to 18, in libpq's order (`PQconninfoOptions` in fe-connect.c).
///
/// `gssencmode` has the default of a build with GSSAPI, which the distributions' builds are.
pub const KEYWORDS: &[Keyword] = {
    use Libpq::{V15, V16, V17, V18};
    &[
        row("service", Some("PGSERVICE"), None, V15),
        row("user", Some("PGUSER"), None, V15),
        secret("password", Some("PGPASSWORD"), V15),
        row("passfile", Some("PGPASSFILE"), None, V15),
        row(
            "channel_binding",
            Some("PGCHANNELBINDING"),
            Some("prefer"),
            V15,
        ),
        row("connect_timeout", Some("PGCONNECT_TIMEOUT"), None, V15),
        row("dbname", Some("PGDATABASE"), None, V15),
        row("host", Some("PGHOST"), None, V15),
        row("hostaddr", Some("PGHOSTADDR"), None, V15),
        row("port", Some("PGPORT"), Some("5432"), V15),
        row("client_encoding", Some("PGCLIENTENCODING"), None, V15),
        row("options", Some("PGOPTIONS"), Some(""), V15),
        row("application_name", Some("PGAPPNAME"), None, V15),
        row("fallback_application_name", None, None, V15),
        row("keepalives", None, None, V15),
        row("keepalives_idle", None, None, V15),
        row("keepalives_interval", None, None, V15),
        row("keepalives_count", None, None, V15),
        row("tcp_user_timeout", None, None, V15),
        row("sslmode", Some("PGSSLMODE"), Some("prefer"), V15),
        row(
            "sslnegotiation",
            Some("PGSSLNEGOTIATION"),
            Some("postgres"),
            V17,
        ),
        row("sslcompression", Some("PGSSLCOMPRESSION"), Some("0"), V15),
        row("sslcert", Some("PGSSLCERT"), None, V15),
        row("sslkey", Some("PGSSLKEY"), None, V15),
        row("sslcertmode", Some("PGSSLCERTMODE"), None, V16),
        secret("sslpassword", None, V15),
        row("sslrootcert", Some("PGSSLROOTCERT"), None, V15),
        row("sslcrl", Some("PGSSLCRL"), None, V15),
        row("sslcrldir", Some("PGSSLCRLDIR"), None, V15),
        row("sslsni", Some("PGSSLSNI"), Some("1"), V15),
        row("requirepeer", Some("PGREQUIREPEER"), None, V15),
        row("require_auth", Some("PGREQUIREAUTH"), None, V16),
        row(
            "min_protocol_version",
            Some("PGMINPROTOCOLVERSION"),
            None,
            V18,
        ),
        row(
            "max_protocol_version",
            Some("PGMAXPROTOCOLVERSION"),
            None,
            V18,
        ),
        row(
            "ssl_min_protocol_version",
            Some("PGSSLMINPROTOCOLVERSION"),
            Some("TLSv1.2"),
            V15,
        ),
        row(
            "ssl_max_protocol_version",
            Some("PGSSLMAXPROTOCOLVERSION"),
            None,
            V15,
        ),
        row("gssencmode", Some("PGGSSENCMODE"), Some("prefer"), V15),
        row("krbsrvname", Some("PGKRBSRVNAME"), Some("postgres"), V15),
        row("gsslib", Some("PGGSSLIB"), None, V15),
        row("gssdelegation", Some("PGGSSDELEGATION"), Some("0"), V16),
        row("replication", None, None, V15),
        row(
            "target_session_attrs",
            Some("PGTARGETSESSIONATTRS"),
            Some("any"),
            V15,
        ),
        row(
            "load_balance_hosts",
            Some("PGLOADBALANCEHOSTS"),
            Some("disable"),
            V16,
        ),
        secret("scram_client_key", None, V18),
        secret("scram_server_key", None, V18),
        row("oauth_issuer", None, None, V18),
        row("oauth_client_id", None, None, V18),
        secret("oauth_client_secret", None, V18),
        row("oauth_scope", None, None, V18),
        row("sslkeylogfile", None, None, V18),
    ]
};

impl Keyword {
    /// The row of `name`, in whatever libpq. Mirrors `conninfo_find`.
    pub fn find(name: &str) -> Option<&'static Self> {
        KEYWORDS.iter().find(|keyword| keyword.name == name)
    }

    /// The row of `name` if `libpq` knows it.
    pub fn known(name: &str, libpq: Libpq) -> Option<&'static Self> {
        Self::find(name).filter(|keyword| keyword.since <= libpq)
    }
}

/// What is shown and saved in place of a secret.
pub const HIDDEN: &str = "***";

/// The value to save in place of a secret one: nothing of it but what libpq's checks find.
///
/// libpq 18 checks the two SCRAM keys before it connects, so that check's result is kept.
pub fn hidden_value(keyword: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    match (keyword, scram_key_length(value)) {
        ("scram_client_key" | "scram_server_key", None) => format!("{HIDDEN} (not base64)"),
        ("scram_client_key" | "scram_server_key", Some(length)) if length != SCRAM_KEY_LENGTH => {
            format!("{HIDDEN} ({length} bytes)")
        }
        _ => HIDDEN.to_owned(),
    }
}

/// The bytes of a SCRAM key: `SCRAM_MAX_KEY_LEN`, the output of SHA-256.
pub const SCRAM_KEY_LENGTH: usize = 32;

/// What [`hidden_value`] kept of a SCRAM key: its length, or `None` where it is not base64.
pub fn scram_key_length_of_hidden(value: &str) -> Option<usize> {
    match value.strip_prefix(HIDDEN) {
        Some("") => Some(SCRAM_KEY_LENGTH),
        Some(rest) => rest
            .strip_prefix(" (")?
            .strip_suffix(" bytes)")?
            .parse()
            .ok(),
        None => scram_key_length(value),
    }
}

/// The length `pg_b64_decode` (src/common/base64.c) would yield; `None` is its error.
///
/// It lets more groups follow a `=`, each of which then counts as short as the padded one.
fn scram_key_length(value: &str) -> Option<usize> {
    let mut position = 0_usize;
    let mut bytes_in_group = 3_usize;
    let mut length = 0_usize;
    for byte in value.bytes() {
        match byte {
            b'=' if bytes_in_group < 3 => {}
            b'=' => {
                bytes_in_group = match position {
                    2 => 1,
                    3 => 2,
                    _ => return None,
                }
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {}
            _ => return None,
        }
        position += 1;
        if position == 4 {
            length += bytes_in_group;
            position = 0;
        }
    }
    (position == 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scram_key_keeps_its_verdict_when_hidden() {
        let good = "A".repeat(43) + "=";
        for (value, length) in [
            ("", Some(0)),
            ("AAAA", Some(3)),
            ("AAA=", Some(2)),
            ("AA==", Some(1)),
            ("AA==AAAA", Some(2)),
            ("A===", None),
            ("AAA", None),
            ("AA AA", None),
            ("***", None),
            (&good, Some(SCRAM_KEY_LENGTH)),
        ] {
            assert_eq!(scram_key_length(value), length, "{value}");
            let hidden = hidden_value("scram_client_key", value);
            assert_eq!(scram_key_length_of_hidden(&hidden), length, "{value}");
            assert!(value.is_empty() || value == HIDDEN || !hidden.contains(value));
        }
    }

    #[test]
    fn no_keyword_stands_twice() {
        for (index, keyword) in KEYWORDS.iter().enumerate() {
            assert!(
                KEYWORDS[..index]
                    .iter()
                    .all(|other| other.name != keyword.name)
            );
        }
    }
}
