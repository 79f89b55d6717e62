//! A saved observation, judged again, says what the probe said.

use serde_json::Value;

use crate::support::certificates;
use crate::support::pgprobe::{Client, Run};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::scripted::{Scripted, error_response};

/// Probes with `options`, judges what was saved, and compares the two reports.
#[track_caller]
fn same_again(client: &Client, options: &[&str]) -> Run {
    let saved = client.home().join("saved.json");
    let saved = saved.to_str().unwrap();
    let probed = client.json(&[options, &["--save-observation", saved]].concat());
    let again = client.run(&["assess", saved, "--format", "json"]);
    let reports: [Value; 2] = [probed.object(), again.object()];
    assert_eq!(reports[0], reports[1], "{options:?}");
    assert_eq!(probed.status, again.status, "{options:?}");
    again
}

#[test]
fn of_a_server_with_tls_at_each_depth() {
    let workshop = certificates::signed("db.example.test", &["DNS:db.example.test"]);
    let server = PgCluster::new(18);
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
         sslmode=verify-full sslrootcert={root}",
        server.port
    ));
    for depth in ["handshake", "startup", "full"] {
        same_again(&client, &["--depth", depth]);
    }
    // What the root file said was saved with it: without the file the answer is the same.
    workshop.run("rm ca.crt");
    let saved = client.home().join("saved.json");
    let again = client.run(&["assess", saved.to_str().unwrap(), "--format", "json"]);
    assert_eq!(
        again.verdicts(),
        ["hba_rejected", "tls", "tls", "tls", "tls", "tls"]
    );

    // Another time, and another client, are other questions about the same evidence.
    let later = client.run(&[
        "assess",
        saved.to_str().unwrap(),
        "--format",
        "json",
        "--at",
        "2100-01-01",
    ]);
    assert_eq!(later.verdicts()[5], "cert_untrusted", "{later:#?}");
    assert_eq!(later.status, Some(1), "{later:#?}");
}

#[test]
fn of_a_server_without_tls() {
    let server = PgCluster::new(15).start(Setup {
        settings: "ssl = off\n",
        hba: "host all all all trust",
        ident: "",
    });
    let client = Client::new(format!("host=127.0.0.1 port={} user=myuser", server.port));
    same_again(&client, &[]);
}

#[test]
fn of_servers_that_answer_otherwise() {
    let answers = [
        error_response("0A000", "no"),
        b"X".to_vec(),
        b"S".to_vec(),
        vec![],
    ];
    for answer in answers {
        let server = Scripted::new(move |_, peer| {
            peer.request();
            peer.send(&answer);
            peer.close();
            peer.wait_for_end();
        });
        let client = Client::new(format!("host=127.0.0.1 port={} user=myuser", server.port));
        same_again(&client, &[]);
    }
}

#[test]
fn of_parameters_that_libpq_refuses() {
    same_again(&Client::new("host=127.0.0.1 port=1 sslmode=bogus"), &[]);
    same_again(&Client::new("host=127.0.0.1 port=1 no_such_option=1"), &[]);
}

#[test]
fn a_file_that_is_no_observation_is_refused_in_one_line() {
    let client = Client::new("").home_file("other.json", "{\"observation\": 999}");
    for text in ["{\"observation\": 999}", "", "null", "[1, 2", "\u{1b}[31m"] {
        let client = Client::new("").home_file("other.json", text);
        let run = client.run(&["assess", "other.json"]);
        assert_eq!(run.status, Some(2), "{run:#?}");
        assert_eq!(run.stdout, "", "{run:#?}");
        assert!(
            run.stderr.starts_with("error: ") && !run.stderr.contains('\u{1b}'),
            "{run:#?}"
        );
    }
    let run = client.run(&["assess", "no such file"]);
    assert_eq!(run.status, Some(2), "{run:#?}");
}
