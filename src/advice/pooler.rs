//! What mends a thing where TLS does not end in PostgreSQL: lines of `postgresql.conf` and
//! `pg_hba.conf` would mend nothing there, or shut the pooler out.

use super::front_end::{self, FrontEnd};
use crate::report::{Fix, FixPlace, HostReport};

/// Settings of `postgresql.conf`, and those of `pgbouncer.ini` that take the same value.
const SETTINGS: [(&str, &str); 6] = [
    ("ssl_cert_file", "client_tls_cert_file"),
    ("ssl_key_file", "client_tls_key_file"),
    ("ssl_ca_file", "client_tls_ca_file"),
    ("ssl_ciphers", "client_tls_ciphers"),
    ("ssl_ecdh_curve", "client_tls_ecdhcurve"),
    ("ssl_dh_params_file", "client_tls_dheparams"),
];

/// The line of `pgbouncer.ini` that does what a line for PostgreSQL would do.
pub(crate) fn pgbouncer(line: &str) -> Option<String> {
    if let Some((name, value)) = line.split_once(" = ") {
        return match name {
            "ssl" => Some("client_tls_sslmode = require".to_owned()),
            "ssl_min_protocol_version" | "ssl_max_protocol_version" => {
                Some("client_tls_protocols = tlsv1.2,tlsv1.3".to_owned())
            }
            _ if line.contains("password_encryption") => {
                Some("auth_type = scram-sha-256".to_owned())
            }
            _ => SETTINGS
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, own)| format!("{own} = {}", value.trim_matches('\''))),
        };
    }
    let mut words = line.split_whitespace();
    let setting = match (words.next()?, words.next_back()?) {
        ("hostnossl", "reject") => "client_tls_sslmode = require",
        ("hostssl", "clientcert=verify-full") => "client_tls_sslmode = verify-full",
        ("host" | "hostssl", "scram-sha-256") => "auth_type = scram-sha-256",
        _ => return None,
    };
    Some(setting.to_owned())
}

/// The same fixes where PostgreSQL ends TLS; the pooler's own where a pooler does; both where the
/// evidence does not tell, the pooler's first.
pub(crate) fn fixes(fixes: Vec<Fix>, host: &HostReport) -> Vec<Fix> {
    let seen = front_end::of(host);
    if seen == FrontEnd::Unseen {
        return fixes;
    }
    let certain = seen == FrontEnd::Certain;
    let mut all: Vec<Fix> = Vec::new();
    for fix in fixes {
        if !is_for_postgresql(&fix) {
            all.push(fix);
            continue;
        }
        let own = own(&fix, certain, front_end::product(host));
        let said = all.iter().any(|known| known.paste == own.paste);
        if !said || own.paste.is_empty() {
            all.push(own);
        }
        if !certain {
            all.push(Fix {
                text: format!("where PostgreSQL ends TLS itself: {}", fix.text),
                ..fix
            });
        }
    }
    all
}

/// Whether a fix is for PostgreSQL's own configuration.
fn is_for_postgresql(fix: &Fix) -> bool {
    let reloads = |line: &String| line.contains("pg_reload_conf");
    matches!(fix.place, FixPlace::PostgresqlConf | FixPlace::PgHbaConf)
        || fix.paste.iter().any(reloads)
}

/// The same by the setting of what ends TLS.
fn own(fix: &Fix, certain: bool, product: Option<&str>) -> Fix {
    let whose = match product {
        Some(product) if certain => product,
        _ => "a pooler or proxy",
    };
    let known = matches!(product, None | Some("PgBouncer"));
    let mut paste: Vec<String> = Vec::new();
    for line in fix.paste.iter().filter(|_| known) {
        if let Some(line) = pgbouncer(line).filter(|line| !paste.contains(line)) {
            paste.push(line);
        }
    }
    let what = fix.text.split([':', ';']).next().unwrap_or_default();
    let what = what
        .trim_end_matches("and reload")
        .trim_end_matches([',', ' ']);
    let ends = match certain {
        true => format!("{whose} ends TLS here, and its own setting decides"),
        false => format!("where {whose} ends TLS, its own setting decides"),
    };
    let place = match product {
        _ if paste.is_empty() => "",
        Some(_) => "; in pgbouncer.ini",
        None => " (for PgBouncer, in pgbouncer.ini)",
    };
    Fix {
        text: format!("{what}; {ends}{place}"),
        place: FixPlace::Elsewhere,
        paste,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_postgresql_have_their_like_in_pgbouncer() {
        for (line, own) in [
            ("ssl = on", Some("client_tls_sslmode = require")),
            (
                "ssl_ciphers = 'ECDHE+AESGCM'",
                Some("client_tls_ciphers = ECDHE+AESGCM"),
            ),
            (
                "hostnossl  replication  all  all  reject",
                Some("client_tls_sslmode = require"),
            ),
            (
                "host  \"a b\"  \"ann\"  192.0.2.7/32  scram-sha-256",
                Some("auth_type = scram-sha-256"),
            ),
            (
                "psql -c \"ALTER SYSTEM SET password_encryption = 'scram-sha-256'\"",
                Some("auth_type = scram-sha-256"),
            ),
            ("ssl_groups = 'X25519:prime256v1'", None),
            ("psql -c 'SELECT pg_reload_conf()'", None),
            ("", None),
        ] {
            assert_eq!(pgbouncer(line).as_deref(), own, "{line}");
        }
    }
}
