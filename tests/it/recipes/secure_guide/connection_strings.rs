//! The guide's ways to say where and how to connect: environment and URIs.

use super::*;

#[test]
fn the_environment_says_as_much_as_the_connection_string() {
    let workshop = with_names();
    let server = start(&workshop, "", REMOTE, "");
    let client = Client::new("")
        .env("PGHOST", "postgres.example.com")
        .env("PGHOSTADDR", "127.0.0.1")
        .env("PGPORT", server.port.to_string())
        .env("PGUSER", "myuser")
        .env("PGDATABASE", "myapp")
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", workshop.file("ca.crt"));
    let run = client.run(&["--format", "json"]);
    assert_eq!(run.verdicts(), PROVEN, "{run:#?}");
    assert_eq!(
        run.status,
        Some(0),
        "verify-full is demanded and connects: {run:#?}"
    );
    let elsewhere = client
        .env("PGHOST", "db.example.com")
        .run(&["--format", "json"]);
    assert_eq!(elsewhere.verdicts(), OTHER_NAME);
    assert_eq!(
        elsewhere.status,
        Some(1),
        "verify-full is demanded and fails: {elsewhere:#?}"
    );
}

#[test]
fn the_connection_uris_mean_what_the_guide_says() {
    let workshop = with_names();
    client_certificate(&workshop, "myuser");
    let settings = settings(&workshop, "");
    let setup = |hba| Setup {
        settings: &settings,
        hba,
        ident: "",
    };
    let mut server = PgCluster::new(15).start(setup(REMOTE));
    let ca = workshop.file("ca.crt");
    let place = format!("postgres.example.com:{}/myapp", server.port);
    let ask = |uri: String, expected: [&str; 6]| {
        let run = Client::new(uri).json(&[]);
        assert_eq!(run.verdicts(), expected, "{run:#?}");
        assert_eq!(
            run.status,
            Some(0),
            "what the URI demands connects: {run:#?}"
        );
    };

    let verify = "sslmode=verify-full&hostaddr=127.0.0.1";
    ask(
        format!("postgresql://myuser:pass@{place}?{verify}&sslrootcert={ca}"),
        PROVEN,
    );
    let require = "sslmode=require&hostaddr=127.0.0.1";
    ask(
        format!("postgresql://myuser:pass@{place}?{require}"),
        TLS_ONLY,
    );

    server.reload(setup("hostssl all all 127.0.0.1/32 cert"));
    let (crt, key) = (workshop.file("client.crt"), workshop.file("client.key"));
    ask(
        format!("postgresql://myuser@{place}?{verify}&sslrootcert={ca}&sslcert={crt}&sslkey={key}"),
        PROVEN,
    );
}
