//! `tests/data/negotiation.table` row by row: the command against real servers.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::certificates;
use crate::support::pgprobe::{Client, MODES, Run};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::table::{Row, each, rows};

const TABLE: &str = include_str!("../data/negotiation.table");

const HBA: &str = "\
host       all  testuser   all  trust
hostssl    all  ssluser    all  trust
hostnossl  all  nossluser  all  trust
";

/// What a section says of the situation.
struct Situation {
    servers: Vec<u32>,
    ssl: String,
    libpq: Vec<String>,
}

impl Situation {
    fn of(section: &str) -> Self {
        let mut found = Self {
            servers: vec![],
            ssl: String::new(),
            libpq: vec![],
        };
        for part in section.split(',').map(str::trim) {
            match part.split_once(' ') {
                Some(("server", majors)) => {
                    found.servers = majors
                        .split(' ')
                        .map(|major| major.parse().unwrap())
                        .collect();
                }
                Some(("ssl", value)) => found.ssl = value.to_owned(),
                Some(("libpq", versions)) => {
                    found.libpq = versions.split(' ').map(String::from).collect();
                }
                _ => panic!("what is {part:?}?"),
            }
        }
        if found.libpq.is_empty() {
            // The table is that of libpq 17; what it has without direct TLS holds for all.
            found.libpq = vec!["17".to_owned(), "18".to_owned()];
        }
        found
    }
}

#[test]
fn negotiation_on_a_server_with_ssl_off() {
    run_sections("ssl off");
}

#[test]
fn negotiation_on_a_server_with_ssl_on() {
    run_sections("ssl on");
}

/// Runs the rows of the sections that say `ssl`, each server of them once.
fn run_sections(ssl: &str) {
    let rows: Vec<Row> = rows(TABLE)
        .into_iter()
        .filter(|row| row.section.contains(ssl))
        .collect();
    let mut majors: Vec<u32> = rows
        .iter()
        .flat_map(|row| Situation::of(&row.section).servers)
        .collect();
    majors.sort_unstable();
    majors.dedup();
    for major in majors {
        let server = server(major, ssl);
        let mut runs = BTreeMap::new();
        each(
            &format!("negotiation.table on PostgreSQL {major}"),
            &rows,
            |row| {
                let situation = Situation::of(&row.section);
                if !situation.servers.contains(&major) {
                    return Ok(());
                }
                assert!(ssl.ends_with(&situation.ssl));
                situation
                    .libpq
                    .iter()
                    .try_for_each(|libpq| check(&server, libpq, row, &mut runs))
            },
        );
    }
}

fn server(major: u32, ssl: &str) -> PgCluster {
    let workshop = certificates::self_signed("common-name.pg-ssltest.test");
    let server = PgCluster::new(major);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    let settings = if ssl == "ssl on" {
        "ssl = on\n"
    } else {
        "ssl = off\n"
    };
    let server = server.start(Setup {
        settings,
        hba: HBA,
        ident: "",
    });
    // Let in without a question, they must be there to get to ReadyForQuery.
    for user in ["testuser", "ssluser", "nossluser"] {
        server.sql(&format!("CREATE ROLE {user} LOGIN"));
    }
    server
}

/// Holds a row against one libpq's verdicts; `runs` has those that were asked for already.
fn check(
    server: &PgCluster,
    libpq: &str,
    row: &Row,
    runs: &mut BTreeMap<[String; 3], Run>,
) -> Result<(), String> {
    let [user, modes, sslnegotiation, expected @ ..] = row.columns.as_slice() else {
        return Err(format!("{} columns", row.columns.len()));
    };
    let expected = expected.join(" ");
    let key = [user.clone(), sslnegotiation.clone(), libpq.to_owned()];
    let run = runs.entry(key).or_insert_with(|| {
        let mut conninfo = format!(
            "host=127.0.0.1 port={} user={user} dbname=postgres gssencmode=disable",
            server.port
        );
        // Unknown to libpq 15 and 16, which do the same without it.
        if sslnegotiation == "direct" {
            conninfo.push_str(" sslnegotiation=direct");
        }
        Client::new(conninfo).json(&["--libpq", libpq])
    });
    for mode in modes.split(' ') {
        let index = MODES
            .iter()
            .position(|name| *name == mode)
            .ok_or("no such mode")?;
        let verdict = run.at(&format!("/sslmodes/{index}"));
        let found = format!("{} -> {}", events(&verdict), outcome(&verdict));
        if found != expected {
            return Err(format!(
                "libpq {libpq} as {user}, sslmode={mode} sslnegotiation={sslnegotiation}: \
                 {found}\n    expected {expected}\n    {verdict}"
            ));
        }
    }
    Ok(())
}

/// The attempts of a verdict in the words of PostgreSQL's table.
pub(crate) fn events(verdict: &Value) -> String {
    let mut events = Vec::new();
    for attempt in verdict["attempts"].as_array().unwrap() {
        let steps: Vec<&str> = attempt["steps"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let direct = attempt["transport"] == "direct_tls";
        let reached = attempt["ended_in"] == "reached";
        for (place, step) in steps.iter().enumerate() {
            let rest = &steps[place + 1..];
            events.push(match *step {
                "connect" if events.is_empty() => "connect",
                "connect" => "reconnect",
                "ssl_request" if rest.contains(&"tls_handshake") => "sslaccept",
                "ssl_request" => "sslreject",
                "tls_handshake" if direct && rest.contains(&"startup") => "directaccept",
                "tls_handshake" if direct => "directreject",
                "startup" if reached => "authok",
                "startup" => "authfail",
                _ => continue,
            });
        }
    }
    if events.is_empty() {
        "-".to_owned()
    } else {
        events.join(", ")
    }
}

fn outcome(verdict: &Value) -> &'static str {
    match (
        verdict["outcome"].as_str().unwrap(),
        verdict["encrypted"].as_bool(),
    ) {
        ("connects", Some(true)) => "ssl",
        ("connects", Some(false)) => "plain",
        ("fails", None) => "fail",
        ("undetermined", None) => "undetermined",
        other => panic!("{other:?} is no outcome"),
    }
}
