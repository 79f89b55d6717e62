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

/// What stands for clients whose address is not known: a network of nobody (RFC 5737), so that a
/// line which is pasted as it is does nothing.
pub(crate) const ANY_NETWORK: &str = "192.0.2.0/24";

/// The proxies that are known to end TLS and to leave authentication to PostgreSQL.
const ONLY_TLS: &str = "stunnel, nginx, HAProxy";

/// The lines of `pgbouncer.ini` that do what lines for PostgreSQL would do.
pub(crate) fn pgbouncer<'l>(lines: impl IntoIterator<Item = &'l str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in lines.into_iter().filter_map(of_pgbouncer) {
        if !all.contains(&line) {
            all.push(line);
        }
    }
    // Without these files it does not start.
    let needs: &[_] = match all.first().map(String::as_str) {
        Some("client_tls_sslmode = allow") => &[
            "client_tls_cert_file = server.crt",
            "client_tls_key_file = server.key",
        ],
        Some("client_tls_sslmode = verify-full") => &["client_tls_ca_file = root.crt"],
        _ => &[],
    };
    for line in needs {
        let name = line.split(" = ").next().unwrap_or_default();
        if !all.iter().any(|known| known.starts_with(name)) {
            all.push((*line).to_owned());
        }
    }
    all
}

/// What has to be known before these lines of `pgbouncer.ini` are pasted.
pub(crate) fn before(lines: &[String]) -> &'static str {
    let any = |word: &str| lines.iter().any(|line| line.contains(word));
    if any("auth_type = ") {
        "whose password is not stored for SCRAM in its auth_file by then cannot log in"
    } else if any("= verify-full") {
        "this demands a certificate of every client; the file must be there, or PgBouncer does not \
         start"
    } else if any("_file = ") {
        "the files must be there, or PgBouncer does not start"
    } else {
        ""
    }
}

/// The line of `pgbouncer.ini` that does what a line for PostgreSQL would do. Nothing stands for
/// `password_encryption`: PgBouncer stores no password.
fn of_pgbouncer(line: &str) -> Option<String> {
    if let Some((name, value)) = line.split_once(" = ") {
        return match name {
            // TLS for those who ask for it, and plaintext for the others, as PostgreSQL does.
            "ssl" => Some("client_tls_sslmode = allow".to_owned()),
            "ssl_min_protocol_version" | "ssl_max_protocol_version" => {
                Some("client_tls_protocols = tlsv1.2,tlsv1.3".to_owned())
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
    let product = front_end::product(host);
    let mut all: Vec<Fix> = Vec::new();
    for fix in fixes {
        if let Some(step) = step(&fix) {
            all.extend(of_authentication(fix, step, certain, product));
            continue;
        }
        if !is_for_postgresql(&fix) {
            all.push(fix);
            continue;
        }
        let own = own(&fix, certain, product);
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

/// The steps towards SCRAM.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    /// Passwords are stored for it.
    Store,
    /// It is asked for.
    Ask,
}

/// The step that a fix is, if it is one.
fn step(fix: &Fix) -> Option<Step> {
    if fix.text.contains("\\password") {
        return Some(Step::Store);
    }
    let asks = fix.place == FixPlace::PgHbaConf && fix.text.contains("ask for SCRAM");
    asks.then_some(Step::Ask)
}

/// The same by what authenticates: PgBouncer does so itself; a proxy that only ends TLS leaves it
/// to PostgreSQL, which sees the address of the proxy and perhaps no TLS.
fn of_authentication(fix: Fix, step: Step, certain: bool, product: Option<&str>) -> Vec<Fix> {
    let mut all = Vec::new();
    if matches!(product, None | Some("PgBouncer")) {
        let text = match step {
            Step::Store => {
                "where PgBouncer ends TLS: put a secret for SCRAM into its auth_file first, for each \
                 user (rolpassword of pg_authid, once it is one); whose password is not stored for \
                 SCRAM there cannot log in afterwards"
            }
            Step::Ask => {
                "where PgBouncer ends TLS: then ask for SCRAM in pgbouncer.ini, and reload; whose \
                 password is not stored for SCRAM in its auth_file by then cannot log in"
            }
        };
        all.push(Fix {
            text: text.to_owned(),
            place: FixPlace::Elsewhere,
            paste: pgbouncer(fix.paste.iter().map(String::as_str)),
        });
    }
    let asks = step == Step::Ask;
    match (product, certain) {
        (Some("PgBouncer"), _) => {}
        (_, false) => {
            let other = match asks {
                true => "; behind such a proxy \"host\" for \"hostssl\", and the proxy's address",
                false => "",
            };
            all.push(Fix {
                text: format!(
                    "where PostgreSQL ends TLS itself, or a proxy does that only ends TLS \
                     ({ONLY_TLS}): {}{other}",
                    fix.text
                ),
                ..fix
            });
        }
        (_, true) => {
            let whose = match product {
                Some(product) => format!("{product} only ends TLS"),
                None => format!("where the proxy only ends TLS ({ONLY_TLS})"),
            };
            // The address of the client, as it is here, or what is said of it.
            let text = fix.text.split("; for 192.0.2.").next().unwrap_or_default();
            let address = match asks && !fix.paste.is_empty() {
                true => format!("; for {ANY_NETWORK} write the address of the proxy"),
                false => String::new(),
            };
            all.push(Fix {
                text: format!("{whose}, and PostgreSQL behind it authenticates: {text}{address}"),
                place: fix.place,
                paste: fix.paste.iter().map(|line| behind(line)).collect(),
            });
        }
    }
    all
}

/// A line of `pg_hba.conf` for whoever comes by a proxy.
fn behind(line: &str) -> String {
    let mut parts = line.rsplitn(3, "  ");
    match (parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(_), Some(rest)) if rest.starts_with("host") => {
            let rest = rest.replacen("hostssl", "host", 1);
            format!("{rest}  {ANY_NETWORK}  {method}")
        }
        _ => line.to_owned(),
    }
}

/// The same by the setting of what ends TLS.
fn own(fix: &Fix, certain: bool, product: Option<&str>) -> Fix {
    let whose = match product {
        Some(product) if certain => product,
        _ => "a pooler or proxy",
    };
    let known = matches!(product, None | Some("PgBouncer"));
    let lines = fix.paste.iter().filter(|_| known);
    let paste = pgbouncer(lines.map(String::as_str));
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
    let before = match before(&paste) {
        "" => String::new(),
        before => format!("; {before}"),
    };
    Fix {
        text: format!("{what}; {ends}{place}{before}"),
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
            (
                "ssl = on",
                &[
                    "client_tls_sslmode = allow",
                    "client_tls_cert_file = server.crt",
                    "client_tls_key_file = server.key",
                ][..],
            ),
            (
                "ssl_ciphers = 'ECDHE+AESGCM'",
                &["client_tls_ciphers = ECDHE+AESGCM"],
            ),
            (
                "hostnossl  replication  all  all  reject",
                &["client_tls_sslmode = require"],
            ),
            (
                "hostssl  a  b  192.0.2.7/32  scram-sha-256  clientcert=verify-full",
                &[
                    "client_tls_sslmode = verify-full",
                    "client_tls_ca_file = root.crt",
                ],
            ),
            (
                "host  \"a b\"  \"ann\"  192.0.2.7/32  scram-sha-256",
                &["auth_type = scram-sha-256"],
            ),
            (
                "psql -c \"ALTER SYSTEM SET password_encryption = 'scram-sha-256'\"",
                &[],
            ),
            ("ssl_groups = 'X25519:prime256v1'", &[]),
            ("psql -c 'SELECT pg_reload_conf()'", &[]),
            ("", &[]),
        ] {
            assert_eq!(pgbouncer([line]), own, "{line}");
        }
        let lines = ["ssl = on", "ssl_key_file = 'k'", "ssl_cert_file = 'c'"];
        assert_eq!(pgbouncer(lines).len(), 3);
    }

    #[test]
    fn authentication_is_mended_by_what_authenticates() {
        let fix = Fix {
            text: "then ask for SCRAM: above the line, and reload; for 192.0.2.0/24 write yours"
                .into(),
            place: FixPlace::PgHbaConf,
            paste: vec!["hostssl  \"a  b\"  \"ann\"  127.0.0.1/32  scram-sha-256".into()],
        };
        let own = "auth_type = scram-sha-256";
        let by_proxy = "host  \"a  b\"  \"ann\"  192.0.2.0/24  scram-sha-256";
        let as_it_is = fix.paste[0].as_str();
        for (certain, product, lines) in [
            (true, Some("PgBouncer"), &[own][..]),
            (true, Some("stunnel"), &[by_proxy]),
            (true, None, &[own, by_proxy]),
            (false, None, &[own, as_it_is]),
        ] {
            let step = step(&fix).unwrap();
            let all = of_authentication(fix.clone(), step, certain, product);
            let pasted: Vec<_> = all.iter().flat_map(|one| &one.paste).collect();
            assert_eq!(pasted, lines, "{product:?}");
            for one in &all {
                let of_pgbouncer = one.paste == [own];
                assert_eq!(one.text.contains("cannot log in"), of_pgbouncer, "{one:?}");
                assert_eq!(one.place == FixPlace::Elsewhere, of_pgbouncer, "{one:?}");
            }
        }
    }

    #[test]
    fn a_pooler_is_told_of_its_own_file_of_passwords() {
        let fix = Fix {
            text: "set each once more with \\password".into(),
            place: FixPlace::ServerShell,
            paste: vec!["psql -c \"ALTER SYSTEM SET password_encryption = 'x'\"".into()],
        };
        let all = of_authentication(fix.clone(), step(&fix).unwrap(), true, Some("PgBouncer"));
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(all[0].paste.is_empty() && !all[0].text.contains("\\password"));
        assert!(all[0].text.contains("auth_file") && all[0].text.contains("cannot log in"));
    }
}
