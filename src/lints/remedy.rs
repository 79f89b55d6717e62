//! What mends a finding: the general form that `explain` shows, filled in for a server.

use super::Context;
use crate::advice::paste;
use crate::report::{Fix, FixPlace};

/// A way to mend something, for any server.
#[derive(Debug)]
pub struct Remedy {
    /// What to do, in a sentence without a full stop.
    pub text: &'static str,
    /// Where `lines` belong.
    pub place: FixPlace,
    /// Lines to be pasted there; `{host}` stands for the host, `{san}` for it as subjectAltName,
    /// `{user}` and `{database}` for those that `pg_hba.conf` was asked for.
    pub lines: &'static [&'static str],
    /// The line of `pgbouncer.ini` for it, where TLS does not end in PostgreSQL.
    pub pgbouncer: Option<&'static str>,
}

/// What stands for a host whose name cannot be pasted.
const ANY_HOST: &str = "db.example.com";

/// The remedies for one server. Names that could do something else where they are pasted are not
/// filled in.
pub(super) fn fixes(remedies: &[Remedy], context: &Context<'_>) -> Vec<Fix> {
    let host = context.host.host.as_deref().unwrap_or_default();
    let host = if paste::is_simple_name(host) {
        host
    } else {
        ANY_HOST
    };
    let kind = if host.parse::<std::net::IpAddr>().is_ok() {
        "IP"
    } else {
        "DNS"
    };
    let san = format!("{kind}:{host}");
    // What cannot be quoted there, or was not named, is everybody.
    let hba = |name: Option<&String>| {
        let quoted = name.and_then(|name| paste::hba(name));
        quoted.unwrap_or_else(|| "all".to_owned())
    };
    let startup = &context.host.startup;
    let (user, database) = (hba(startup.user.as_ref()), hba(startup.dbname.as_ref()));
    // The names come last: one of them may look like a place to fill in.
    let fill = |line: &&str| {
        let line = line.replace("{host}", host).replace("{san}", &san);
        match line.split_once("{database}  {user}") {
            Some((before, after)) => format!("{before}{database}  {user}{after}"),
            None => line,
        }
    };
    remedies
        .iter()
        .map(|remedy| match remedy.pgbouncer {
            _ if remedy.place != FixPlace::PostgresqlConf || !context.front_end() => Fix {
                text: remedy.text.to_owned(),
                place: remedy.place,
                paste: remedy.lines.iter().map(fill).collect(),
            },
            Some(line) => Fix {
                text: format!(
                    "{}; but TLS ends in a pooler or proxy here: by its own setting, in \
                     pgbouncer.ini",
                    remedy.text
                ),
                place: FixPlace::Elsewhere,
                paste: vec![line.to_owned()],
            },
            None => Fix {
                text: format!(
                    "{}; but TLS ends in a pooler or proxy here: by its own setting",
                    remedy.text
                ),
                place: FixPlace::Elsewhere,
                paste: Vec::new(),
            },
        })
        .collect()
}

/// Whether a fix is lines of a server's configuration.
pub(super) fn is_setting(fix: &Fix) -> bool {
    !fix.paste.is_empty() && matches!(fix.place, FixPlace::PostgresqlConf | FixPlace::PgHbaConf)
}

/// The setting that a line of `postgresql.conf` gives a value to.
pub(super) fn setting(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(" = ")?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    Some(name).filter(|name| name.chars().all(is_name))
}
