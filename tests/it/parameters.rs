//! Connection parameters: what each real libpq makes of them, and what we say it does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use pgprobe::cli::gather::gather_with;
use pgprobe::client::Client;
use pgprobe::conninfo;
use pgprobe::emulates::Libpq;
use pgprobe::libpq::client_certificate::client_certificate;
use pgprobe::libpq::parameters::{
    HostKind, HostSpec, ParameterError, Parameters, PortError, SslMode, resolve,
};
use pgprobe::libpq::root_certificates::trust_source;
use serde::{Deserialize, Serialize};

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/support/libpq_parameters.py"
);

/// A question for libpq.
#[derive(Clone, Debug, Serialize)]
struct Case {
    conninfo: String,
    env: BTreeMap<String, String>,
    ask: &'static str,
}

impl Case {
    fn new(ask: &'static str, conninfo: impl Into<String>, env: &[(&str, &str)]) -> Self {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            conninfo: conninfo.into(),
            env: env.collect(),
            ask,
        }
    }
}

/// libpq's answer.
#[derive(Debug, Deserialize)]
struct Answer {
    parsed: Option<BTreeMap<String, String>>,
    parse_error: Option<String>,
    used: Option<BTreeMap<String, String>>,
    error: Option<String>,
}

/// The library and the ports of the script's two servers.
#[derive(Debug, Deserialize)]
struct Greeting {
    libpq: u32,
    port: u16,
    tls: u16,
}

impl Greeting {
    fn fill(&self, text: &str) -> String {
        text.replace("{port}", &self.port.to_string())
            .replace("{tls}", &self.tls.to_string())
    }
}

fn library(libpq: Libpq) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the setup of the tests put the libraries"
    )]
    let folder = std::env::var("PGPROBE_LIBPQ_DIR")
        .unwrap_or_else(|_| "/var/tmp/pgprobe-oracle/cache/libpq".to_owned());
    let folder = format!("{folder}/{}", libpq.major());
    assert!(
        std::path::Path::new(&folder).join("libpq.so").exists(),
        "no libpq {} in {folder}: the setup of the tests installs it",
        libpq.major()
    );
    folder
}

/// Puts all cases to the real library.
fn ask(libpq: Libpq, cases: &[Case]) -> (Greeting, Vec<Answer>) {
    let mut child = Command::new("python3")
        .args([SCRIPT, &library(libpq)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: Vec<String> = cases
        .iter()
        .map(|case| serde_json::to_string(case).unwrap())
        .collect();
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(input, "{line}").unwrap();
        }
    });
    let mut output = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let greeting: Greeting = serde_json::from_str(&output.next().unwrap()).unwrap();
    assert_eq!(greeting.libpq / 10_000, u32::from(libpq.major()));
    let answers: Vec<Answer> = output
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(answers.len(), cases.len());
    (greeting, answers)
}

fn client(case: &Case, greeting: &Greeting) -> Client {
    let environment: Vec<(String, String)> = case
        .env
        .iter()
        .map(|(name, value)| (name.clone(), greeting.fill(value)))
        .collect();
    let load_key = |_: &[u8], _: Option<&[u8]>, _: &[u8]| Ok(());
    gather_with(
        Some(&greeting.fill(&case.conninfo)),
        &[],
        Libpq::V18,
        &environment,
        &load_key,
    )
}

/// Our text of what libpq would say before it sends anything; empty if it says nothing.
fn our_error(parameters: &Result<Parameters, ParameterError>, ask: &str) -> String {
    let parameters = match parameters {
        Ok(parameters) => parameters,
        Err(error) => return format!("{error}\n"),
    };
    if let Err(error) = parameters.validate_as_given() {
        return format!("{error}\n");
    }
    let mut text = String::new();
    for host in parameters.hosts() {
        if let Err(error) = parameters.gssencmode_without_credential(host)
            && host.port().is_ok()
        {
            return format!("{text}{error}\n");
        }
        match host.port() {
            Err(PortError::NotAnInteger(error)) => return format!("{text}{error}\n"),
            Err(PortError::OutOfRange(error)) => text += &format!("{error}\n"),
            Ok(port) => match host.kind() {
                HostKind::UnixSocket(directory) => match HostSpec::socket_path(directory, port) {
                    Err(error) => text += &format!("{error}\n"),
                    Ok(path) => {
                        text += &format!(
                            "connection to server on socket \"{path}\" failed: No such file or \
                             directory\n\tIs the server running locally and accepting connections \
                             on that socket?\n"
                        );
                    }
                },
                HostKind::Name(address) | HostKind::Address(address) => {
                    let prefix =
                        format!("connection to server at \"{address}\", port {port} failed: ");
                    if let Err(error) = parameters.socket_options() {
                        text += &format!("{prefix}{error}\n");
                        continue;
                    }
                    return match parameters.connect_timeout() {
                        Err(error) if ask == "connect" => format!("{text}{prefix}{error}\n"),
                        _ => String::new(),
                    };
                }
            },
        }
    }
    text
}

/// `theirs` is what libpq says; ours may hide what could be a secret.
fn same_text(ours: &str, theirs: &str) -> bool {
    if !ours.contains(conninfo::HIDDEN) {
        return ours == theirs;
    }
    let mut rest = theirs;
    let parts: Vec<&str> = ours.split(conninfo::HIDDEN).collect();
    let (last, firsts) = parts.split_last().unwrap();
    for part in firsts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The differences between our reading of `case` and libpq's.
fn differences(libpq: Libpq, greeting: &Greeting, case: &Case, answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    let text = greeting.fill(&case.conninfo);
    match (
        conninfo::parse(&text, libpq),
        &answer.parsed,
        &answer.parse_error,
    ) {
        (Ok(settings), Some(theirs), _) => {
            let ours: BTreeMap<String, String> = settings.into_iter().collect();
            if ours != *theirs {
                found.push(format!("parse: ours {ours:?}, libpq's {theirs:?}"));
            }
        }
        (Err(error), None, Some(theirs)) if same_text(&format!("{error}\n"), theirs) => {}
        (ours, theirs, error) => {
            found.push(format!(
                "parse: ours {ours:?}, libpq's {theirs:?} {error:?}"
            ));
        }
    }
    let Some(used) = &answer.used else {
        return found;
    };
    let parameters = resolve(&client(case, greeting), libpq);
    let ours = our_error(&parameters, case.ask);
    let theirs = answer.error.as_deref().unwrap_or_default();
    if !same_text(&ours, theirs) {
        found.push(format!("error: ours {ours:?}, libpq's {theirs:?}"));
    }
    // libpq fills its struct only once precedence is settled.
    if let Ok(parameters) = &parameters {
        for row in conninfo::KEYWORDS
            .iter()
            .filter(|row| row.since <= libpq && !row.secret)
        {
            let (ours, theirs) = (parameters.value(row.name), used.get(row.name));
            let theirs = theirs.map(String::as_str);
            let same = match row.name {
                // Not in libpq's struct, or filled in later than our precedence.
                "service" | "passfile" => true,
                "user" => parameters.user() == theirs,
                "dbname" => theirs.is_none_or(|theirs| parameters.dbname() == Some(theirs)),
                "sslcertmode" if ours.is_none() => theirs.is_none_or(|theirs| theirs == "allow"),
                // The default tells whether this build has GSSAPI.
                "gssencmode" if ours == Some("prefer") => {
                    theirs == Some("prefer") || theirs == Some("disable")
                }
                _ => ours == theirs,
            };
            if !same {
                found.push(format!("{}: ours {ours:?}, libpq's {theirs:?}", row.name));
            }
        }
    }
    found
}

/// Differences that come from the library's minor release: the release, what the difference says,
/// and why. An entry that no longer happens fails the test as well.
const KNOWN: &[(u32, &str, &str)] = &[(
    160_003,
    "keepalives",
    "16.3 is older than the fix that has keepalives read like the other integers",
)];

fn compare(cases: &[Case]) {
    let mut failures = Vec::new();
    for libpq in Libpq::ALL {
        let (greeting, answers) = ask(libpq, cases);
        let known = KNOWN
            .iter()
            .filter(|(release, ..)| *release == greeting.libpq);
        let mut known: Vec<_> = known.map(|entry| (entry, false)).collect();
        for (case, answer) in cases.iter().zip(&answers) {
            for difference in differences(libpq, &greeting, case, answer) {
                let entry = known
                    .iter_mut()
                    .find(|((_, sign, _), _)| difference.contains(sign));
                match entry {
                    Some((_, seen)) => *seen = true,
                    None => failures.push(format!(
                        "{} {:?} {:?}: {difference}",
                        greeting.libpq, case.conninfo, case.env
                    )),
                }
            }
        }
        if cases
            .iter()
            .any(|case| case.conninfo.contains("keepalives"))
        {
            let gone = known.iter().filter(|(_, seen)| !seen);
            failures.extend(gone.map(|(entry, _)| format!("no longer differs: {entry:?}")));
        }
    }
    let shown = failures
        .iter()
        .take(60)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        failures.is_empty(),
        "{} differences:\n{shown}",
        failures.len()
    );
}

/// Values worth trying for each keyword, valid and not.
const VALUES: &[(&str, &[&str])] = &[
    (
        "sslmode",
        &[
            "disable",
            "allow",
            "prefer",
            "require",
            "verify-ca",
            "verify-full",
            "Require",
            "verify_full",
            "",
            "require ",
            "no",
        ],
    ),
    (
        "sslnegotiation",
        &["postgres", "direct", "Direct", "requiredirect", ""],
    ),
    (
        "sslrootcert",
        &[
            "system",
            "System",
            "./system",
            "",
            "/nonexistent/root.crt",
            "mozilla",
        ],
    ),
    (
        "ssl_min_protocol_version",
        &[
            "TLSv1", "TLSv1.0", "tlsv1.1", "TLSv1.2", "TLSV1.3", "SSLv3", "", " TLSv1.2",
        ],
    ),
    (
        "ssl_max_protocol_version",
        &["TLSv1", "tlsv1.1", "TLSv1.2", "TLSv1.3", "TLSv1.4", ""],
    ),
    (
        "sslcertmode",
        &["disable", "allow", "require", "prefer", ""],
    ),
    ("gssencmode", &["disable", "prefer", "require", "allow", ""]),
    (
        "channel_binding",
        &["disable", "prefer", "require", "Require", ""],
    ),
    (
        "target_session_attrs",
        &[
            "any",
            "read-write",
            "read-only",
            "primary",
            "standby",
            "prefer-standby",
            "replica",
            "",
        ],
    ),
    ("load_balance_hosts", &["disable", "random", "true", ""]),
    (
        "min_protocol_version",
        &["3.0", "3.1", "3.2", "latest", "", "2.0"],
    ),
    (
        "max_protocol_version",
        &["3.0", "3.1", "3.2", "latest", "", "4"],
    ),
    (
        "require_auth",
        &[
            "",
            "md5",
            "password,md5",
            "!md5",
            "!md5,!password",
            "md5,!password",
            "!md5,password",
            "md5,md5",
            "!md5,!md5",
            "none",
            "!none",
            "none,none",
            "!none,!none",
            "none,md5",
            "scram-sha-256,scram-sha-256",
            "!scram-sha-256,!scram-sha-256",
            "gss,sspi",
            "!gss,!sspi",
            "oauth",
            "!oauth,!oauth",
            "MD5",
            ",",
            "md5,",
            "!",
            "!!md5",
            " md5",
            "scram-sha-256-plus",
        ],
    ),
    (
        "scram_client_key",
        &[
            "",
            "AAAA",
            "nonsense!",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "AA==AAAA",
            "A",
            "AAAA AAAA",
            "***",
        ],
    ),
    (
        "scram_server_key",
        &["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
    ),
    ("sslsni", &["0", "1", "1x", "2", ""]),
    ("sslcompression", &["0", "1", "x"]),
    (
        "connect_timeout",
        &["5x", "", "1", "-1", "99999999999", " "],
    ),
    (
        "keepalives",
        &["0", "1", "x", "", "1 ", " 1", "99999999999"],
    ),
    ("keepalives_idle", &["x", "5", "5 ", ""]),
    ("keepalives_interval", &["x", "5"]),
    ("keepalives_count", &["x", "5"]),
    ("tcp_user_timeout", &["x", "5", ""]),
    ("requirepeer", &["root", ""]),
    ("replication", &["database", "nonsense", ""]),
    ("sslkeylogfile", &["/nonexistent/keys", ""]),
    ("oauth_client_secret", &["x"]),
    ("sslpassword", &["x", ""]),
    ("password", &["x", ""]),
    ("user", &["someone", ""]),
    ("dbname", &["some db", "", "postgres://u@h/db"]),
    ("application_name", &["it's", "back\\slash"]),
    ("requiressl", &["1", "0", "10", "", "true", "x"]),
    ("ssl", &["true", "false", "1"]),
    ("authtype", &["x"]),
    ("tty", &["x"]),
    ("sslmodes", &["x"]),
    ("SSLMODE", &["require"]),
    ("", &["x"]),
];

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn percent(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Each value as keyword/value, in a URI, and in its environment variable.
fn each_value() -> Vec<Case> {
    let mut cases = Vec::new();
    for (keyword, values) in VALUES {
        for value in *values {
            let ask = if *keyword == "connect_timeout" && value.parse::<i32>().is_err() {
                "connect"
            } else {
                "start"
            };
            let base = "host=127.0.0.1 port={port} user=u";
            cases.push(Case::new(
                ask,
                format!("{base} {keyword}={}", quoted(value)),
                &[],
            ));
            let uri = format!(
                "postgresql://u@127.0.0.1:{{port}}/?{keyword}={}",
                percent(value)
            );
            cases.push(Case::new(ask, uri, &[]));
            let row = conninfo::KEYWORDS.iter().find(|row| row.name == *keyword);
            if let Some(variable) = row.and_then(|row| row.environment) {
                cases.push(Case::new(
                    ask,
                    "host=127.0.0.1 port={port}",
                    &[(variable, value)],
                ));
            }
        }
    }
    cases
}

/// Rules in which two values meet, and whose complaint comes first.
fn combinations() -> Vec<Case> {
    let base = "host=127.0.0.1 port={port} user=u";
    let mut cases = Vec::new();
    for mode in SslMode::ALL
        .map(SslMode::name)
        .into_iter()
        .chain(["", "bogus"])
    {
        for rest in [
            "sslnegotiation=direct",
            "sslrootcert=system",
            "sslrootcert=system sslnegotiation=direct",
            "sslrootcert=system ssl_min_protocol_version=x",
            "require_auth=x",
            "channel_binding=x",
            "sslnegotiation=x",
        ] {
            cases.push(Case::new(
                "start",
                format!("{base} sslmode='{mode}' {rest}"),
                &[],
            ));
        }
    }
    for min in ["TLSv1", "tlsv1.1", "TLSv1.2", "TLSv1.3", ""] {
        for max in ["TLSv1", "TLSv1.1", "tlsv1.2", "TLSv1.3", ""] {
            let text =
                format!("{base} ssl_min_protocol_version='{min}' ssl_max_protocol_version='{max}'");
            cases.push(Case::new("start", text, &[]));
        }
    }
    for min in ["3.0", "3.2", "latest"] {
        for max in ["3.0", "3.2", "latest"] {
            let text = format!("{base} min_protocol_version={min} max_protocol_version={max}");
            cases.push(Case::new("start", text, &[]));
        }
    }
    // The order of complaints: each pair of neighbours, both wrong.
    let wrong = [
        "require_auth=x",
        "channel_binding=x",
        "sslmode=x",
        "sslnegotiation=x",
        "sslrootcert=system sslmode=allow",
        "ssl_min_protocol_version=x",
        "ssl_max_protocol_version=x",
        "ssl_max_protocol_version=TLSv1",
        "sslcertmode=x",
        "gssencmode=x",
        "target_session_attrs=x",
        "scram_client_key=x",
        "scram_server_key=x",
        "load_balance_hosts=x",
        "min_protocol_version=x",
        "max_protocol_version=x",
        "min_protocol_version=3.2 max_protocol_version=3.0",
        "port=x",
        "keepalives=x",
    ];
    for (index, first) in wrong.iter().enumerate() {
        for second in &wrong[index + 1..] {
            cases.push(Case::new("start", format!("{base} {second} {first}"), &[]));
        }
    }
    cases
}

/// Hosts, addresses and ports.
fn host_lists() -> Vec<Case> {
    let mut cases = Vec::new();
    for text in [
        "host=127.0.0.1,127.0.0.1 port={port}",
        "host=127.0.0.1,127.0.0.1 port={port},{port}",
        "host=127.0.0.1,127.0.0.1 port={port},{port},{port}",
        "host=127.0.0.1 port={port},{port}",
        "host=127.0.0.1,127.0.0.1,127.0.0.1 port={port},{port}",
        "host=127.0.0.1,127.0.0.1 port=99999,{port}",
        "host=127.0.0.1,127.0.0.1 port=99999,0",
        "host=127.0.0.1,127.0.0.1 port=x,{port}",
        "host=127.0.0.1,127.0.0.1 port=0,x",
        "host=127.0.0.1 port=0",
        "host=127.0.0.1 port=-1",
        "host=127.0.0.1 port=65536",
        "host=127.0.0.1 port='{port} '",
        "host=127.0.0.1 port=' {port}'",
        "host=127.0.0.1 port=' '",
        "host=127.0.0.1 port=+{port}",
        "host=127.0.0.1 port={port}x",
        "host=127.0.0.1 port=4294972728",
        "hostaddr=127.0.0.1 port={port}",
        "hostaddr=127.0.0.1 host=name.invalid port={port}",
        "hostaddr=127.0.0.1,127.0.0.1 host=a,b port={port}",
        "hostaddr=127.0.0.1,127.0.0.1 host=a port={port}",
        "hostaddr=127.0.0.1 host=a,b port={port}",
        "hostaddr=127.0.0.1,127.0.0.1 host=a,b,c port={port}",
        "hostaddr=127.0.0.1 host=a,b port=1,2,3",
        "hostaddr=127.0.0.1 port={port},{port}",
        "hostaddr=127.0.0.1 host=a port={port} keepalives=x",
        "hostaddr=,127.0.0.1 host=127.0.0.1,a port={port}",
        "hostaddr='' host=127.0.0.1 port={port}",
        "host=/nonexistent/folder port=5432",
        "host=/nonexistent/folder port=5432 sslmode=verify-full",
        "host=/nonexistent/folder port=99999",
        "host=/nonexistent/folder,/nonexistent/other port=1,",
        "host=/nonexistent/folder keepalives=x",
        "host=/nonexistent/folder gssencmode=disable sslnegotiation=direct",
        "host=/nonexistent/folder gssencmode=require",
        "host=127.0.0.1 port=99999 gssencmode=require",
        "host=127.0.0.1 port={port} gssencmode=require keepalives=x",
        "host=/nonexistent/a,127.0.0.1 port=5432,{port}",
        "host=/nonexistent/a,127.0.0.1 port=5432,x",
        "host='' port='' hostaddr=127.0.0.1 port={port}",
        "host=127.0.0.1, port={port},x",
    ] {
        cases.push(Case::new("start", format!("{text} user=u"), &[]));
    }
    let long = format!("host=/{} user=u", "x".repeat(120));
    cases.push(Case::new("start", long, &[]));
    let long = format!("host=/{},127.0.0.1 port=1,x user=u", "x".repeat(90));
    cases.push(Case::new("start", long, &[]));
    for (host, port) in [
        ("127.0.0.1", "{port}"),
        ("127.0.0.1,127.0.0.1", "x"),
        ("127.0.0.1", ""),
    ] {
        cases.push(Case::new(
            "start",
            "hostaddr=127.0.0.1",
            &[("PGHOST", host), ("PGPORT", port)],
        ));
    }
    cases
}

/// The two notations, with what makes them break.
const TEXTS: &[&str] = &[
    "",
    " ",
    "=",
    "= =",
    "host",
    "host =",
    "host= port=5",
    "host = a",
    "host\t=\na",
    "host\x0b=\x0ca",
    "host=a host=b",
    "host='a b' user='it\\'s'",
    "host='a",
    "host='a\\",
    "host=a\\",
    "host=a\\ b",
    "host=a'b'c",
    "host='a'user=b",
    "host=a user",
    "host a user=b",
    "a b=c",
    "'host'=a",
    "host==a",
    "host=a=b",
    "user=\\'x\\'",
    "host=\\\\",
    "dbname='' user=''",
    "host=é user=ü",
    "é=x",
    "host=a\u{a0}b",
    "unknown=x",
    "host=a unknown=x",
    "sslmode=require requiressl=0",
    "requiressl=1 sslmode=prefer",
    "requiressl=",
    "password='a b' host=c",
    "password=a b c",
    "password=a b=c",
    "Host=a",
    "service=",
    "user=a\tpassword=b\nhost=c",
    "sslmode='verify-full'",
    "host='' ",
    "host=  ",
    "host=a  =b",
    "postgresql://",
    "postgres://",
    "postgresql:///",
    "postgresql://h",
    "postgresql://h/",
    "postgresql://h/d",
    "postgresql:///d",
    "postgresql://u@h",
    "postgresql://u:p@h",
    "postgresql://:p@h",
    "postgresql://u:@h",
    "postgresql://@h",
    "postgresql://:@h",
    "postgresql://@",
    "postgresql://u:p@w@h/d",
    "postgresql://u:p/w@h/d",
    "postgresql://u:p:q@h",
    "postgresql://u%40x:p%2fq@h:1/d%20e?user=v",
    "postgresql://h:1,i:2,j/d",
    "postgresql://h,i",
    "postgresql://h,",
    "postgresql://,",
    "postgresql://:1,:2",
    "postgresql://h:,i:",
    "postgresql://h:1:2",
    "postgresql://[::1]",
    "postgresql://[::1]:5/d",
    "postgresql://[::1],[::2]:6",
    "postgresql://[::1",
    "postgresql://[]",
    "postgresql://[]:5",
    "postgresql://[::1]x",
    "postgresql://[::1]é",
    "postgresql://[::1]?host=a",
    "postgresql://[h]",
    "postgresql://[%3a%3a1]",
    "postgresql://u:p@[::1",
    "postgresql://h[::1]",
    "postgresql://[a]]",
    "postgresql://%2Fvar%2Frun",
    "postgresql://%2Fa:1/d",
    "postgresql://h?",
    "postgresql://h/?",
    "postgresql://h/d?",
    "postgresql://h?host=i",
    "postgresql://h/?host=/tmp&port=5",
    "postgresql://h/d?a",
    "postgresql://h/d?a=b",
    "postgresql://h/d?=b",
    "postgresql://h/d?user=a=b",
    "postgresql://h/d?user",
    "postgresql://h/d?&user=a",
    "postgresql://h/d?user=a&",
    "postgresql://h/d?user=a&&",
    "postgresql://h/d?user=a&b",
    "postgresql://h/d?user=a?b",
    "postgresql://h/d?user=a/b",
    "postgresql://h/d?us%65r=a",
    "postgresql://h/d?us%6=a",
    "postgresql://h/d?%=a",
    "postgresql://h/d?user=%",
    "postgresql://h/d?user=%4",
    "postgresql://h/d?user=%zz",
    "postgresql://h/d?user=%00",
    "postgresql://h/d?user=%00&x",
    "postgresql://h%00",
    "postgresql://h%zz/d",
    "postgresql://u%zz:p@h",
    "postgresql://u:%zz@h",
    "postgresql://u:p%@h",
    "postgresql://h:%zz",
    "postgresql://h/%zz",
    "postgresql://h/d%",
    "postgresql://h/%ff%fe",
    "postgresql://%e9",
    "postgresql://h/d?ssl=true",
    "postgresql://h/d?ssl=false",
    "postgresql://h/d?ssl=1",
    "postgresql://h/d?ssl=TRUE",
    "postgresql://h/d?ssl=true&sslmode=allow",
    "postgresql://h/d?sslmode=allow&ssl=true",
    "postgresql://h/d?requiressl=1",
    "postgresql://h/d?requiressl=0",
    "postgresql://h/d?s%73l=tru%65",
    "postgresql://h/d?sslmode=require ",
    "postgresql://h/d? sslmode=require",
    "postgresql://h/d?sslmode= require",
    "postgresql://h/d?sslmode=re quire",
    "postgresql:// h /d",
    "postgresql://h, i",
    "postgresql://u s:p@h",
    "postgresql:// u : p @h/ d ",
    "postgresql://h/d?user=a%20b",
    "postgresql://h/d?user=%20a ",
    "postgresql://h/d?user=  ",
    "postgresql://h: 5",
    "postgresql://h/d?sslmode\t=require",
    "postgresql://h/d?user=a\t",
    "postgresql://h /d",
    "postgresql://h/d?user=a  b",
    "postgresql://h/d?password=a&b",
    "postgresql://h/d?password=a=b",
    "postgresql://h/d?user=x&sslpassword=%zz",
    "postgresql://u:p@h/d?foo=1",
    "postgresql://u:p@h/d?foo=a@b",
    "POSTGRESQL://h/d?user=a",
    "Postgres://u:p@h/d?sslmode=require",
    "postgresql:/h=1",
    "postgresql:h=1",
    "jdbc:postgresql://h/d?user=a",
    " postgresql://h/d?user=a",
    "postgres://h#d",
    "postgresql://h/d#user=a",
    "postgresql://h?user=a/b?c",
    "postgresql://h//d",
    "postgresql://h/d/e",
];

/// Precedence between string, service file, environment and defaults.
fn precedence(folder: &str) -> Vec<Case> {
    let file = format!("{folder}/services.conf");
    let with = |text: &str, env: &[(&str, &str)]| {
        let mut all = vec![("PGSERVICEFILE", file.as_str()), ("HOME", folder)];
        all.extend_from_slice(env);
        Case::new("start", text, &all)
    };
    let mut cases = Vec::new();
    for service in [
        "good",
        "bad-mode",
        "weak",
        "unknown-keyword",
        "no-equals",
        "nested",
        "spaces",
        "empty-values",
        "repeated",
        "missing",
        "",
        "go",
        "good]",
        "last",
        "newer",
        "host-list",
        "comment",
        "too",
        "second",
        "case",
    ] {
        cases.push(with(&format!("service='{service}'"), &[]));
        cases.push(with("", &[("PGSERVICE", service)]));
        cases.push(with(
            &format!("service='{service}' port={{port}} sslmode=allow user=x"),
            &[],
        ));
        cases.push(with(
            &format!("postgresql:///?service={}", percent(service)),
            &[("PGSSLMODE", "disable"), ("PGPORT", "{port}")],
        ));
    }
    for (name, env) in [
        ("good", vec![("PGSERVICEFILE", "/nonexistent/file")]),
        ("good", vec![("PGSERVICEFILE", folder)]),
        ("good", vec![("PGSERVICEFILE", "")]),
        ("good", vec![("PGSYSCONFDIR", folder)]),
        (
            "system",
            vec![("PGSYSCONFDIR", folder), ("PGSERVICEFILE", &file)],
        ),
        ("system", vec![("PGSYSCONFDIR", folder)]),
        ("home", vec![("HOME", folder)]),
        ("home", vec![("HOME", "/nonexistent")]),
        ("home", vec![("HOME", folder), ("PGSYSCONFDIR", folder)]),
        ("neither", vec![("HOME", folder), ("PGSYSCONFDIR", folder)]),
        (
            "system",
            vec![
                ("PGSYSCONFDIR", folder),
                ("PGSERVICEFILE", "/nonexistent/file"),
            ],
        ),
    ] {
        cases.push(Case::new("start", format!("service={name}"), &env));
    }
    let here = "host=127.0.0.1 port={port}";
    for env in [
        vec![("PGSSLMODE", "")],
        vec![("PGSSLMODE", "require")],
        vec![("PGREQUIRESSL", "1")],
        vec![("PGREQUIRESSL", "1yes")],
        vec![("PGREQUIRESSL", "0")],
        vec![("PGREQUIRESSL", "")],
        vec![("PGREQUIRESSL", "1"), ("PGSSLMODE", "allow")],
        vec![("PGREQUIRESSL", "1"), ("PGSSLROOTCERT", "system")],
        vec![("PGSSLROOTCERT", "system")],
        vec![("PGSSLROOTCERT", "system"), ("PGSSLMODE", "verify-ca")],
        vec![("PGSSLROOTCERT", "")],
        vec![("PGSSLNEGOTIATION", "direct")],
        vec![("PGSSLNEGOTIATION", "direct"), ("PGSSLMODE", "verify-ca")],
        vec![("PGUSER", "")],
        vec![("PGUSER", "somebody")],
        vec![("PGDATABASE", "some database")],
        vec![("PGDATABASE", "")],
        vec![("PGHOST", "ignored.invalid")],
        vec![("PGHOSTADDR", "")],
        vec![("PGHOSTADDR", "127.0.0.1")],
        vec![("PGHOSTADDR", "127.0.0.1,127.0.0.1")],
        vec![("PGPASSWORD", "secret")],
        vec![("PGSSLPASSWORD", "ignored")],
        vec![("PGOPTIONS", "-c work_mem=1MB")],
        vec![("PGREQUIREAUTH", "md5,md5")],
        vec![("PGSERVICE", "")],
        vec![("PGSERVICE", ""), ("PGSERVICEFILE", "/nonexistent")],
    ] {
        cases.push(Case::new("start", here, &env));
        cases.push(Case::new(
            "start",
            format!("{here} sslmode=prefer user=u"),
            &env,
        ));
    }
    cases
}

fn write_services(folder: &std::path::Path) {
    let long = "x".repeat(1015);
    let section = "# a comment\n[good]\nhost=127.0.0.1\nport=1\nsslmode=require\npassword=hidden\n\n\
         [bad-mode]\nhost=127.0.0.1\nsslmode=bogus\n[weak]\nhost=127.0.0.1\nsslrootcert=system\n\
         sslmode=require\n[unknown-keyword]\nhost=127.0.0.1\nfoo=bar\n[no-equals]\nhost=127.0.0.1\nhost\n\
         [nested]\nhost=127.0.0.1\nservice=good\n[spaces]\n  host=127.0.0.1  \nport =5\n\
         [empty-values]\nhost=127.0.0.1\nsslmode=\nport=\n[repeated]\nhost=127.0.0.1\nhost=127.0.0.2\nport=x\nport=y\n\
         [newer]\nhost=127.0.0.1\nsslcertmode=disable\nsslnegotiation=postgres\n\
         [host-list]\nhost=127.0.0.1,127.0.0.1\nport=1,2,3\n[comment]\nhost=127.0.0.1\n#port=1\n   # port=2\nport=x#3\n\
         [second]trailing\nhost=127.0.0.1\nport=x2\n[case]\nHOST=127.0.0.1\n[last]\nhost=127.0.0.1\nport=x";
    let long_section = format!("\n[too]\nhost=127.0.0.1\nuser={long}x\n", long = &long);
    std::fs::write(
        folder.join("services.conf"),
        format!("{section}{long_section}"),
    )
    .unwrap();
    std::fs::write(
        folder.join("pg_service.conf"),
        "[system]\nhost=127.0.0.1\nport=s\n",
    )
    .unwrap();
    std::fs::write(
        folder.join(".pg_service.conf"),
        "[home]\nhost=127.0.0.1\nport=h\n",
    )
    .unwrap();
}

#[test]
fn every_value_of_every_keyword_is_judged_as_libpq_does() {
    let cases = each_value();
    assert!(cases.len() > 300, "{}", cases.len());
    compare(&cases);
}

#[test]
fn values_that_meet_are_judged_as_libpq_does() {
    let mut cases = combinations();
    cases.extend(host_lists());
    compare(&cases);
}

#[test]
fn every_form_of_text_is_read_as_libpq_does() {
    let like_libpq = |text: &&&str| conninfo::is_connection_string(text);
    let cases: Vec<Case> = TEXTS
        .iter()
        .filter(like_libpq)
        .map(|text| Case::new("parse", *text, &[]))
        .collect();
    compare(&cases);
}

#[test]
fn precedence_is_libpqs() {
    let folder = tempfile::tempdir().unwrap();
    write_services(folder.path());
    compare(&precedence(folder.path().to_str().unwrap()));
}

/// The files of TLS, in every state `stat` can tell apart.
fn write_tls_files(folder: &std::path::Path) {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["client".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    let (pem, key_pem) = (certificate.pem(), key.serialize_pem());
    let write = |name: &str, content: &[u8], mode: u32| {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("good.crt", pem.as_bytes(), 0o644);
    write("good.key", key_pem.as_bytes(), 0o600);
    write("both.pem", format!("{pem}{key_pem}").as_bytes(), 0o600);
    write(
        "both-key-first.pem",
        format!("{key_pem}{pem}").as_bytes(),
        0o600,
    );
    write(
        "text.crt",
        format!("some text\n{pem}more text\n").as_bytes(),
        0o644,
    );
    write("empty", b"", 0o600);
    write("garbage", b"not a certificate", 0o600);
    write("der.crt", certificate.der(), 0o600);
    write("truncated.crt", &pem.as_bytes()[..pem.len() / 2], 0o600);
    write(
        "bad-base64.crt",
        pem.replacen("MI", "!!", 1).as_bytes(),
        0o600,
    );
    write(
        "bad-der.crt",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        0o600,
    );
    write(
        "other-label.crt",
        pem.replace("CERTIFICATE", "X509 CERTIFICATE").as_bytes(),
        0o600,
    );
    write(
        "second-bad.crt",
        format!("{pem}{}", &pem[..pem.len() / 2]).as_bytes(),
        0o600,
    );
    for mode in [
        0o400, 0o600, 0o640, 0o644, 0o660, 0o610, 0o601, 0o700, 0o4600,
    ] {
        write(&format!("{mode:o}.key"), key_pem.as_bytes(), mode);
    }
    write("owned-640.key", key_pem.as_bytes(), 0o640);
    write("owned-600.key", key_pem.as_bytes(), 0o600);
    for name in ["owned-640.key", "owned-600.key"] {
        // Only root can give a file away, and the two libpqs agree on whatever owner there is.
        let _ = std::os::unix::fs::chown(folder.join(name), Some(65_534), None);
    }
    std::fs::create_dir_all(folder.join("folder")).unwrap();
    symlink("loop", folder.join("loop")).unwrap();
    symlink("good.key", folder.join("link.key")).unwrap();
    for home in ["home", "home-cert", "home-key", "home-root"] {
        std::fs::create_dir_all(folder.join(home).join(".postgresql")).unwrap();
    }
    write(
        "home-cert/.postgresql/postgresql.crt",
        pem.as_bytes(),
        0o644,
    );
    write("home-key/.postgresql/postgresql.crt", pem.as_bytes(), 0o644);
    write(
        "home-key/.postgresql/postgresql.key",
        key_pem.as_bytes(),
        0o600,
    );
    write("home-root/.postgresql/root.crt", pem.as_bytes(), 0o644);
}

/// The text with which our TLS start fails, where `stat` and the certificate file decide.
fn our_tls_start(client: &Client, libpq: Libpq) -> Option<String> {
    let parameters = resolve(client, libpq).unwrap();
    if let Err(error) = parameters.validate_as_given() {
        return Some(error.message);
    }
    let mode = parameters.sslmode().unwrap();
    trust_source(client, &parameters, mode)
        .map(drop)
        .and_then(|()| client_certificate(client, &parameters).map(drop))
        .err()
        .map(|error| error.message)
}

#[test]
fn files_that_spoil_a_tls_start_are_named_as_libpq_does() {
    let folder = tempfile::tempdir().unwrap();
    write_tls_files(folder.path());
    let folder = folder.path().to_str().unwrap();
    let long = "x".repeat(300);
    let mut cases = Vec::new();
    let mut add = |text: String, home: &str| {
        let text = format!("host=127.0.0.1 port={{tls}} user=u gssencmode=disable {text}");
        let home = format!("{folder}/{home}");
        cases.push(Case::new("connect", text, &[("HOME", &home)]));
    };
    let certificates = [
        "good.crt",
        "text.crt",
        "empty",
        "garbage",
        "der.crt",
        "truncated.crt",
        "bad-base64.crt",
        "bad-der.crt",
        "other-label.crt",
        "second-bad.crt",
        "folder",
        "loop",
        "missing",
        "good.crt/x",
        "both.pem",
        "both-key-first.pem",
        "good.key",
        &long,
    ];
    for certificate in certificates {
        add(
            format!("sslmode=require sslcert={folder}/{certificate} sslkey={folder}/good.key"),
            "home",
        );
    }
    for key in [
        "good.key",
        "link.key",
        "folder",
        "loop",
        "missing",
        "good.crt/x",
        "400.key",
        "600.key",
        "640.key",
        "644.key",
        "660.key",
        "610.key",
        "601.key",
        "700.key",
        "4600.key",
        "owned-640.key",
        "owned-600.key",
        &long,
        "a:b",
    ] {
        add(
            format!("sslmode=require sslcert={folder}/good.crt sslkey={folder}/{key}"),
            "home",
        );
        add(
            format!("sslmode=require sslcert={folder}/missing sslkey={folder}/{key}"),
            "home",
        );
    }
    add(
        format!("sslmode=require sslcert={folder}/both.pem sslkey={folder}/both.pem"),
        "home",
    );
    add(
        format!("sslmode=require sslcert={folder}/good.crt sslkey=/dev/null"),
        "home",
    );
    for home in ["home", "home-cert", "home-key", "home-root", "missing"] {
        for mode in ["require", "verify-ca", "verify-full"] {
            add(format!("sslmode={mode}"), home);
            add(format!("sslmode={mode} sslcert={folder}/garbage"), home);
            for root in ["missing", "loop", "good.crt/x", "good.crt", &long] {
                add(format!("sslmode={mode} sslrootcert={folder}/{root}"), home);
            }
            add(format!("sslmode={mode} sslrootcert=system"), home);
            add(format!("sslmode={mode} sslrootcert=./system"), home);
        }
        add(
            "sslmode=require sslcert='' sslkey='' sslrootcert=''".to_owned(),
            home,
        );
        add(format!("sslmode=require sslcert={folder}/good.crt"), home);
    }
    let mut failures = Vec::new();
    for libpq in Libpq::ALL {
        let (greeting, answers) = ask(libpq, &cases);
        for (case, answer) in cases.iter().zip(answers) {
            let ours = our_tls_start(&client(case, &greeting), libpq);
            let prefix = format!(
                "connection to server at \"127.0.0.1\", port {} failed: ",
                greeting.tls
            );
            let theirs = answer.error.unwrap();
            let theirs = theirs.strip_prefix(&prefix).unwrap_or(&theirs).trim_end();
            // The script hangs up once TLS has been started.
            let started =
                theirs.starts_with("SSL SYSCALL error") || theirs.starts_with("SSL error");
            let same = match &ours {
                Some(ours) => ours == theirs,
                None => started,
            };
            if !same {
                failures.push(format!(
                    "{} {:?} {:?}: ours {ours:?}, libpq's {theirs:?}",
                    greeting.libpq, case.conninfo, case.env
                ));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} differences:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn random_strings_are_read_as_libpq_does() {
    let mut random = Random(0x5eed_0001);
    let cases: Vec<Case> = (0..6000)
        .map(|_| random.conninfo())
        .filter(|text| conninfo::is_connection_string(text))
        .map(|text| Case::new("parse", text, &[]))
        .collect();
    assert!(cases.len() > 5000);
    compare(&cases);
}

#[test]
fn random_values_together_are_judged_as_libpq_does() {
    let mut random = Random(0x5eed_0002);
    let mut cases = Vec::new();
    for _ in 0..1500 {
        let mut text = "host=127.0.0.1 port={port}".to_owned();
        let mut env = BTreeMap::new();
        for _ in 0..1 + random.below(4) {
            let (keyword, values) = VALUES[random.below(VALUES.len())];
            let value = random.pick(values);
            let row = conninfo::KEYWORDS.iter().find(|row| row.name == keyword);
            match row.and_then(|row| row.environment) {
                Some(variable) if random.below(2) == 0 => {
                    env.insert(variable.to_owned(), value.to_owned());
                }
                _ => text += &format!(" {keyword}={}", quoted(value)),
            }
        }
        cases.push(Case {
            conninfo: text,
            env,
            ask: "start",
        });
    }
    compare(&cases);
}

/// A small generator (xorshift64*), so that the strings are the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % limit
    }

    fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len())]
    }

    fn conninfo(&mut self) -> String {
        const KEYWORDS: &[&str] = &[
            "host",
            "hostaddr",
            "port",
            "user",
            "dbname",
            "sslmode",
            "options",
            "requiressl",
            "ssl",
            "sslcertmode",
            "sslnegotiation",
            "sslkeylogfile",
            "application_name",
            "unknown",
            "pass word",
            "",
        ];
        const PARTS: &[&str] = &[
            "a",
            "b c",
            "'",
            "\\",
            " ",
            "\t",
            "=",
            "é",
            "%20",
            "%",
            "%4",
            "%zz",
            "%00",
            "%41",
            "%ff",
            "&",
            "?",
            "/",
            ":",
            "@",
            ",",
            "[",
            "]",
            "[::1]",
            "127.0.0.1",
            "5432",
            "require",
            "true",
            "x'y",
            "#",
            "+",
            "\u{1f418}",
        ];
        let mut text = String::new();
        let is_uri = self.below(2) == 0;
        if is_uri {
            text.push_str(self.pick(&["postgresql://", "postgres://"]));
            for _ in 0..self.below(6) {
                text.push_str(self.pick(PARTS));
            }
            if self.below(4) > 0 {
                text.push_str(self.pick(&["/", "/db", "", "/d%20b"]));
                text.push('?');
            }
        }
        for index in 0..self.below(5) {
            if is_uri && index > 0 {
                text.push('&');
            }
            text.push_str(self.pick(KEYWORDS));
            text.push_str(self.pick(&["=", "=", "=", " = ", "", "=="]));
            let quote = if is_uri { "" } else { self.pick(&["", "'"]) };
            text.push_str(quote);
            for _ in 0..self.below(4) {
                text.push_str(self.pick(PARTS));
            }
            text.push_str(quote);
            if !is_uri {
                text.push_str(self.pick(&[" ", "  ", "\n", ""]));
            }
        }
        text
    }
}
