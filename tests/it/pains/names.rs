//! Host names, addresses, and certificates that other clients refuse.

use super::*;

#[test]
fn the_name_to_use_and_the_name_to_add_both_mend_a_mismatch() {
    let workshop = signed("pg1", &["DNS:pg1.example.com"]);
    let mut server = server(&workshop, "", BOTH);
    let root = workshop.file("ca.crt");
    let client = Client::new(format!(
        "host=127.0.0.1 port={} user=myuser dbname=myapp sslrootcert={root} sslmode=verify-full",
        server.port
    ));
    let run = answers(8, &client, &[]);
    assert_eq!(explained(&run), 1);
    let pasted = mended(&client, &run, "host-name-mismatch");
    assert!(
        pasted.ends_with("host=pg1.example.com hostaddr=127.0.0.1"),
        "{pasted}"
    );
    assert_eq!(connect(&client, &pasted, Libpq::V15), Ok(true));

    assert!(connect(&client, &client.conninfo, Libpq::V15).is_err());
    let extension = paste(&run, "host-name-mismatch", "elsewhere");
    assert_eq!(
        extension,
        "subjectAltName = DNS:pg1.example.com,IP:127.0.0.1"
    );
    workshop.write("extensions", &extension);
    workshop.run(
        "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -out server.crt -days 9 \
             -extfile extensions",
    );
    server.install(workshop.path(), &["server.crt"]);
    server.reread();
    for libpq in [Libpq::V15, Libpq::V18] {
        assert_eq!(connect(&client, &client.conninfo, libpq), Ok(true));
    }
    // libpq 14 would not: it does not look at the address.
    let run = client.json(&[]);
    let about = advice(&run, "older-libpq-differs");
    assert!(
        about["why"]
            .to_string()
            .contains("they do not look at iPAddress names")
    );
    says(&client, &[], &["libpq 14 and older would differ"]);
    // By name all of them agree.
    let by_name = Client::new(format!(
        "{} sslrootcert={root}",
        at(&server, "pg1.example.com")
    ));
    assert!(!has_advice(&by_name.json(&[]), "older-libpq-differs"));
}

#[test]
fn hostaddr_alone_has_no_name_to_compare() {
    let workshop = usual();
    let server = server(&workshop, "", BOTH);
    let client = Client::new(format!(
        "hostaddr=127.0.0.1 port={} user=myuser dbname=myapp sslrootcert={} sslmode=verify-full",
        server.port,
        workshop.file("ca.crt")
    ));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 1);
    let pasted = mended(&client, &run, "host-name-missing");
    assert_eq!(connect(&client, &pasted, Libpq::V15), Ok(true));
}

#[test]
fn a_certificate_of_cloud_sql_is_verified_by_the_name_it_has() {
    let workshop = Workshop::after(
        "openssl req -new -x509 -days 999 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
             -out ca.crt -keyout ca.key -subj '/CN=Google Cloud SQL Server CA/O=Google, Inc/C=US'
         openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -out server.csr \
             -keyout server.key -subj '/CN=project:instance'
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
             -out server.crt -days 100",
    );
    let server = server(&workshop, "", BOTH);
    let client = Client::new(format!(
        "host=127.0.0.1 port={} user=myuser dbname=myapp sslrootcert={} sslmode=verify-full",
        server.port,
        workshop.file("ca.crt")
    ));
    let run = answers(9, &client, &[]);
    assert_eq!(run.verdicts()[4..], ["tls", "hostname_mismatch"]);
    let pasted = mended(&client, &run, "host-name-mismatch");
    assert!(
        pasted.ends_with("host=project:instance hostaddr=127.0.0.1"),
        "{pasted}"
    );
    assert_eq!(connect(&client, &pasted, Libpq::V15), Ok(true));

    // Without the root the provider is named.
    let bare = Client::new(format!("host=127.0.0.1 port={} user=myuser", server.port));
    says(
        &bare,
        &[],
        &["this looks like Google Cloud SQL, which has a CA for each customer"],
    );
}

#[test]
fn other_clients_are_named_only_where_they_refuse() {
    let v1 = Workshop::after(
        "openssl req -new -x509 -days 999 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
             -out ca.crt -keyout ca.key -subj '/CN=Test CA'
         openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -out server.csr \
             -keyout server.key -subj '/CN=db.example.com'
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
             -out v1.crt -days 100
         cp v1.crt server.crt
         sign() { printf \"$1\" > extensions; openssl x509 -req -in server.csr -CA ca.crt \
             -CAkey ca.key -CAcreateserial -out $2 -days 100 -extfile extensions; }
         sign 'basicConstraints=CA:FALSE\\n' cn.crt
         sign 'subjectAltName=DNS:db.example.com\\n' good.crt
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -out sha1.crt -days 100 -sha1 \
             -extfile extensions
         sign 'subjectAltName=IP:127.0.0.1\\n' ip.crt
         sign 'subjectAltName=DNS:127.0.0.1\\n' dns_ip.crt
         sign 'basicConstraints=CA:TRUE\\nsubjectAltName=DNS:db.example.com\\n' ca_true.crt
         sign 'subjectAltName=DNS:*.test\\n' top.crt",
    );
    let cluster = PgCluster::new(15).permissive();
    cluster.install(v1.path(), &["server.crt", "server.key"]);
    let mut server = cluster.start(Setup {
        settings: SSL_ON,
        hba: BOTH,
        ident: "",
    });
    let client = |host: &str, more: &str| {
        let port = server.port;
        Client::new(format!(
            "host={host} hostaddr=127.0.0.1 port={port} user=myuser dbname=myapp {more}"
        ))
    };
    let rooted = format!("sslrootcert={}", v1.file("ca.crt"));
    let db = client("db.example.com", &rooted);
    let run = answers(12, &db, &[]);
    // libpq takes it, and so do we.
    assert_eq!(run.verdicts()[5], "tls");
    let clients = |run: &Run| -> Vec<String> {
        let all = run.at("/hosts/0/other_clients");
        let all = all.as_array().unwrap().iter();
        all.map(|one| {
            let client = one["client"].as_str().unwrap();
            client.split(' ').next().unwrap().to_owned()
        })
        .collect()
    };
    answers(4, &db, &[]);
    let (address, test) = (client("127.0.0.1", &rooted), client("a.test", &rooted));
    for (file, client, options, refusing) in [
        (
            "v1.crt",
            &db,
            &[][..],
            &["rustls", "Go", "node-postgres"][..],
        ),
        ("cn.crt", &db, &[], &["rustls", "Go", "node-postgres"]),
        ("good.crt", &db, &[], &["node-postgres"]),
        ("ca_true.crt", &db, &[], &["rustls", "node-postgres"]),
        ("ip.crt", &address, &[], &["node-postgres", "node-postgres"]),
        (
            "dns_ip.crt",
            &address,
            &[],
            &["rustls", "Go", "node-postgres", "asyncpg"],
        ),
        (
            "top.crt",
            &test,
            &[],
            &["rustls", "node-postgres", "asyncpg"],
        ),
        // OpenSSL 3 refuses SHA-1 itself, so that nobody else is named.
        ("sha1.crt", &db, &[], &[]),
        (
            "sha1.crt",
            &test,
            &["--openssl", "1.1.1"],
            &["rustls", "Go", "node-postgres"],
        ),
    ] {
        v1.run(&format!("cp {file} server.crt"));
        server.install(v1.path(), &["server.crt"]);
        server.reread();
        let run = client.json(options);
        assert_eq!(clients(&run), refusing, "{file} {options:?}: {run:#?}");
    }
}

#[test]
fn a_name_that_would_do_something_else_where_it_is_pasted_is_not_given() {
    let workshop = signed(
        "evil",
        &["DNS:`touch pwned`", "DNS:-oProxyCommand", "DNS:a b"],
    );
    let server = server(&workshop, "", BOTH);
    let client = Client::new(format!(
        "{} sslrootcert={}",
        at(&server, "db.example.com"),
        workshop.file("ca.crt")
    ));
    let run = client.json(&[]);
    let about = advice(&run, "host-name-mismatch");
    let fixes = about["fixes"].as_array().unwrap();
    assert_eq!(fixes.len(), 1, "{about:#}");
    // Nor is a line that would lose these names.
    assert_eq!(fixes[0]["paste"], serde_json::json!([]));
    let text = fixes[0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("have a certificate issued whose subjectAltName"),
        "{text}"
    );
}

#[test]
fn options_and_uris_are_part_of_what_is_pasted() {
    let workshop = usual();
    let server = server(&workshop, "", TLS_ONLY);
    let root = workshop.file("ca.crt");
    let bare = Client::new(format!("127.0.0.1:{}", server.port)).env("PGUSER", "myuser");
    let options = ["--sslrootcert", root.as_str()];
    let run = bare.json(&options);
    let pasted = paste(&run, "plaintext-refused", "connection_string");
    let port = server.port;
    assert_eq!(
        pasted,
        format!("host=127.0.0.1 port={port} sslmode=verify-ca sslrootcert={root}")
    );
    let uri = format!("postgresql://myuser@127.0.0.1:{port}/myapp?sslrootcert={root}");
    let client = Client::new(uri.as_str());
    let run = client.json(&[]);
    let pasted = paste(&run, "host-name-mismatch", "connection_string");
    let full = format!("{uri}&sslmode=verify-full&{pasted}");
    assert_eq!(connect(&client, &full, Libpq::V15), Ok(true));
}
