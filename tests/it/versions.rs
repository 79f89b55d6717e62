//! One server of each major version: what all of them have in common, and what came when.

use crate::support::certificates;
use crate::support::pgprobe::{Client, Run};
use crate::support::postgres::{MAJORS, PgCluster, Setup};

/// Where direct TLS and ALPN begin.
const DIRECT: u32 = 17;

fn probe(major: u32) -> Run {
    let workshop = certificates::signed("db.example.test", &["DNS:db.example.test"]);
    let server = PgCluster::new(major);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    let hba = "hostssl all all all scram-sha-256";
    let server = server.start(Setup {
        settings: "ssl = on\n",
        hba,
        ident: "",
    });
    let root = workshop.file("ca.crt");
    let client = Client::new(format!(
        "host=db.example.test hostaddr=127.0.0.1 port={} user=myuser dbname=postgres \
         sslrootcert={root}",
        server.port
    ));
    let run = client.json(&["--depth", "full"]);

    assert_eq!(run.at("/hosts/0/ssl_request/answer"), "S", "{run:#?}");
    assert_eq!(run.at("/hosts/0/ssl_request/trailing_bytes"), 0, "{run:#?}");
    assert_eq!(run.at("/status"), "tls", "{run:#?}");
    assert_eq!(run.at("/tls/completed"), true, "{run:#?}");
    assert_eq!(run.at("/tls/key_possession"), "proved", "{run:#?}");
    assert_eq!(run.at("/tls/protocol_version"), "TLSv1.3", "{run:#?}");
    assert_eq!(
        run.at("/certificates/0/common_names/0"),
        "db.example.test",
        "{run:#?}"
    );
    assert_eq!(
        run.verdicts(),
        ["hba_rejected", "tls", "tls", "tls", "tls", "tls"],
        "{run:#?}"
    );
    // SCRAM-SHA-256-PLUS came with 11.
    let mechanisms = run.at("/hosts/0/startup/tls/mechanisms");
    let plus = mechanisms
        .as_array()
        .unwrap()
        .iter()
        .any(|name| name == "SCRAM-SHA-256-PLUS");
    assert_eq!(plus, major >= 11, "{run:#?}");

    let alpn = if major >= DIRECT {
        "postgresql".into()
    } else {
        serde_json::Value::Null
    };
    assert_eq!(run.at("/tls/alpn"), alpn, "{run:#?}");
    assert_eq!(
        run.at("/hosts/0/direct/completed"),
        major >= DIRECT,
        "{run:#?}"
    );
    // With TLS 1.3 it gave session tickets before 12.20, 13.16, 14.13, 15.8 and 16.4, which do not
    // make a pooler of it.
    let tickets = run.at("/tls/session_tickets");
    assert_eq!(tickets == 2, major < 12, "{run:#?}");
    let advice = run.at("/hosts/0/advice").to_string();
    assert_eq!(advice.contains("it is older"), major < 12, "{advice}");
    assert!(!advice.contains("which no PostgreSQL does"), "{advice}");
    let findings = run.at("/hosts/0/findings").to_string();
    assert!(!findings.contains("front-end-terminates-tls"), "{findings}");
    // Before 12 a server knows no GSSENCRequest, and Debian's alone is built with Kerberos.
    let expected = match major {
        ..12 => "E",
        15 => "G",
        _ => "N",
    };
    assert_eq!(run.at("/hosts/0/gssenc_request"), expected, "{run:#?}");
    run
}

macro_rules! versions {
    ($($name:ident $major:literal)*) => {
        $(#[test]
        fn $name() {
            probe($major);
        })*

        #[test]
        fn every_installed_version_has_its_test() {
            assert_eq!([$($major),*], MAJORS);
        }
    };
}

versions! {
    postgresql_10 10
    postgresql_12 12
    postgresql_13 13
    postgresql_14 14
    postgresql_15 15
    postgresql_16 16
    postgresql_17 17
    postgresql_18 18
}
