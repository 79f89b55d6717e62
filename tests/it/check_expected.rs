//! `--expect-cert`: whether a real server serves the certificate that is on its disk.

use std::fs;

use crate::support::certificates::{Workshop, signed};
use crate::support::pgprobe::Client;
use crate::support::postgres::{PgCluster, Setup};

/// Signs the same request again, for a year that begins later.
const RENEW: &str = "sleep 1; openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key \
                     -CAcreateserial -out server.crt -days 365 -extfile extensions";

fn start(workshop: &Workshop) -> PgCluster {
    let server = PgCluster::new(15);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    server.start(Setup {
        settings: "ssl = on",
        hba: "host all all all scram-sha-256",
        ident: "",
    })
}

#[test]
fn a_renewal_without_a_reload_shows_until_the_server_is_reloaded() {
    let workshop = signed("db", &["DNS:db.example.test"]);
    let mut server = start(&workshop);
    let client = Client::new(format!("host=127.0.0.1 port={} user=ann", server.port));
    let old = workshop.write("old.crt", &workshop.read("server.crt"));
    let file = server.data().join("server.crt");
    let says = |path: &std::path::Path, verdict: &str, words: &str| {
        let options = [
            "--depth",
            "handshake",
            "--expect-cert",
            path.to_str().unwrap(),
        ];
        let run = client.json(&options);
        assert_eq!(run.at("/expected_certificate/verdict"), verdict, "{run:#?}");
        assert_eq!(run.at("/hosts/0/expected_certificate/verdict"), verdict);
        assert_eq!(
            run.at("/expected_certificate/served/sha256"),
            run.at("/certificates/0/sha256")
        );
        let run = client.probe(&options);
        assert!(
            run.stdout
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .contains(words),
            "{run:#?}"
        );
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    };
    says(&file, "same", "is what is served");
    workshop.run(RENEW);
    server.install(workshop.path(), &["server.crt"]);
    says(
        &file,
        "renewed_not_reloaded",
        "was RENEWED, AND THE SERVER NOT RELOADED",
    );
    server.reread();
    says(&file, "same", "is what is served");
    says(&old, "file_is_older", "is older");
}

#[test]
fn pem_der_chains_and_files_with_a_key_are_read() {
    let workshop = signed("db", &["DNS:db.example.test"]);
    let server = start(&workshop);
    let client = Client::new(format!("host=127.0.0.1 port={} user=ann", server.port));
    workshop.run(
        "openssl x509 -in server.crt -outform DER -out server.der
         cat server.key server.crt > both.pem
         cat server.crt ca.crt > chain.pem
         openssl req -new -x509 -days 9 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
             -out other.crt -keyout other.key -subj '/CN=other'",
    );
    for (file, verdict) in [
        ("server.crt", "same"),
        ("server.der", "same"),
        ("both.pem", "same"),
        ("chain.pem", "other_chain"),
        ("other.crt", "other"),
    ] {
        let run = client.json(&[
            "--depth",
            "handshake",
            "--expect-cert",
            &workshop.file(file),
        ]);
        assert_eq!(
            run.at("/expected_certificate/verdict"),
            verdict,
            "{file}: {run:#?}"
        );
    }
    let saved = workshop.file("saved");
    let both = workshop.file("both.pem");
    client.json(&[
        "--depth",
        "handshake",
        "--expect-cert",
        &both,
        "--save-observation",
        &saved,
    ]);
    let observation = fs::read_to_string(&saved).unwrap();
    assert!(!observation.contains("PRIVATE KEY"));
    let run = client.run(&["assess", "--format", "json", &saved]);
    assert_eq!(run.at("/expected_certificate/verdict"), "same", "{run:#?}");
}

#[test]
fn a_file_that_is_no_certificate_is_a_mistake_of_the_user() {
    let workshop = signed("db", &["DNS:db.example.test"]);
    workshop.write("empty", "");
    for (file, why) in [
        ("absent.crt", "No such file or directory"),
        ("empty", "no certificate found"),
        ("server.key", "no certificate found"),
        (".", "Is a directory"),
    ] {
        let run = Client::new("127.0.0.1:1").probe(&["--expect-cert", &workshop.file(file)]);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{file}");
        assert!(
            run.stderr.starts_with("error: cannot use "),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains(why), "{file}: {}", run.stderr);
        assert!(
            run.stderr.contains("\nhint: --expect-cert takes"),
            "{}",
            run.stderr
        );
    }
}
