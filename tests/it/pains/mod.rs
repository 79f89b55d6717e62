//! What people ask about TLS and PostgreSQL, most often and at the greatest cost: each question in
//! a table, the situation on a real server, the line of pgprobe that answers it, and where a line
//! is to be pasted, that it mends the situation for the real libpq.

mod access;
mod chains;
mod keys;
mod names;
mod servers;
mod transport;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::certificates::{Workshop, signed};
use crate::support::installation::succeed;
use crate::support::pgprobe::{Client, Run};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::psql::{Libpq, connect};
use crate::support::repository::{assert_file, repository};

/// One question.
struct Pain {
    /// Its number in `docs/pains.md`.
    number: usize,
    /// What people see or ask.
    asks: &'static str,
    /// The advice in the JSON report that answers, where it is one.
    about: Option<&'static str>,
    /// Words of the text report that answer.
    answer: &'static [&'static str],
}

/// What answers beside the words of the report; the tests look at it too.
const BESIDE: [(usize, &str); 7] = [
    (5, "`pgprobe check` warns 30 days before"),
    (
        16,
        "`--depth handshake` leaves no line in a default log; `--help` says what the others leave",
    ),
    (
        17,
        "`hosts[].startup.plaintext.answer` is `refused` once it is",
    ),
    (19, "`pgprobe ciphers` finds every version and suite"),
    (
        20,
        "exit status 0 if the demanded sslmode connects, 1 if it fails, 2 if no server is reached; \
         `pgprobe check` has those of monitoring plugins",
    ),
    (
        21,
        "`tls.group` is what was agreed on; `pgprobe ciphers` finds every group, and says \
         `post-quantum-group-missing`",
    ),
    (22, "`pgprobe POOLER BACKEND` shows them side by side"),
];

const fn pain(
    number: usize,
    asks: &'static str,
    about: Option<&'static str>,
    answer: &'static [&'static str],
) -> Pain {
    Pain {
        number,
        asks,
        about,
        answer,
    }
}

/// The questions, by how often they are asked and what they cost.
const PAINS: [Pain; 25] = [
    pain(
        1,
        "`self-signed certificate (in certificate chain)`, and people turn verification off",
        Some("root-file-missing"),
        &[
            "the server's certificate signed itself",
            "fetch it, and compare the SHA-256 that is printed with that on the server",
        ],
    ),
    pain(
        2,
        "`sslmode=require` is thought to be secure",
        Some("require-proves-nothing"),
        &[
            "require encrypts, but takes any certificate: whoever sits on the way can pose as the \
             server",
        ],
    ),
    pain(
        3,
        "`no pg_hba.conf entry ..., no encryption` is not understood",
        Some("plaintext-refused"),
        &[
            "pg_hba.conf refuses plaintext (\"no encryption\") and lets TLS in",
            "use sslmode=require or better",
        ],
    ),
    pain(
        4,
        "the same sslmode means something else in another driver",
        None,
        &[
            "node-postgres",
            "sslmode=require without sslrootcert: it means verify-full there",
            "no public CA has signed this",
        ],
    ),
    pain(
        5,
        "an expired certificate is found by the outage",
        Some("certificate-expired"),
        &["the server's certificate has expired: it was valid until 2024-01-01"],
    ),
    pain(
        6,
        "renewed on disk, and the old certificate is still served",
        None,
        &["was RENEWED, AND THE SERVER NOT RELOADED"],
    ),
    pain(
        7,
        "which root certificate does this provider need?",
        Some("issuer-unknown"),
        &["this looks like Amazon RDS or Aurora: its roots are at \
             https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"],
    ),
    pain(
        8,
        "the host name does not match; addresses; only a CN",
        Some("host-name-mismatch"),
        &[
            "does not match host name \"127.0.0.1\"",
            "an address must be there as iPAddress (libpq 15 and newer) or as the CN",
            "connect by a name of the certificate",
        ],
    ),
    pain(
        9,
        "Cloud SQL's certificates have no name of a host",
        Some("host-name-mismatch"),
        &[
            "it has no subjectAltName, so that the CN alone counts",
            "verify-ca connects, but any server with a certificate of that CA could answer",
        ],
    ),
    pain(
        10,
        "`root certificate file \"~/.postgresql/root.crt\" does not exist`",
        Some("root-file-missing"),
        &[
            "does not exist; the server's certificate leads to the CA \"CN=Test CA\" (key identifier",
        ],
    ),
    pain(
        11,
        "`sslrootcert=system` finds no store, or another one in each build",
        Some("system-roots"),
        &["sslrootcert=system: there is no store where this libpq's OpenSSL looks"],
    ),
    pain(
        12,
        "clients on rustls or in Go refuse what libpq takes",
        None,
        &[
            "rustls (sqlx, rust-postgres)",
            "every TLS connection, require too: the certificate is X.509 v1",
            "Go (lib/pq, pgx)",
            "verify-full: the name stands in the CN alone, not in \
             subjectAltName",
        ],
    ),
    pain(
        13,
        "the server sends its own certificate only: an incomplete chain",
        Some("issuer-unknown"),
        &[
            "the server sends its own certificate alone, and the issuer",
            "append its certificate to the file of ssl_cert_file",
        ],
    ),
    pain(
        14,
        "direct TLS and ALPN",
        Some("direct-tls-unsupported"),
        &["the server does not answer direct TLS: PostgreSQL before 17"],
    ),
    pain(
        15,
        "`Endpoint ID is not specified`: the server wants SNI",
        Some("server-name-needed"),
        &["libpq sends no server name (SNI) for an address, and it answers"],
    ),
    pain(
        16,
        "a monitor fills the server's log",
        None,
        &["1 connection,"],
    ),
    pain(
        17,
        "prove that plaintext is refused",
        Some("plaintext-accepted"),
        &[
            "this user is let in without encryption too",
            "hostnossl all all all reject",
        ],
    ),
    pain(
        18,
        "is a client certificate demanded, and from which CA?",
        Some("client-certificate-required"),
        &["lets this user in only with a client certificate of \"CN=Test CA\", and none was sent"],
    ),
    pain(
        19,
        "old TLS versions, small keys, SHA-1",
        Some("tls-version-unsupported"),
        &["the server speaks only versions older than TLSv1.2, which this libpq does not take"],
    ),
    pain(
        20,
        "exit codes that a script can use",
        None,
        &["> verify-full"],
    ),
    pain(
        21,
        "which key exchange, and is it post-quantum?",
        None,
        &["x25519"],
    ),
    pain(
        22,
        "the pooler's TLS is not the backend's",
        Some("channel-binding-missing"),
        &["offers SCRAM-SHA-256 without -PLUS over TLS: TLS ends in a pooler or proxy"],
    ),
    pain(
        23,
        "SCRAM with channel binding breaks",
        Some("channel-binding-missing"),
        &[
            "has no digest for channel binding: libpq gets as far as the server's question and then \
             fails",
        ],
    ),
    pain(
        24,
        "a probe or a client that hangs",
        Some("connect-timeout"),
        &["libpq has no connect_timeout by default, and would wait for ever"],
    ),
    pain(
        25,
        "GSSENCRequest comes before TLS",
        Some("gss-first"),
        &["the server answers G to GSSENCRequest: a libpq with a Kerberos ticket"],
    ),
];

const SSL_ON: &str = "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n";
const BOTH: &str = "host all all all scram-sha-256";
const TLS_ONLY: &str = "hostssl all all all scram-sha-256";

/// Checks that a run of pgprobe answers the question of this number, in both formats.
#[track_caller]
fn answers(number: usize, client: &Client, options: &[&str]) -> Run {
    let pain = PAINS.iter().find(|pain| pain.number == number).unwrap();
    says(client, options, pain.answer);
    let run = client.json(options);
    if let Some(about) = pain.about {
        advice(&run, about);
    }
    run
}

/// Checks the words of the text report, wherever its lines break.
#[track_caller]
fn says(client: &Client, options: &[&str], words: &[&str]) {
    let run = client.probe(options);
    let text = joined(&run.stdout);
    for words in words {
        assert!(text.contains(words), "{words:?} is not in {run:#?}");
    }
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The advice of the first host about a situation.
#[track_caller]
fn advice(run: &Run, about: &str) -> Value {
    let all = run.at("/hosts/0/advice");
    let all = all.as_array().unwrap();
    let found = all.iter().find(|advice| advice["about"] == about);
    let kinds: Vec<_> = all.iter().map(|advice| &advice["about"]).collect();
    found
        .unwrap_or_else(|| panic!("no {about} in {kinds:?}: {}", run.stdout))
        .clone()
}

fn has_advice(run: &Run, about: &str) -> bool {
    let all = run.at("/hosts/0/advice");
    all.as_array()
        .unwrap()
        .iter()
        .any(|advice| advice["about"] == about)
}

/// What is to be pasted of the advice's first fix for a place, as lines.
#[track_caller]
fn paste(run: &Run, about: &str, place: &str) -> String {
    let advice = advice(run, about);
    let fixes = advice["fixes"].as_array().unwrap();
    let lines = |fix: &&Value| !fix["paste"].as_array().unwrap().is_empty();
    let fix = fixes
        .iter()
        .filter(|fix| fix["place"] == place)
        .find(lines)
        .unwrap_or_else(|| panic!("nothing to paste into {place}: {advice:#}"));
    let lines = fix["paste"].as_array().unwrap().iter();
    lines
        .map(|line| line.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// All lines for a place, as somebody pastes them who did what stands between them.
#[track_caller]
fn pastes(run: &Run, about: &str, place: &str) -> String {
    let advice = advice(run, about);
    let fixes = advice["fixes"].as_array().unwrap();
    let there = fixes.iter().filter(|fix| fix["place"] == place);
    let lines: Vec<_> = there
        .flat_map(|fix| fix["paste"].as_array().unwrap())
        .map(|line| line.as_str().unwrap())
        .collect();
    assert!(
        !lines.is_empty(),
        "nothing to paste into {place}: {advice:#}"
    );
    lines.join("\n")
}

/// The connection string with the pasted settings after it.
#[track_caller]
fn mended(client: &Client, run: &Run, about: &str) -> String {
    format!(
        "{} {}",
        client.conninfo,
        paste(run, about, "connection_string")
    )
}

/// Runs what is to be pasted into a shell, as this client.
#[track_caller]
fn in_shell(client: &Client, commands: &str) {
    let mut shell = Command::new("sh");
    client.prepare(&mut shell);
    succeed(shell.args(["-euc", commands]));
}

/// A server with a workshop's `server.crt` and `server.key`.
fn server(workshop: &Workshop, settings: &str, hba: &str) -> PgCluster {
    let cluster = PgCluster::new(15);
    cluster.install(workshop.path(), &["server.crt", "server.key"]);
    cluster.start(Setup {
        settings: &format!("{SSL_ON}{settings}"),
        hba,
        ident: "",
    })
}

/// How a client names a server by a name that no DNS knows.
fn at(server: &PgCluster, host: &str) -> String {
    format!(
        "host={host} hostaddr=127.0.0.1 port={} user=myuser dbname=myapp",
        server.port
    )
}

/// A certificate for `db.example.com`, signed by "Test CA".
fn usual() -> Workshop {
    signed("db.example.com", &["DNS:db.example.com"])
}

#[test]
fn each_question_has_its_answer_in_the_document_and_a_test() {
    let mut text = String::from(
        "# What people ask\n\n\
         <!-- Made from the table in tests/it/pains/mod.rs; edit that instead. -->\n\n\
         Twenty-five questions about TLS and PostgreSQL, ordered by how often they are asked and \
         what\nthey cost, and words of the report that answers each. Every row is a test against a \
         real server\n(`tests/it/pains`), which looks for these very words; where a line is there \
         to be pasted, the test\npastes it and lets the real libpq connect. The advice is the word \
         in `hosts[].advice[].about` of\n[the JSON report](json.md).\n\n\
         | | the question | pgprobe's words | advice |\n|---|---|---|---|\n",
    );
    let folder = repository("tests/it/pains");
    let mut tests = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        tests += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    for (place, pain) in PAINS.iter().enumerate() {
        assert_eq!(pain.number, place + 1);
        let test = format!("answers({},", pain.number);
        assert!(
            tests.replace(char::is_whitespace, "").contains(&test),
            "no test of {}",
            pain.number
        );
        let words: Vec<_> = pain
            .answer
            .iter()
            .map(|words| format!("\"{words}\""))
            .collect();
        let about = pain
            .about
            .map_or_else(String::new, |about| format!("`{about}`"));
        let mut answer = words.join("; ");
        if let Some((_, beside)) = BESIDE.iter().find(|(number, _)| *number == pain.number) {
            write!(answer, "; {beside}").unwrap();
        }
        writeln!(
            text,
            "| {} | {} | {} | {about} |",
            pain.number,
            pain.asks,
            answer.replace('|', "\\|")
        )
        .unwrap();
    }
    assert_file("docs/pains.md", &text);
}

#[test]
fn every_word_of_the_vocabulary_has_a_test() {
    let schema = fs::read_to_string(repository("docs/report.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let mut tests = String::new();
    for entry in fs::read_dir(repository("tests/it/pains")).unwrap() {
        tests += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let words = schema["$defs"]["AdviceKind"]["oneOf"].as_array().unwrap();
    let missing: Vec<_> = words
        .iter()
        .map(|word| word["const"].as_str().unwrap())
        .filter(|word| !tests.contains(&format!("\"{word}\"")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_failing_mode_has_a_why() {
    let folder = repository("tests/data/observations");
    let client = Client::new("");
    let mut modes = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        for (libpq, openssl) in [("18", "3-level2"), ("15", "1.1.1")] {
            let run = client.run(&[
                "assess",
                "--format",
                "json",
                "--libpq",
                libpq,
                "--openssl",
                openssl,
                path.to_str().unwrap(),
            ]);
            modes += explained(&run);
        }
    }
    assert!(modes > 20, "{modes}");
}

/// Checks that every failing mode of every host has an advice; how many there are.
#[track_caller]
fn explained(run: &Run) -> usize {
    let mut count = 0;
    let reports = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let hosts: Vec<_> = reports
        .flat_map(|report| report["hosts"].as_array().unwrap().clone())
        .collect();
    for host in &hosts {
        let advice = host["advice"].as_array().unwrap();
        for verdict in host["sslmodes"].as_array().unwrap() {
            if verdict["outcome"] == "fails" {
                count += 1;
                let explains = |advice: &Value| {
                    advice["modes"]
                        .as_array()
                        .unwrap()
                        .contains(&verdict["mode"])
                };
                assert!(advice.iter().any(explains), "{verdict} in {}", run.stdout);
            }
        }
    }
    count
}
