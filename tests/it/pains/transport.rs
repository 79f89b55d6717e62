//! TLS off, old versions, direct TLS, GSS, and how much a probe costs.

use super::*;

#[test]
fn a_server_without_tls_gets_it_by_the_pasted_lines() {
    let mut server = PgCluster::new(15).start(Setup {
        settings: "",
        hba: BOTH,
        ident: "",
    });
    let client = Client::new(at(&server, "db.example.com"));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 3);
    says(
        &client,
        &[],
        &["it has no TLS, or an intermediary took it away, for nothing proves who said N"],
    );
    let required = mended(&client, &run, "tls-off");
    assert!(connect(&client, &required, Libpq::V15).is_err());

    let workshop = Workshop::new();
    workshop.run(&paste(&run, "tls-off", "server_shell"));
    server.install(workshop.path(), &["server.crt", "server.key"]);
    server.reload(Setup {
        settings: &paste(&run, "tls-off", "postgresql_conf"),
        hba: BOTH,
        ident: "",
    });
    assert_eq!(connect(&client, &required, Libpq::V15), Ok(true));
    let rooted = Client::new(format!(
        "{} sslmode=verify-full sslrootcert={}",
        client.conninfo,
        workshop.file("server.crt")
    ));
    assert_eq!(connect(&rooted, &rooted.conninfo, Libpq::V15), Ok(true));
    assert_eq!(rooted.json(&[]).verdicts()[5], "tls");
}

#[test]
fn an_old_version_is_named_and_the_pasted_lines_allow_a_newer_one() {
    let workshop = usual();
    let cluster = PgCluster::new(15).permissive();
    cluster.install(workshop.path(), &["server.crt", "server.key"]);
    let mut server = cluster.start(Setup {
        settings: &format!(
            "{SSL_ON}ssl_min_protocol_version = 'TLSv1'\nssl_max_protocol_version = 'TLSv1.1'"
        ),
        hba: BOTH,
        ident: "",
    });
    let client = Client::new(at(&server, "db.example.com"));
    let run = answers(19, &client, &[]);
    assert_eq!(explained(&run), 3);
    let required = format!("{} sslmode=require", client.conninfo);
    assert!(connect(&client, &required, Libpq::V15).is_err());
    let all = client.run(&["ciphers", &client.conninfo]);
    assert!(all.stdout.contains("tls-1-0-or-1-1"), "{all:#?}");
    let lines = paste(&run, "tls-version-unsupported", "postgresql_conf");
    server.reload(Setup {
        settings: &format!("{SSL_ON}{lines}"),
        hba: BOTH,
        ident: "",
    });
    assert_eq!(connect(&client, &required, Libpq::V15), Ok(true));

    // The other way round: the client holds back.
    server.reload(Setup {
        settings: &format!("{SSL_ON}ssl_min_protocol_version = 'TLSv1.3'"),
        hba: BOTH,
        ident: "",
    });
    let client = Client::new(format!("{required} ssl_max_protocol_version=TLSv1.2"));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 3);
    assert!(connect(&client, &client.conninfo, Libpq::V15).is_err());
    let pasted = mended(&client, &run, "tls-version-unsupported");
    assert_eq!(connect(&client, &pasted, Libpq::V15), Ok(true));
}

#[test]
fn direct_tls_to_an_old_server_goes_back_to_asking() {
    let workshop = usual();
    let server = server(&workshop, "", BOTH);
    let client = Client::new(format!(
        "{} sslnegotiation=direct sslmode=require",
        at(&server, "db.example.com")
    ));
    let run = answers(14, &client, &[]);
    // Weaker modes are refused as such, and told so.
    advice(&run, "parameter-refused");
    assert_eq!(explained(&run), 6);
    assert!(connect(&client, &client.conninfo, Libpq::V18).is_err());
    let pasted = mended(&client, &run, "direct-tls-unsupported");
    assert_eq!(connect(&client, &pasted, Libpq::V18), Ok(true));
    // Seen beside SSLRequest too.
    let plain = Client::new(at(&server, "db.example.com"));
    says(
        &plain,
        &["--depth", "full"],
        &["sslnegotiation=direct would fail here"],
    );
}

#[test]
fn gss_before_tls_is_told_and_can_be_turned_off() {
    let workshop = usual();
    let server = server(&workshop, "", BOTH);
    let client = Client::new(at(&server, "db.example.com"));
    let run = answers(25, &client, &["--depth", "full"]);
    let pasted = mended(&client, &run, "gss-first");
    let mended = Client::new(pasted);
    assert!(!has_advice(&mended.json(&["--depth", "full"]), "gss-first"));
    assert_eq!(connect(&mended, &mended.conninfo, Libpq::V15), Ok(true));
}

#[test]
fn the_cheapest_probe_leaves_no_line_in_the_log() {
    let workshop = usual();
    let server = server(&workshop, "", BOTH);
    let client = Client::new(at(&server, "db.example.com"));
    let before = server.log().len();
    answers(16, &client, &["--depth", "handshake"]);
    assert_eq!(server.settled_log(before), Vec::<String>::new());
}

#[test]
fn the_exit_status_is_that_of_the_demanded_mode() {
    let workshop = usual();
    let server = server(&workshop, "", BOTH);
    let root = workshop.file("ca.crt");
    let conninfo = at(&server, "db.example.com");
    let good = Client::new(format!("{conninfo} sslmode=verify-full sslrootcert={root}"));
    assert_eq!(answers(20, &good, &[]).status, Some(0));
    let bad = Client::new(format!("{conninfo} sslmode=verify-full"));
    assert_eq!(answers(20, &bad, &[]).status, Some(1));
    let run = Client::new("host=127.0.0.1 port=1 user=a").json(&[]);
    assert_eq!(run.status, Some(2));
    advice(&run, "no-connection");
    assert_eq!(explained(&run), 6);
    // The codes of monitoring plugins are another set, of another command.
    for (conninfo, status) in [
        (good.conninfo.as_str(), 0),
        ("host=127.0.0.1 port=1 user=a", 2),
        ("host=127.0.0.1 port=1 nonsense=1", 3),
    ] {
        let check = good.run(&["check", conninfo]);
        assert_eq!(check.status, Some(status), "{check:#?}");
    }
}

#[test]
fn the_key_exchange_is_shown_and_what_was_offered() {
    let workshop = usual();
    let cluster = PgCluster::new(18);
    cluster.install(workshop.path(), &["server.crt", "server.key"]);
    let server = cluster.start(Setup {
        settings: SSL_ON,
        hba: BOTH,
        ident: "",
    });
    let client = Client::new(at(&server, "db.example.com"));
    let run = answers(21, &client, &[]);
    assert_eq!(run.at("/tls/group"), "x25519");
    let all = client.run(&["ciphers", &client.conninfo]);
    assert_eq!(all.status, Some(0), "{all:#?}");
    for words in ["x25519 secp256r1", "post-quantum-group-missing"] {
        assert!(all.stdout.contains(words), "{all:#?}");
    }
    let offered = run.at("/tls/offer/groups");
    assert!(
        offered.as_array().unwrap().contains(&"x25519".into()),
        "{offered}"
    );
}
