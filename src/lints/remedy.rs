//! What mends a finding: the general form that `explain` shows, filled in for a server.

use super::Context;
use crate::advice::pooler::ANY_NETWORK;
use crate::advice::{lets_in, paste, pooler};
use crate::report::{Fix, FixPlace, Status};

/// A way to mend something, for any server.
#[derive(Debug)]
pub struct Remedy {
    /// What to do, in a sentence without a full stop.
    pub text: &'static str,
    /// Where `lines` belong.
    pub place: FixPlace,
    /// Lines to be pasted there; `{host}` stands for the host, `{san}` for it as subjectAltName,
    /// `{database}  {user}  {address}` for those that `pg_hba.conf` was asked for.
    pub lines: &'static [&'static str],
}

impl Remedy {
    /// The lines with names that are nobody's, for whoever reads of the lint without a server.
    pub(crate) fn example(&self) -> Vec<String> {
        let san = format!("DNS:{ANY_HOST}");
        let login = format!("DATABASE  USER  {ANY_NETWORK}");
        let fill = |line: &&str| filled(line, ANY_HOST, &san, &login);
        self.lines.iter().map(fill).collect()
    }

    /// What stands for what in the lines of [`Self::example`].
    pub(crate) fn stands_for(&self) -> String {
        match self.lines.iter().any(|line| line.contains(LOGIN)) {
            true => format!("; for DATABASE, USER and {ANY_NETWORK} write yours"),
            false => String::new(),
        }
    }

    /// The lines of `pgbouncer.ini` that do the same where PgBouncer ends TLS, and what has to be
    /// known before.
    pub(crate) fn pgbouncer(&self) -> (Vec<String>, &'static str) {
        let lines = pooler::pgbouncer(self.lines.iter().copied());
        let before = pooler::before(&lines);
        (lines, before)
    }
}

/// What stands for the places of a line; what is filled in is not looked at again.
fn filled(line: &str, host: &str, san: &str, login: &str) -> String {
    let line = line.replace("{host}", host).replace("{san}", san);
    match line.split_once(LOGIN) {
        Some((before, after)) => format!("{before}{login}{after}"),
        None => line,
    }
}

/// Leaves the suites that nothing speaks against.
pub(super) const STRONG_SUITES: Remedy = Remedy {
    text: "leave only suites with forward secrecy and authenticated encryption, and reload",
    place: FixPlace::PostgresqlConf,
    lines: &["ssl_ciphers = 'ECDHE+AESGCM:ECDHE+CHACHA20'"],
};

/// Refuses plaintext; the word `all` does not match `replication`.
pub(super) const REFUSE_PLAINTEXT: Remedy = Remedy {
    text: "refuse all that is not TLS, to everybody: these as the first lines, and reload",
    place: FixPlace::PgHbaConf,
    lines: &[
        "hostnossl  all          all  all  reject",
        "hostnossl  replication  all  all  reject",
    ],
};

/// Has passwords stored so that SCRAM can ask for them: nobody is locked out by that.
pub(super) const STORE_FOR_SCRAM: Remedy = Remedy {
    text: "have new passwords stored for SCRAM, and set each once more with \\password; the lines \
           of pg_hba.conf that say md5 can stay: they ask for SCRAM then",
    place: FixPlace::ServerShell,
    lines: &[
        "psql -c \"ALTER SYSTEM SET password_encryption = 'scram-sha-256'\" -c 'SELECT \
         pg_reload_conf()'",
    ],
};

/// Asks for SCRAM, once the password of whoever comes in is stored for it.
pub(super) const ASK_FOR_SCRAM: Remedy = Remedy {
    text: "then ask for SCRAM: above the line that this user comes in by now, and reload; whose \
           password is not stored for SCRAM by then cannot log in",
    place: FixPlace::PgHbaConf,
    lines: &["hostssl  {database}  {user}  {address}  scram-sha-256"],
};

/// Has a certificate issued for the names of the server, with the key that it has.
pub(super) const CERTIFICATE_FOR_ITS_NAMES: Remedy = Remedy {
    text: "have it issued for the names that the server has",
    place: FixPlace::ServerShell,
    lines: &[
        "openssl req -new -key server.key -subj '/CN={host}' -addext 'subjectAltName = {san}' -out \
         server.csr",
    ],
};

/// What stands for a host whose name cannot be pasted.
const ANY_HOST: &str = "db.example.com";

/// The places of whoever comes in by a line of `pg_hba.conf`.
const LOGIN: &str = "{database}  {user}  {address}";

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
    let startup = &context.host.startup;
    let hba = |name: Option<&String>| name.and_then(|name| paste::hba(name));
    let address = client(startup.client_address.as_deref());
    let network = address.as_deref().unwrap_or(ANY_NETWORK);
    // A name that cannot be quoted there is in no line: `all` would be everybody.
    let login = hba(startup.dbname.as_ref())
        .zip(hba(startup.user.as_ref()))
        .map(|(database, user)| format!("{database}  {user}  {network}"));
    let without_tls = context.host.status == Status::NoTls;
    let line = |line: &&str| {
        let of_login = line.contains(LOGIN);
        let login = login.as_deref().filter(|_| of_login);
        let line = match line.strip_prefix("hostssl") {
            Some(rest) if without_tls => format!("host{rest}"),
            _ => (*line).to_owned(),
        };
        (login.is_some() || !of_login).then(|| filled(&line, host, &san, login.unwrap_or_default()))
    };
    let fill = |remedy: &Remedy| {
        let of_login = remedy.lines.iter().any(|line| line.contains(LOGIN));
        let unknown = match of_login && address.is_none() && login.is_some() {
            true => format!("; for {ANY_NETWORK} write the network of your clients"),
            false => String::new(),
        };
        Fix {
            text: format!("{}{unknown}", remedy.text),
            place: remedy.place,
            paste: remedy.lines.iter().filter_map(line).collect(),
        }
    };
    // Whoever is not let in over TLS would be locked out by a line against plaintext.
    let over_tls = [&startup.tls, &startup.tls_without_client_certificate];
    let tls_serves = over_tls.into_iter().any(|answer| lets_in(answer.as_ref()));
    let locks_out = |remedy: &&Remedy| {
        let mut lines = remedy.lines.iter();
        !tls_serves && lines.any(|line| line.starts_with("hostnossl"))
    };
    let serving = remedies.iter().filter(|remedy| !locks_out(remedy));
    pooler::fixes(serving.map(fill).collect(), context.host)
}

/// The client as the server sees it, as `pg_hba.conf` writes just this address.
fn client(address: Option<&str>) -> Option<String> {
    let address: std::net::IpAddr = address?.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    Some(format!("{address}/{bits}"))
}

/// Whether a fix is lines of a server's configuration, and nothing has to be done before them: with
/// the name of a file that is not there the server does not start.
pub(super) fn is_setting(fix: &Fix) -> bool {
    let names_a_file = |line: &String| setting(line).is_some_and(|name| name.ends_with("_file"));
    !fix.paste.is_empty()
        && matches!(fix.place, FixPlace::PostgresqlConf | FixPlace::PgHbaConf)
        && !fix.paste.iter().any(names_a_file)
}

/// The setting that a line of `postgresql.conf` gives a value to.
pub(super) fn setting(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(" = ")?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    Some(name).filter(|name| name.chars().all(is_name))
}
