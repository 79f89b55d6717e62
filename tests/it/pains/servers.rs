//! Poolers, servers that want to be named, and servers that do not answer.

use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::support::fleet::closed_port;
use crate::support::installation::{as_account, own};
use crate::support::postgres::PASSWORD;
use crate::support::scripted::{Identity, SSL_REQUEST, Scripted, error_response};

/// A program before a server, on a port of its own; it ends when this is dropped.
struct FrontEnd {
    port: u16,
    process: Child,
}

impl FrontEnd {
    /// PgBouncer with the workshop's certificate.
    fn pgbouncer(workshop: &Workshop, backend: &PgCluster, setting: &str) -> Self {
        let port = closed_port();
        let users = workshop.write("users.txt", &format!("\"myuser\" \"{PASSWORD}\"\n"));
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n\
             auth_file = {}\n{setting}\nclient_tls_cert_file = {}\n\
             client_tls_key_file = {}\n",
            backend.port,
            users.display(),
            workshop.file("server.crt"),
            workshop.file("server.key"),
        );
        let file = workshop.write("pgbouncer.ini", &text);
        for name in ["users.txt", "pgbouncer.ini", "server.crt", "server.key"] {
            own(&workshop.path().join(name));
        }
        Self::start(port, "pgbouncer", &["-q", file.to_str().unwrap()])
    }

    /// HAProxy that ends TLS with the workshop's certificate.
    fn haproxy(workshop: &Workshop, backend: &PgCluster) -> Self {
        let port = closed_port();
        workshop.run("cat server.crt server.key > both.pem");
        let text = format!(
            "defaults\n mode tcp\n timeout connect 9s\n timeout client 9s\n timeout server 9s\n\
             listen postgres\n bind 127.0.0.1:{port} ssl crt {}\n server s 127.0.0.1:{}\n",
            workshop.file("both.pem"),
            backend.port
        );
        let file = workshop.write("haproxy.cfg", &text);
        for name in ["both.pem", "haproxy.cfg"] {
            own(&workshop.path().join(name));
        }
        Self::start(
            port,
            "haproxy",
            &["-db", "-q", "-f", file.to_str().unwrap()],
        )
    }

    /// stunnel, which shows its first certificate to whoever asks for no name or another, and the
    /// second to who asks for `db.example.com`.
    fn stunnel(first: &Workshop, second: &Workshop, backend: &PgCluster) -> Self {
        let port = closed_port();
        let service = |workshop: &Workshop| {
            own(&workshop.path().join("server.key"));
            format!(
                "connect = 127.0.0.1:{}\nprotocol = pgsql\ncert = {}\nkey = {}\n",
                backend.port,
                workshop.file("server.crt"),
                workshop.file("server.key"),
            )
        };
        let text = format!(
            "foreground = yes\npid =\n[first]\naccept = 127.0.0.1:{port}\n{}\
             [second]\nsni = first:db.example.com\n{}",
            service(first),
            service(second),
        );
        let file = first.write("stunnel.conf", &text);
        own(&file);
        Self::start(port, "stunnel4", &[file.to_str().unwrap()])
    }

    fn start(port: u16, program: &str, arguments: &[&str]) -> Self {
        let mut command = as_account(program.as_ref());
        command
            .env("PATH", "/usr/sbin:/usr/bin:/bin")
            .args(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "{program} does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { port, process }
    }
}

impl Drop for FrontEnd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_pooler_is_told_from_the_server_behind_it() {
    let (workshop, poolers) = (usual(), signed("pool", &["DNS:db.example.com"]));
    let server = server(&workshop, "", BOTH);
    let pooler = FrontEnd::pgbouncer(&poolers, &server, "client_tls_sslmode = allow");
    let backend = Client::new(at(&server, "db.example.com"));
    let conninfo = format!(
        "host=db.example.com hostaddr=127.0.0.1 port={} user=myuser dbname=myapp",
        pooler.port
    );
    let front = Client::new(conninfo.as_str());
    let run = answers(22, &front, &[]);
    let behind = backend.json(&[]);
    assert!(
        !has_advice(&behind, "channel-binding-missing"),
        "{behind:#?}"
    );
    assert_ne!(
        run.at("/certificates/0/sha256"),
        behind.at("/certificates/0/sha256")
    );
    // Side by side.
    let both = front.run(&[&front.conninfo, &backend.conninfo]);
    let both = joined(&both.stdout);
    for words in [
        "2 servers side by side",
        "pg_hba TLS scram-sha-256 scram-sha-256-plus",
        "subject CN=pool CN=db.example.com",
    ] {
        assert!(both.contains(words), "{words:?}: {both}");
    }
    // Where it is known for a pooler, no line is for the server behind it, which it would shut out.
    let known = front.json(&["--enumerate"]).at("/hosts/0");
    let of = |kind: &str| known[kind].as_array().unwrap().clone();
    let fixes: Vec<_> = [of("findings"), of("advice")]
        .concat()
        .iter()
        .flat_map(|one| one["fixes"].as_array().unwrap().clone())
        .collect();
    assert!(fixes.len() > 3, "{known:#}");
    for fix in &fixes {
        let place = fix["place"].as_str().unwrap();
        assert!(
            !["pg_hba_conf", "postgresql_conf"].contains(&place),
            "{fix}"
        );
        assert!(
            !fix["paste"].to_string().contains("pg_reload_conf"),
            "{fix}"
        );
    }
    assert_eq!(known["suggestions"], serde_json::json!([]));
    assert_eq!(run.at("/hosts/0/suggestions"), serde_json::json!([]));
    // Its own setting refuses plaintext, not pg_hba.conf.
    let plain = format!("{conninfo} sslmode=disable");
    assert_eq!(connect(&front, &plain, Libpq::V15), Ok(false));
    let setting = paste(&run, "plaintext-accepted", "elsewhere");
    let strict = FrontEnd::pgbouncer(&poolers, &server, &setting);
    let plain = plain.replace(&pooler.port.to_string(), &strict.port.to_string());
    assert!(connect(&front, &plain, Libpq::V15).is_err());
    let encrypted = plain.replace("sslmode=disable", "sslmode=require");
    // What the backend sees is the pooler's own connection, and that is not encrypted.
    assert_eq!(connect(&front, &encrypted, Libpq::V15), Ok(false));
    // The real libpq cannot bind through it.
    let bound = format!("{conninfo} sslmode=require channel_binding=require");
    assert!(connect(&front, &bound, Libpq::V15).is_err());
    let run = Client::new(bound.as_str()).json(&[]);
    assert_eq!(run.verdicts()[3], "auth_requirement_failed");
    assert_eq!(explained(&run), 6);
}

#[test]
fn a_server_that_wants_to_be_named_is_not_reached_by_address() {
    let identity = Identity::new("db.example.com", "a proxy");
    let config = identity.server();
    let scripted = Scripted::new(move |_, peer| {
        if peer.request() == Some(SSL_REQUEST) {
            peer.send(b"S");
            if let Some(mut tls) = peer.tls(&config) {
                tls.send(&error_response(
                    "XX000",
                    "Endpoint ID is not specified. Either please upgrade the postgres client \
                     library (libpq) for SNI support",
                ));
                tls.wait_for_end();
            }
        } else {
            peer.send(&error_response("XX000", "connection is insecure"));
        }
    });
    let client = Client::new(format!(
        "host=127.0.0.1 port={} user=myuser dbname=myapp",
        scripted.port
    ));
    let run = answers(15, &client, &[]);
    assert_eq!(explained(&run), 6);
}

#[test]
fn a_server_that_does_not_answer_costs_no_more_than_the_deadline() {
    let workshop = usual();
    let server = server(&workshop, "", BOTH);
    // Stopped, its listener still accepts TCP.
    server.signal("STOP");
    let client = Client::new(at(&server, "db.example.com"));
    let begin = Instant::now();
    let run = answers(24, &client, &["--timeout", "1"]);
    assert!(begin.elapsed() < Duration::from_secs(5));
    let pasted = mended(&client, &run, "connect-timeout");
    assert!(pasted.ends_with("connect_timeout=10"), "{pasted}");
    let limited = Client::new(format!("{} connect_timeout=2", client.conninfo));
    let run = limited.json(&[]);
    assert_eq!(explained(&run), 6);
    let error = connect(&limited, &limited.conninfo, Libpq::V15).unwrap_err();
    assert!(error.contains("timeout expired"), "{error}");
    server.signal("CONT");
    assert_eq!(connect(&client, &pasted, Libpq::V15), Ok(true));
}

#[test]
fn a_proxy_that_ends_tls_is_told_by_its_tickets_and_its_missing_alpn() {
    let workshop = usual();
    let server = server(&workshop, "", BOTH);
    let proxy = FrontEnd::haproxy(&workshop, &server);
    let client = Client::new(format!(
        "host=db.example.com hostaddr=127.0.0.1 port={} user=myuser dbname=myapp \
         sslnegotiation=direct sslmode=require",
        proxy.port
    ));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 6);
    advice(&run, "alpn-missing");
    let why = advice(&run, "front-end")["why"].to_string();
    assert!(why.contains("session tickets"), "{why}");
    let error = connect(&client, &client.conninfo, Libpq::V18).unwrap_err();
    assert!(error.contains("ALPN"), "{error}");
    // PostgreSQL itself gives no sign of the kind.
    let behind = Client::new(at(&server, "db.example.com")).json(&["--depth", "full"]);
    assert!(!has_advice(&behind, "front-end"), "{behind:#?}");
}

#[test]
fn answers_that_no_postgresql_gives_are_told_apart() {
    let identity = Identity::new("db.example.com", "a server");
    for (answer, about, modes) in [
        (&b""[..], "connection-closed", 4),
        (b"E", "error-before-tls", 4),
        (b"H", "error-before-tls", 4),
        (b"S", "handshake-failed", 2),
        (b"Sx", "data-injected", 2),
    ] {
        let config = identity.server();
        let scripted = Scripted::new(move |_, peer| match peer.request() {
            Some(SSL_REQUEST) => {
                peer.send(answer);
                match answer {
                    b"Sx" => drop(peer.tls(&config)),
                    b"S" => {
                        peer.request();
                        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
                        peer.wait_for_end();
                    }
                    _ => {}
                }
                peer.close();
            }
            _ => peer.send(&error_response(
                "57P03",
                "the database system is starting up",
            )),
        });
        let client = Client::new(format!(
            "host=127.0.0.1 port={} user=a dbname=b sslrootcert=none.crt",
            scripted.port
        ));
        let run = client.json(&[]);
        explained(&run);
        let found = advice(&run, about);
        assert_eq!(
            found["modes"].as_array().unwrap().len(),
            modes,
            "{answer:?}: {found:#}"
        );
        let starting = advice(&run, "server-error");
        assert!(
            starting["fixes"][0]["text"]
                .to_string()
                .contains("starting up")
        );
    }
}

#[test]
fn a_certificate_that_is_chosen_by_sni_is_shown_beside_the_other() {
    let (named, other) = (usual(), signed("other", &["DNS:other.example.com"]));
    let server = server(&named, "", BOTH);
    let proxy = FrontEnd::stunnel(&other, &named, &server);
    let reached = |host: &str| {
        let conninfo = format!(
            "host={host} hostaddr=127.0.0.1 port={} user=myuser dbname=myapp",
            proxy.port
        );
        Client::new(conninfo)
    };
    let client = reached("db.example.com");
    let run = client.json(&["--compare-sni"]);
    let nameless = run.at("/hosts/0/without_server_name");
    assert_eq!(nameless["completed"], true, "{run:#?}");
    assert_eq!(nameless["same_chain"], false, "{run:#?}");
    assert_eq!(nameless["sha256"], other.fingerprint("server.crt"));
    assert_eq!(
        run.at("/certificates/0/sha256"),
        named.fingerprint("server.crt")
    );
    let hash = other.fingerprint("server.crt");
    let shown = format!("ANOTHER, {}", &hash[..10]);
    let words = [&shown, "the server chooses its certificate by SNI"];
    says(&client, &["--compare-sni"], &words);
    // For another name it is the same with it and without.
    let run = reached("db2.example.com").json(&["--compare-sni"]);
    let nameless = run.at("/hosts/0/without_server_name");
    assert_eq!(nameless["same_chain"], true, "{run:#?}");
    // The real libpq gets the one that its sslsni asks for.
    for (sslsni, verifies) in [(1, true), (0, false)] {
        let root = named.file("ca.crt");
        let verifying = format!(
            "{} sslmode=verify-ca sslrootcert={root} sslsni={sslsni}",
            client.conninfo
        );
        let connected = connect(&client, &verifying, Libpq::V15);
        assert_eq!(connected.is_ok(), verifies, "{connected:?}");
    }
}
