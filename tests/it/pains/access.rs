//! pg_hba.conf, client certificates, authentication.

use super::*;
use crate::support::certificates;

#[test]
fn plaintext_that_is_refused_is_told_from_a_refusal_of_everything() {
    let workshop = usual();
    let mut server = server(&workshop, "", TLS_ONLY);
    let client = Client::new(at(&server, "db.example.com"));
    let run = answers(3, &client, &[]);
    let plain = format!("{} sslmode=disable", client.conninfo);
    let error = connect(&client, &plain, Libpq::V15).unwrap_err();
    assert!(error.contains("no encryption"), "{error}");
    let pasted = mended(&client, &run, "plaintext-refused");
    assert_eq!(connect(&client, &pasted, Libpq::V15), Ok(true));

    let mut reload = |hba: &str| {
        server.reload(Setup {
            settings: SSL_ON,
            hba,
            ident: "",
        });
    };
    // Nobody is let in: the pasted line lets this one in, and over TLS only.
    reload("host all somebody all scram-sha-256");
    let run = client.json(&[]);
    assert_eq!(explained(&run), 6);
    assert!(!has_advice(&run, "plaintext-refused"), "{run:#?}");
    let line = paste(&run, "hba-refuses", "pg_hba_conf");
    assert_eq!(
        line,
        "hostssl  \"myapp\"  \"myuser\"  127.0.0.1/32  scram-sha-256"
    );
    reload(&line);
    let required = format!("{} sslmode=require", client.conninfo);
    assert_eq!(connect(&client, &required, Libpq::V15), Ok(true));
    assert!(connect(&client, &plain, Libpq::V15).is_err());

    // TLS is refused, plaintext let in.
    let hba = "hostnossl all all all scram-sha-256";
    reload(hba);
    let run = client.json(&[]);
    assert_eq!(explained(&run), 3);
    assert!(connect(&client, &required, Libpq::V15).is_err());
    reload(&format!(
        "{}\n{hba}",
        paste(&run, "tls-refused", "pg_hba_conf")
    ));
    assert_eq!(connect(&client, &required, Libpq::V15), Ok(true));

    // The same behind a chain that does not verify: both are to be mended.
    reload(hba);
    let other = signed("other", &["DNS:other"]);
    let conninfo = format!("{} sslrootcert={}", client.conninfo, other.file("ca.crt"));
    let run = Client::new(conninfo).json(&[]);
    let found = advice(&run, "tls-refused");
    let modes = serde_json::json!(["require", "verify-ca", "verify-full"]);
    assert_eq!(found["modes"], modes);
    let why = found["why"].as_str().unwrap();
    assert!(
        why.starts_with("would still fail: pg_hba.conf refuses TLS"),
        "{why}"
    );
}

#[test]
fn the_line_for_a_unix_socket_is_a_local_one() {
    let workshop = usual();
    let mut server = server(&workshop, "", "");
    let data = server.data();
    let folder = data.parent().unwrap();
    let client = Client::new(format!(
        "host={} port={} user=myuser dbname=myapp",
        folder.display(),
        server.port
    ));
    let run = client.json(&[]);
    let line = paste(&run, "hba-refuses", "pg_hba_conf");
    assert_eq!(line, "local  \"myapp\"  \"myuser\"  scram-sha-256");
    server.reload(Setup {
        settings: SSL_ON,
        hba: &line,
        ident: "",
    });
    assert_eq!(connect(&client, &client.conninfo, Libpq::V15), Ok(false));
}

#[test]
fn plaintext_that_is_let_in_is_refused_by_the_pasted_line() {
    let workshop = usual();
    let mut server = server(&workshop, "", BOTH);
    let client = Client::new(at(&server, "db.example.com"));
    let run = answers(17, &client, &[]);
    answers(2, &client, &[]);
    let plain = format!("{} sslmode=disable", client.conninfo);
    assert_eq!(connect(&client, &plain, Libpq::V15), Ok(false));
    let line = paste(&run, "plaintext-accepted", "pg_hba_conf");
    server.reload(Setup {
        settings: SSL_ON,
        hba: &format!("{line}\n{BOTH}"),
        ident: "",
    });
    assert!(connect(&client, &plain, Libpq::V15).is_err());
    assert_eq!(connect(&client, &client.conninfo, Libpq::V15), Ok(true));
    let after = client.json(&[]);
    assert_eq!(after.at("/hosts/0/startup/plaintext/answer"), "refused");
    assert!(!has_advice(&after, "plaintext-accepted"), "{after:#?}");
}

#[test]
fn who_was_asked_for_is_said_before_pg_hba_conf_is_blamed() {
    let workshop = usual();
    let server = server(&workshop, "", "hostssl myapp myuser all scram-sha-256");
    let client = Client::new(format!(
        "host=db.example.com hostaddr=127.0.0.1 port={}",
        server.port
    ));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 6);
    says(&client, &[], &["give user= and dbname= first"]);
    let about: Vec<_> = run.at("/hosts/0/advice").as_array().unwrap().clone();
    let place = |kind| about.iter().position(|advice| advice["about"] == kind);
    assert!(place("user-not-given") < place("hba-refuses"), "{run:#?}");
    let given = Client::new(at(&server, "db.example.com"));
    assert!(!has_advice(&given.json(&[]), "user-not-given"));
}

#[test]
fn a_client_certificate_is_asked_for_by_its_ca_and_put_where_libpq_looks() {
    let workshop = usual();
    certificates::client(&workshop, "client", "myuser");
    let cluster = PgCluster::new(15);
    cluster.install(workshop.path(), &["server.crt", "server.key", "ca.crt"]);
    let server = cluster.start(Setup {
        settings: &format!("{SSL_ON}ssl_ca_file = 'ca.crt'"),
        hba: "hostssl all all all cert",
        ident: "",
    });
    let client = Client::new(format!("{} sslmode=require", at(&server, "db.example.com")));
    let run = answers(18, &client, &[]);
    assert_eq!(explained(&run), 6);
    assert!(!has_advice(&run, "hba-refuses"), "{run:#?}");

    let folder = client.home().join(".postgresql");
    fs::create_dir_all(&folder).unwrap();
    for (from, to) in [
        ("client.crt", "postgresql.crt"),
        ("client.key", "postgresql.key"),
    ] {
        fs::write(folder.join(to), workshop.read(from)).unwrap();
    }
    fs::remove_file(folder.join("postgresql.key")).unwrap();
    advice(&client.json(&[]), "client-certificate-unusable");
    fs::write(folder.join("postgresql.key"), workshop.read("client.key")).unwrap();
    // As everybody copies it: readable for all, which libpq does not take.
    let run = client.json(&[]);
    let open = advice(&run, "client-key-permissions");
    assert!(
        open["modes"]
            .as_array()
            .unwrap()
            .contains(&"require".into())
    );
    assert!(connect(&client, &client.conninfo, Libpq::V15).is_err());
    in_shell(
        &client,
        &paste(&run, "client-key-permissions", "client_shell"),
    );
    assert_eq!(connect(&client, &client.conninfo, Libpq::V15), Ok(true));
    assert_eq!(client.json(&[]).verdicts()[3], "tls");

    // Another user than the certificate's.
    let other = Client::new(client.conninfo.replace("user=myuser", "user=alice"))
        .home_file(".postgresql/postgresql.crt", workshop.read("client.crt"))
        .home_file(".postgresql/postgresql.key", workshop.read("client.key"));
    in_shell(&other, "chmod 600 .postgresql/postgresql.key");
    let run = other.json(&[]);
    let why = advice(&run, "client-certificate-refused")["why"].to_string();
    assert!(
        why.contains("does not stand for the user \\\"alice\\\""),
        "{why}"
    );
    // A certificate of another CA.
    let stranger = usual();
    certificates::client(&stranger, "client", "myuser");
    let other = Client::new(client.conninfo.as_str())
        .home_file(".postgresql/postgresql.crt", stranger.read("client.crt"))
        .home_file(".postgresql/postgresql.key", stranger.read("client.key"));
    in_shell(&other, "chmod 600 .postgresql/postgresql.key");
    let run = other.json(&[]);
    advice(&run, "client-certificate-refused");
    assert_eq!(explained(&run), 6);
}

#[test]
fn requirements_on_authentication_are_mended_in_the_connection_string() {
    let workshop = usual();
    let server = server(
        &workshop,
        "",
        "host all md5user all md5\nhost all all all scram-sha-256",
    );
    let conninfo = at(&server, "db.example.com");
    let client = Client::new(format!("{conninfo} require_auth=md5"));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 6);
    assert!(connect(&client, &client.conninfo, Libpq::V18).is_err());
    let pasted = mended(&client, &run, "require-auth-mismatch");
    assert_eq!(connect(&client, &pasted, Libpq::V18), Ok(true));

    let client = Client::new(format!(
        "{} channel_binding=require sslmode=require",
        conninfo.replace("user=myuser", "user=md5user")
    ));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 6);
    assert!(connect(&client, &client.conninfo, Libpq::V15).is_err());
    let rooted = format!(
        "{} sslrootcert={}",
        mended(&client, &run, "channel-binding-missing"),
        workshop.file("ca.crt")
    );
    assert_eq!(connect(&client, &rooted, Libpq::V15), Ok(true));

    // Only a server that asks for no password comes to that.
    let trusting = PgCluster::new(15);
    trusting.install(workshop.path(), &["server.crt", "server.key"]);
    let trusting = trusting.start(Setup {
        settings: SSL_ON,
        hba: "host all all all trust",
        ident: "",
    });
    let client = Client::new(format!(
        "{} sslcertmode=require",
        at(&trusting, "db.example.com")
    ));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 6);
    assert!(connect(&client, &client.conninfo, Libpq::V18).is_err());
    let pasted = mended(&client, &run, "client-certificate-not-requested");
    assert_eq!(connect(&client, &pasted, Libpq::V18), Ok(true));
}
