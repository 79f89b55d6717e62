//! `tests/data/ssl.table` row by row: PostgreSQL's own SSL tests, on a real server.

use std::collections::BTreeMap;

use crate::support::certificates::Workshop;
use crate::support::pgprobe::{Client, MODES, Run};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::table::{Row, each, rows};

const TABLE: &str = include_str!("../data/ssl.table");
const CERTIFICATES: &str = include_str!("../data/ssl_certificates.sh");

/// The lines of `pg_hba.conf` that a section names; without a name it is `trust`.
fn hba(name: &str) -> &'static str {
    match name {
        "trust" => "hostssl all all all trust",
        "scram" => "hostssl all all all scram-sha-256",
        "certdb" => {
            "\
hostssl  verifydb      ssltestuser,anotheruser  all  trust  clientcert=verify-full
hostssl  verifydb      yetanotheruser           all  trust  clientcert=verify-ca
hostssl  certdb        all                      all  cert
hostssl  certdb_dn     all                      all  cert  clientname=DN map=dn
hostssl  certdb_dn_re  all                      all  cert  clientname=DN map=dnre
hostssl  certdb_cn     all                      all  cert  map=cn
"
        }
        other => panic!("no such hba: {other}"),
    }
}

const IDENT: &str = r#"
dn    "CN=ssltestuser-dn,OU=Testing,OU=Engineering,O=PGDG"  ssltestuser
dnre  "/^.*OU=Testing,.*$"                                  ssltestuser
cn    ssltestuser-dn                                        ssltestuser
"#;

/// What a client says that does not say otherwise.
const USUAL: [(&str, &str); 9] = [
    ("host", "common-name.pg-ssltest.test"),
    ("hostaddr", "127.0.0.1"),
    ("user", "ssltestuser"),
    ("dbname", "trustdb"),
    ("sslrootcert", "invalid"),
    ("sslcert", "invalid"),
    ("sslkey", "invalid"),
    ("sslcrl", "invalid"),
    ("sslcrldir", "invalid"),
];

#[test]
fn each_server_certificate_and_client_has_the_outcome_of_the_table() {
    let workshop = Workshop::after(CERTIFICATES);
    workshop.chown(&["server.key"]);
    workshop.run("chmod 600 server.key");
    let rows = rows(TABLE);
    let mut server: Option<(String, PgCluster)> = None;
    let mut runs = BTreeMap::new();
    each("ssl.table", &rows, |row| {
        let settings = settings(&row.section, &workshop);
        let setup = |settings| Setup {
            settings,
            hba: hba(&hba_of(&row.section)),
            ident: IDENT,
        };
        let current = match &mut server {
            Some((section, current)) => {
                if *section != row.section {
                    current.reload(setup(&settings));
                    section.clone_from(&row.section);
                }
                current
            }
            None => {
                let started = PgCluster::new(15).start(setup(&settings));
                people(&started);
                &mut server.insert((row.section.clone(), started)).1
            }
        };
        check(current, &workshop, row, &mut runs)
    });
}

/// The roles and databases of the table: who is let in without a question must be there.
fn people(server: &PgCluster) {
    for user in ["ssltestuser", "anotheruser", "yetanotheruser"] {
        server.sql(&format!("CREATE ROLE {user} LOGIN"));
    }
    for database in [
        "trustdb",
        "verifydb",
        "certdb",
        "certdb_dn",
        "certdb_dn_re",
        "certdb_cn",
    ] {
        server.sql(&format!("CREATE DATABASE {database}"));
    }
}

/// The part of a section's name after a word, such as the `certdb` of `hba certdb`.
fn part<'a>(section: &'a str, word: &str) -> Option<&'a str> {
    section
        .split(", ")
        .find_map(|part| part.strip_prefix(word)?.strip_prefix(' '))
}

fn hba_of(section: &str) -> String {
    part(section, "hba").unwrap_or("trust").to_owned()
}

fn settings(section: &str, workshop: &Workshop) -> String {
    let certificate = section.split(", ").next().unwrap();
    let ca = part(section, "ca").unwrap_or("root+client_ca");
    format!(
        "ssl = on
ssl_cert_file = '{}'
ssl_key_file = '{}'
ssl_ca_file = '{}'
ssl_crl_file = '{}'
",
        workshop.file(&format!("{certificate}.crt")),
        workshop.file("server.key"),
        workshop.file(&format!("{ca}.crt")),
        workshop.file("root+client.crl"),
    )
}

/// Holds a row against each libpq's verdicts; `runs` has those that were asked for already.
fn check(
    server: &PgCluster,
    workshop: &Workshop,
    row: &Row,
    runs: &mut BTreeMap<[String; 3], Run>,
) -> Result<(), String> {
    let [client, modes, expected] = row.columns.as_slice() else {
        return Err(format!("{} columns", row.columns.len()));
    };
    let mut parameters: BTreeMap<&str, &str> = USUAL.into();
    let (mut oldest, mut environment) = (15, Vec::new());
    for word in client.split_whitespace() {
        if let Some(version) = word
            .strip_prefix("libpq")
            .and_then(|rest| rest.strip_suffix('+'))
        {
            oldest = version.parse().unwrap();
            continue;
        }
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| format!("what is {word}?"))?;
        if name.starts_with(char::is_uppercase) {
            environment.push((name, value));
        } else {
            parameters.insert(name, value);
        }
    }
    for libpq in oldest..=18 {
        let libpq = libpq.to_string();
        let run = runs.entry([row.section.clone(), client.clone(), libpq.clone()]);
        let run = run.or_insert_with(|| {
            let pairs = parameters
                .iter()
                .map(|(name, value)| format!("{name}='{value}'"));
            let conninfo = pairs.collect::<Vec<_>>().join(" ");
            let mut client =
                Client::new(format!("{conninfo} port={}", server.port)).in_folder(workshop.path());
            for (name, value) in &environment {
                client = client.env(name, *value);
            }
            client.json(&["--libpq", &libpq])
        });
        for mode in modes.split(' ') {
            verdict(run, mode, expected)
                .map_err(|why| format!("libpq {libpq}, {client}, sslmode={mode}: {why}"))?;
        }
    }
    Ok(())
}

fn verdict(run: &Run, mode: &str, expected: &str) -> Result<(), String> {
    let index = MODES
        .iter()
        .position(|name| *name == mode)
        .ok_or("no such mode")?;
    let verdict = run.at(&format!("/sslmodes/{index}"));
    let words = expected.strip_prefix("FAIL ");
    let agrees = match (
        verdict["outcome"].as_str(),
        verdict["encrypted"].as_bool(),
        words,
    ) {
        (Some("connects"), Some(true), None) => expected == "ssl",
        (Some("fails"), _, Some(words)) => verdict["error"]["message"]
            .as_str()
            .is_some_and(|message| message.contains(words)),
        _ => false,
    };
    if agrees {
        Ok(())
    } else {
        Err(format!("not {expected}, but {verdict}"))
    }
}
