//! `pgprobe check` as a monitoring core runs it: arguments, states, and what it prints.

use crate::support::certificates::{Workshop, client, signed};
use crate::support::pgprobe::{Client, Run};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::psql::{Libpq, connect};

/// Who is let in how, by user.
const HBA: &str = "\
hostssl all alice all scram-sha-256
hostssl all myuser all cert
hostssl all half all cert
hostnossl all half all scram-sha-256
host all md5user all md5
host all admin all trust
";

/// A certificate with a key and a CA, for so many days, with a CA that lives for ten years.
fn for_days(days: u32) -> Workshop {
    let workshop = signed("db", &["DNS:db.example.test", "IP:127.0.0.1"]);
    workshop.run(&format!(
        "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
         -out server.crt -days {days} -extfile extensions"
    ));
    workshop
}

fn start(major: u32, workshop: &Workshop, settings: &str) -> PgCluster {
    let server = PgCluster::new(major);
    server.install(workshop.path(), &["server.crt", "server.key", "ca.crt"]);
    server.start(Setup {
        settings: &format!("ssl = on\n{settings}"),
        hba: HBA,
        ident: "",
    })
}

/// `pgprobe check -p PORT ARGUMENTS`, which must always leave the form of a plugin.
fn check(port: u16, arguments: &[&str]) -> Run {
    let port = port.to_string();
    let arguments = [&["check", "-p", &port], arguments].concat();
    plugin(&Client::new(""), &arguments)
}

/// Runs a plugin: its exit status and first line agree, and nothing is out of form.
pub(crate) fn plugin(client: &Client, arguments: &[&str]) -> Run {
    let run = client.run(arguments);
    assert_eq!(run.stderr, "", "{run:#?}");
    let words = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];
    let status = usize::try_from(run.status.unwrap()).unwrap();
    let first = run.stdout.lines().next().unwrap();
    let word = words.get(status).unwrap_or_else(|| panic!("{run:#?}"));
    assert!(first.starts_with(&format!("PGPROBE {word}: ")), "{run:#?}");
    assert!(first.chars().count() <= 80, "{run:#?}");
    let harmful = |one: char| one.is_control() && one != '\n';
    assert!(!run.stdout.contains(harmful), "{run:#?}");
    let (_, perfdata) = run.stdout.split_once('|').unwrap_or_default();
    assert!(!perfdata.contains('|'), "{run:#?}");
    for datum in perfdata.split_whitespace() {
        let (label, value) = datum.split_once('=').unwrap();
        assert!(!label.contains('\''), "{run:#?}");
        let value = value.split(';').next().unwrap();
        let value = value
            .strip_suffix('s')
            .unwrap_or_else(|| panic!("{run:#?}"));
        assert!(value.parse::<f64>().is_ok(), "{run:#?}");
    }
    run
}

#[test]
fn arguments_are_those_of_the_guidelines() {
    let nobody = Client::new("");
    for arguments in [
        &["--bogus"][..],
        &["-H"],
        &["-H", "db", "--bogus"],
        &["-H", "db", "-w", "soon"],
        &["-H", "db", "-w", "20:10"],
        &["-H", "db", "-t", "0"],
        &["-H", "db", "other"],
        &["-H", "db", "--require-mode", "verify"],
        &["-H", "db", "--min-tls", "2"],
        &["-H", "db", "--fingerprint", "abc"],
        &["one", "two"],
        &["http://db"],
        &["-?"],
        &[],
    ] {
        let run = plugin(&nobody, &[&["check"], arguments].concat());
        assert_eq!(run.status, Some(3), "{run:#?}");
        let usage: Vec<&str> = run.stdout.lines().collect();
        assert!(usage.len() <= 23, "{run:#?}");
        assert!(run.stdout.contains("\nUsage: pgprobe check "), "{run:#?}");
        assert!(usage.iter().all(|line| line.len() <= 80), "{run:#?}");
    }
    for arguments in [
        &["check", "--help"],
        &["check", "-h"],
        &["check", "--version"],
        &["check", "-V"],
    ] {
        let run = nobody.run(arguments);
        assert_eq!((run.status, run.stderr.as_str()), (Some(3), ""), "{run:#?}");
        assert!(run.stdout.lines().all(|line| line.len() <= 80), "{run:#?}");
    }
    // Not a check, though the word is in it.
    for arguments in [&["-d", "check", "--bogus"][..], &["db", "check", "--bogus"]] {
        assert_eq!(nobody.run(arguments).status, Some(2), "{arguments:?}");
    }
    let help = nobody.run(&["check", "--help"]).stdout;
    for option in [
        "-H, --hostname",
        "-p, --port",
        "-w, --warning",
        "-c, --critical",
        "-t, --timeout",
        "-v, --verbose",
        "-V, --version",
        "-h, --help",
        "-l, --logname",
        "-u, --url",
    ] {
        assert!(help.contains(option), "{option}");
    }
}

#[test]
fn a_wrong_argument_shows_no_password() {
    for arguments in [
        &["check", "postgresql://ann:hunter2@db/app", "more"][..],
        &["check", "--bogus", "postgresql://ann:hunter2@db/app"],
        &["check", "postgresql://ann:hunter2@127.0.0.1:1/app"],
        &["check", "host=db password=hunter2 nonsense=1"],
        &["check", "-H", "postgresql://ann:hunter2@db/app"],
        &["check", "-H", "ann:hunter2@db"],
        &["check", "-H", "host=127.0.0.1 port=1 password=hunter2"],
        &[
            "check",
            "-H",
            "127.0.0.1:1",
            "-u",
            "postgresql://ann:hunter2@db:port/app",
        ],
        &[
            "check",
            "-H",
            "127.0.0.1:1",
            "-u",
            "postgresql://ann:hunter2@db/app?nonsense=1",
            "-vvv",
        ],
        &[
            "check",
            "-u",
            "postgresql://ann:hunter2@127.0.0.1:1/app?sslpassword=hunter2",
            "-vvv",
        ],
        &["check", "-u", "postgresql://ann:hunter2@127.0.0.1:1/a%zz"],
        &["check", "-u", "postgresql://ann:hunter2@[::1/app"],
    ] {
        let run = plugin(&Client::new(""), arguments);
        assert!(!run.stdout.contains("hunter2"), "{run:#?}");
    }
}

#[test]
fn thresholds_decide_by_days_or_percent_of_the_lifetime() {
    let workshop = for_days(100);
    let server = start(15, &workshop, "");
    for (options, status) in [
        (&[][..], 0),
        (&["-w", "101:"], 1),
        (&["-w", "101"], 1),
        (&["-w", "99:"], 0),
        (&["-c", "101:"], 2),
        (&["-w", "101:", "-c", "100.5:"], 2),
        (&["-w", "@90:110"], 1),
        (&["-w", "99%"], 0),
        (&["-w", "100.1%"], 1),
        (&["-c", "~:50"], 2),
        // By default 30 and 14 days.
        (&["--at", "+69"], 0),
        (&["--at", "+71"], 1),
        (&["--at", "+85"], 1),
        (&["--at", "+87"], 2),
        (&["--at", "+101"], 2),
        (&["--at", "-1"], 2),
    ] {
        let at = options.last().filter(|_| options.first() == Some(&"--at"));
        let at = at.map(|days| (now() + days.parse::<i64>().unwrap() * 86_400).to_string());
        let options = match &at {
            Some(at) => vec!["--at", at],
            None => options.to_vec(),
        };
        let run = check(server.port, &[&["-H", "127.0.0.1"], &options[..]].concat());
        assert_eq!(run.status, Some(status), "{run:#?}");
    }
    let run = check(server.port, &["-H", "127.0.0.1", "-w", "30", "-c", "10%"]);
    let perfdata = run.stdout.split_once(" | ").unwrap().1;
    assert!(perfdata.starts_with("expires=86"), "{perfdata}");
    assert!(
        perfdata.contains("s;2592000:;864000: connect="),
        "{perfdata}"
    );
    assert!(perfdata.contains(" tls="), "{perfdata}");
}

#[test]
fn short_lived_certificates_are_judged_by_their_lifetime() {
    let server = start(15, &for_days(40), "");
    for (days, status) in [(0, 0), (29, 0), (31, 1), (37, 2), (41, 2)] {
        let at = (now() + days * 86_400).to_string();
        let run = check(server.port, &["-H", "127.0.0.1", "--at", &at]);
        assert_eq!(run.status, Some(status), "{run:#?}");
    }
}

#[test]
fn every_certificate_that_is_sent_counts() {
    let workshop = for_days(400);
    // The CA's certificate ends before that of the server.
    workshop.run(
        "openssl req -new -x509 -days 20 -nodes -key ca.key -out ca.crt -subj '/CN=Test CA'
         cat ca.crt >> server.crt",
    );
    let server = start(15, &workshop, "");
    let run = check(server.port, &["-H", "127.0.0.1"]);
    // 20 of 20 days are well, but not 20 days; the server's own has 400.
    assert_eq!(run.status, Some(0), "{run:#?}");
    let run = check(server.port, &["-H", "127.0.0.1", "-w", "30", "-c", "10"]);
    assert_eq!(run.status, Some(1), "{run:#?}");
    let says = "[WARNING] validity: sent certificate 1 expires in ";
    assert!(run.stdout.contains(says), "{run:#?}");
    // 34560000 seconds are 400 days; some of them may have passed.
    let well = |start| run.stdout.contains(&format!(" chain0_expires={start}"));
    assert!(well("3455") || well("34560000s"), "{run:#?}");
    // Percent that were asked for are of that which ends first.
    let run = check(server.port, &["-H", "127.0.0.1", "-w", "98%"]);
    assert_eq!(run.status, Some(0), "{run:#?}");
    let at = (now() + 21 * 86_400).to_string();
    let run = check(server.port, &["-H", "127.0.0.1", "--at", &at]);
    assert_eq!(run.status, Some(2), "{run:#?}");
    assert!(run.stdout.contains("expired 1 day ago"), "{run:#?}");
}

#[test]
fn chain_and_name_count_once_there_are_roots() {
    let workshop = for_days(400);
    let server = start(15, &workshop, "");
    let other = signed("other", &["DNS:other"]);
    let (root, wrong) = (workshop.file("ca.crt"), other.file("ca.crt"));
    let port = server.port;
    let note = "chain and host name are not judged";
    let run = check(port, &["-H", "127.0.0.1"]);
    assert!(
        run.status == Some(0) && run.stdout.contains(note),
        "{run:#?}"
    );
    for (options, status, says) in [
        (
            &["-H", "127.0.0.1", "--sslrootcert", &root][..],
            0,
            "[OK] chain: ends in CN=Test CA",
        ),
        (
            &["-H", "127.0.0.1", "--sslrootcert", &root],
            0,
            "[OK] host name: matches 127.0.0.1",
        ),
        (
            &["-H", "127.0.0.1", "--sslrootcert", &wrong],
            2,
            "[CRITICAL] chain: ",
        ),
        (
            &["-H", "localhost", "--sslrootcert", &root],
            2,
            "does not match host name",
        ),
        (
            &[
                "-H",
                "db.example.test",
                "--hostaddr",
                "127.0.0.1",
                "--sslrootcert",
                &root,
            ],
            0,
            "[OK]",
        ),
        (
            &["-H", "127.0.0.1", "--sslrootcert", "/nonexistent"],
            3,
            "does not exist",
        ),
        (
            &["-H", "127.0.0.1", "--sslrootcert", "mozilla"],
            2,
            "[CRITICAL] chain: ",
        ),
        (
            &["-H", "127.0.0.1", "--sslrootcert", "system"],
            2,
            "[CRITICAL] chain: ",
        ),
    ] {
        let run = check(port, options);
        assert_eq!(run.status, Some(status), "{run:#?}");
        assert!(
            run.stdout.contains(says) && !run.stdout.contains(note),
            "{run:#?}"
        );
    }
    // What one handshake cannot show is said.
    let asks = "note: the server asks for a client certificate; whether it does without one";
    let demanding = start(15, &workshop, "ssl_ca_file = 'ca.crt'");
    for (port, options, said) in [
        (port, &[][..], false),
        (demanding.port, &[], true),
        (demanding.port, &["-l", "alice", "--require-scram"], false),
    ] {
        let run = check(port, &[&["-H", "127.0.0.1"], options].concat());
        assert_eq!(run.status, Some(0), "{run:#?}");
        assert_eq!(run.stdout.contains(asks), said, "{run:#?}");
    }
    // A root file at home, and one that the environment names.
    let target = format!("127.0.0.1:{port}");
    for client in [
        Client::new("").home_file(".postgresql/root.crt", other.read("ca.crt")),
        Client::new("").env("PGSSLROOTCERT", &wrong),
    ] {
        let run = plugin(&client, &["check", &target]);
        assert!(
            run.status == Some(2) && run.stdout.contains("[CRITICAL] chain"),
            "{run:#?}"
        );
    }
}

#[test]
fn the_host_name_counts_but_where_verify_ca_says_that_it_does_not() {
    let workshop = for_days(400);
    let server = start(15, &workshop, "");
    let (root, port) = (workshop.file("ca.crt"), server.port);
    let at = format!("host=localhost port={port} sslrootcert={root} user=alice");
    let mismatch = "does not match host name \"localhost\"";
    for (mode, options, status) in [
        ("", &[][..], 2),
        ("sslmode=verify-full", &[], 2),
        ("", &["--sslmode", "verify-full"], 2),
        ("sslmode=verify-ca", &[], 0),
        // Weaker modes say nothing of certificates, and the root file was given.
        ("sslmode=require", &[], 2),
        ("sslmode=prefer", &[], 2),
        ("", &["--sslmode", "verify-ca"], 0),
        ("", &["--require-mode", "verify-ca"], 0),
        // What is demanded counts, not what the target says.
        ("sslmode=verify-ca", &["--require-mode", "verify-full"], 2),
    ] {
        let target = format!("{at} {mode}");
        let arguments = [&["check"], options, &[&*target]].concat();
        let run = plugin(&Client::new(""), &arguments);
        assert_eq!(run.status, Some(status), "{run:#?}");
        // It is said all the same.
        let state = if status == 0 {
            "[OK] host name: not compared with"
        } else {
            "[CRITICAL] host"
        };
        assert!(
            run.stdout.contains(state) && run.stdout.contains(mismatch),
            "{run:#?}"
        );
        // The chain counts in each of these modes.
        assert!(run.stdout.contains("[OK] chain: "), "{run:#?}");
    }
    // psql agrees.
    let client = Client::new(at);
    for (mode, connects) in [("verify-ca", true), ("verify-full", false)] {
        let conninfo = format!("{} dbname=postgres sslmode={mode}", client.conninfo);
        let said = connect(&client, &conninfo, Libpq::V18);
        let refused = said.as_ref().is_err_and(|said| said.contains(mismatch));
        assert_eq!(!refused, connects, "{said:?}");
    }
}

#[test]
fn what_the_target_demands_and_one_handshake_does_not_show_is_said() {
    let workshop = for_days(400);
    client(&workshop, "ann", "ann");
    let server = start(15, &workshop, "ssl_ca_file = 'ca.crt'");
    let at = format!("host=127.0.0.1 port={} user=alice", server.port);
    let pair = format!(
        "sslcert={} sslkey={}",
        workshop.file("ann.crt"),
        workshop.file("ann.key")
    );
    let client_certificate = "note: whether the server takes the client certificate of sslcert";
    for (demand, note) in [
        (
            "channel_binding=require",
            "note: channel_binding=require is not judged: ",
        ),
        (
            "require_auth=scram-sha-256",
            "note: require_auth=scram-sha-256 is not judged: ",
        ),
        (
            "gssencmode=require",
            "note: gssencmode=require is not judged: ",
        ),
        (
            "target_session_attrs=standby",
            "note: target_session_attrs=standby is not judged: ",
        ),
        (&pair, client_certificate),
    ] {
        let target = format!("{at} {demand}");
        let run = plugin(&Client::new(""), &["check", &target]);
        assert_eq!(run.status, Some(0), "{run:#?}");
        assert!(run.stdout.contains(note), "{run:#?}");
        // Where it is judged nothing is said; what kind of server it is never is.
        let run = plugin(
            &Client::new(""),
            &["check", &target, "--require-mode", "require"],
        );
        let never = demand.starts_with("target_session_attrs");
        assert_eq!(run.stdout.contains(note), never, "{run:#?}");
    }
    // The environment demands, too, and what cannot fail demands nothing.
    let target = at.as_str();
    for (name, value, said) in [
        ("PGCHANNELBINDING", "require", true),
        ("PGCHANNELBINDING", "prefer", false),
        ("PGREQUIREAUTH", "md5", true),
        ("PGTARGETSESSIONATTRS", "any", false),
        ("PGGSSENCMODE", "prefer", false),
    ] {
        let run = plugin(&Client::new("").env(name, value), &["check", target]);
        assert_eq!(run.stdout.contains(" is not judged: "), said, "{run:#?}");
    }
    let bound = format!("{at} channel_binding=require");
    let run = plugin(
        &Client::new(""),
        &["check", &bound, "--require-channel-binding"],
    );
    assert!(!run.stdout.contains(" is not judged: "), "{run:#?}");
    // A client certificate that libpq cannot use: no mode gets to TLS with it.
    let keyless = format!(
        "{at} sslcert={} sslkey=/nonexistent.key",
        workshop.file("ann.crt")
    );
    let run = plugin(&Client::new(""), &["check", &keyless]);
    assert_eq!(run.status, Some(3), "{run:#?}");
    assert!(
        run.stdout.contains("[UNKNOWN] client certificate: "),
        "{run:#?}"
    );
    // One that is not there it passes over.
    let lost = format!("{at} sslcert=/nonexistent.crt sslkey=/nonexistent.key");
    let run = plugin(&Client::new(""), &["check", &lost]);
    assert_eq!(run.status, Some(0), "{run:#?}");
    assert!(
        run.stdout.contains("note: libpq goes on without a client"),
        "{run:#?}"
    );
}

#[test]
fn revocation_lists_that_do_not_count_are_said() {
    let workshop = for_days(400);
    workshop.run(
        "mkdir hashed; echo nothing > bad.crl; \
         printf '[ca]\ndefault_ca=x\n[x]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=30\n' \
             > ca.cnf; : > index; \
         openssl ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.crt -out good.crl",
    );
    let server = start(15, &workshop, "");
    let (root, bad) = (workshop.file("ca.crt"), workshop.file("bad.crl"));
    let good = workshop.file("good.crl");
    let passes = "note: no revocation is checked: libpq passes over ";
    let counts = "counts beside a root file only";
    for (options, note, status) in [
        (&["--sslrootcert", &root, "--sslcrl", &good][..], "", 0),
        (&["--sslrootcert", &root, "--sslcrl", &bad], passes, 0),
        (
            &["--sslrootcert", &root, "--sslcrl", "/nonexistent"],
            passes,
            0,
        ),
        (&["--sslrootcert", "system", "--sslcrl", &good], counts, 2),
        (&["--sslrootcert", "mozilla", "--sslcrl", &good], counts, 2),
    ] {
        let run = check(server.port, &[&["-H", "127.0.0.1"], options].concat());
        assert_eq!(run.status, Some(status), "{run:#?}");
        let said = run.stdout.contains("no revocation is checked");
        assert_eq!(said, !note.is_empty(), "{run:#?}");
        assert!(run.stdout.contains(note), "{run:#?}");
    }
    // The default file: its absence is nothing, its being of no use is.
    for (home, said) in [(None, false), (Some("nothing"), true)] {
        let mut client = Client::new("");
        client = client.home_file(".postgresql/root.crt", workshop.read("ca.crt"));
        if let Some(text) = home {
            client = client.home_file(".postgresql/root.crl", text);
        }
        let target = format!("127.0.0.1:{}", server.port);
        let run = plugin(&client, &["check", &target]);
        assert_eq!(run.stdout.contains(passes), said, "{run:#?}");
        let run = client.run(&[&target]);
        assert_eq!(
            run.stdout.contains("no revocation is checked"),
            said,
            "{run:#?}"
        );
    }
}

#[test]
fn too_few_file_descriptors_are_said_and_no_panic() {
    for count in 3..12 {
        for command in [
            "check -H 127.0.0.1 -p 1",
            "exporter --listen 192.0.2.1:1",
            "127.0.0.1:1",
        ] {
            let line = format!(
                "ulimit -n {count}; exec {} {command}",
                crate::support::pgprobe::program().display()
            );
            let ran = std::process::Command::new("sh")
                .args(["-c", &line])
                .output()
                .unwrap();
            let said = format!(
                "{}{}",
                String::from_utf8_lossy(&ran.stdout),
                String::from_utf8_lossy(&ran.stderr)
            );
            assert!(
                matches!(ran.status.code(), Some(0 | 2 | 3 | 127)),
                "{line}: {said}"
            );
            for word in ["panicked", "internal error"] {
                assert!(!said.contains(word), "{line}: {said}");
            }
        }
    }
}

#[test]
fn self_signed_certificates_are_taken_where_that_is_allowed() {
    let workshop = crate::support::certificates::self_signed("db");
    let other = signed("other", &["DNS:other"]);
    let server = PgCluster::new(15);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    let server = server.start(Setup {
        settings: "ssl = on",
        hba: HBA,
        ident: "",
    });
    let root = other.file("ca.crt");
    let options = [
        "-H",
        "db",
        "--hostaddr",
        "127.0.0.1",
        "--sslrootcert",
        &root,
    ];
    assert_eq!(check(server.port, &options).status, Some(2));
    let allowed = [&options[..], &["--allow-self-signed"]].concat();
    let run = check(server.port, &allowed);
    assert_eq!(run.status, Some(0), "{run:#?}");
    assert!(
        run.stdout.contains("self-signed, which is allowed"),
        "{run:#?}"
    );
}

#[test]
fn demands_on_the_certificate_and_the_version_have_their_lines() {
    let workshop = for_days(400);
    let server = start(15, &workshop, "ssl_max_protocol_version = 'TLSv1.2'");
    let fingerprint = workshop.fingerprint("server.crt");
    let spki = workshop.run(
        "openssl x509 -in server.crt -noout -pubkey | openssl pkey -pubin -outform DER \
         | openssl dgst -sha256 -binary | openssl base64",
    );
    let zeros = "0".repeat(64);
    for (options, status) in [
        (&["--min-tls", "1.2"][..], 0),
        (&["--min-tls", "TLSv1.3"], 2),
        (&["--issuer", "Test CA"], 0),
        (&["--issuer", "CN=Test CA"], 0),
        (&["--issuer", "Test"], 2),
        (&["--issuer", "Test", "--issuer", "Test CA"], 0),
        (&["--fingerprint", &fingerprint], 0),
        (&["--fingerprint", &zeros], 2),
        (&["--fingerprint", &zeros, "--fingerprint", &fingerprint], 0),
        (&["--spki", spki.trim()], 0),
        (&["--spki", &zeros], 2),
        (&["--max-validity", "400"], 0),
        (&["--max-validity", "398"], 2),
        (&["--expect-cert", &workshop.file("server.crt")], 0),
        (&["--expect-cert", &workshop.file("ca.crt")], 2),
        (&["--expect-cert", "/nonexistent"], 3),
    ] {
        let run = check(server.port, &[&["-H", "127.0.0.1"], options].concat());
        assert_eq!(run.status, Some(status), "{run:#?}");
        let word = ["[OK]", "", "[CRITICAL]", ""][usize::try_from(status).unwrap()];
        let line = format!("\n{word} {}: ", options[0].trim_start_matches("--"));
        assert!(
            status == 3 || run.stdout.contains(&line),
            "{line}: {run:#?}"
        );
    }
}

#[test]
fn demands_on_pg_hba_conf_are_settled_or_unknown() {
    let workshop = for_days(400);
    client(&workshop, "client", "myuser");
    let server = start(15, &workshop, "ssl_ca_file = 'ca.crt'");
    let (crt, key) = (workshop.file("client.crt"), workshop.file("client.key"));
    let with_certificate = ["-l", "myuser", "--sslcert", &crt, "--sslkey", &key];
    for (user, options, status) in [
        (&["-l", "alice"][..], &["--require-tls-only"][..], 0),
        (&["-l", "admin"], &["--require-tls-only"], 2),
        (&["-l", "md5user"], &["--require-tls-only"], 2),
        (&["-l", "nobody"], &["--require-tls-only"], 3),
        (&["-l", "myuser"], &["--require-tls-only"], 0),
        (&["-l", "myuser"], &["--require-client-cert"], 0),
        (&with_certificate, &["--require-client-cert"], 0),
        (&["-l", "alice"], &["--require-client-cert"], 2),
        (&["-l", "nobody"], &["--require-client-cert"], 3),
        // A way in without TLS is one without a certificate.
        (&["-l", "half"], &["--require-client-cert"], 2),
        (&["-l", "admin"], &["--require-client-cert"], 2),
        (&["-l", "alice"], &["--require-scram"], 0),
        (&["-l", "md5user"], &["--require-scram"], 2),
        (&["-l", "admin"], &["--require-scram"], 2),
        (&["-l", "nobody"], &["--require-scram"], 3),
        (&["-l", "alice"], &["--require-channel-binding"], 0),
        (&["-l", "md5user"], &["--require-channel-binding"], 2),
        (&["-l", "nobody"], &["--require-channel-binding"], 3),
        (&["-l", "alice"], &["--require-mode", "require"], 0),
        (&["-l", "alice"], &["--require-mode", "disable"], 2),
        (&["-l", "alice"], &["--require-mode", "verify-full"], 2),
        (&["-l", "alice"], &["--sslmode", "verify-full"], 2),
        (&["-l", "nobody"], &["--require-mode", "require"], 2),
        // What is undetermined hides nothing that is critical.
        (
            &["-l", "nobody"],
            &["--require-scram", "--min-tls", "1.3", "-c", "9999"],
            2,
        ),
    ] {
        let options = [&["-H", "127.0.0.1", "-d", "postgres"], user, options].concat();
        let run = check(server.port, &options);
        assert_eq!(run.status, Some(status), "{run:#?}");
    }
}

#[test]
fn channel_binding_that_libpq_cannot_do_is_critical() {
    let workshop = for_days(400);
    // The server's key is as ever; the CA's signature has no digest of its own.
    workshop.run(
        "openssl req -new -x509 -days 400 -nodes -newkey ed25519 -out ca.crt -keyout ca.key \
             -subj '/CN=Test CA'
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
             -out server.crt -days 400 -extfile extensions",
    );
    for major in [15, 18] {
        let server = start(major, &workshop, "");
        let at = format!(
            "host=127.0.0.1 port={} user=alice dbname=postgres",
            server.port
        );
        for libpq in [Libpq::V15, Libpq::V18] {
            let error = connect(&Client::new(""), &at, libpq).unwrap_err();
            let words = "could not find digest for NID UNDEF";
            assert!(error.contains(words), "{libpq:?} {error}");
            let unbound = format!("{at} channel_binding=disable");
            assert_eq!(connect(&Client::new(""), &unbound, libpq), Ok(true));
        }
        for (options, status) in [
            (&["--require-channel-binding"][..], 2),
            (&["--require-mode", "require"], 2),
            (
                &["--require-mode", "require", "--channel-binding", "disable"],
                0,
            ),
            (&["--require-scram"], 0),
        ] {
            let run = plugin(&Client::new(""), &[&["check", &at], options].concat());
            assert_eq!(run.status, Some(status), "{run:#?}");
            let said = run.stdout.contains("could not find digest for NID UNDEF");
            assert_eq!(said, status == 2, "{run:#?}");
        }
    }
}

#[test]
fn what_cannot_be_checked_hides_nothing_that_can() {
    let down = format!("127.0.0.1:{}", crate::support::fleet::closed_port());
    for arguments in [
        &["-H", &down, "-u", "postgresql://db:port/app"][..],
        &["-u", "postgresql://db:port/app", "-H", &down],
        &["-H", &down, "--expect-cert", "/nonexistent"],
        &["-H", &down, "--sslrootcert", "/nonexistent"],
    ] {
        let run = plugin(&Client::new(""), &[&["check"], arguments].concat());
        assert_eq!(run.status, Some(2), "{run:#?}");
        assert!(run.stdout.contains("Connection refused"), "{run:#?}");
    }
    let run = plugin(
        &Client::new(""),
        &["check", "-H", &down, "-u", "nonsense=1"],
    );
    assert_eq!(run.status, Some(2), "{run:#?}");
    assert!(run.stdout.contains("[UNKNOWN] arguments: "), "{run:#?}");
}

#[test]
fn of_several_hosts_the_worst_decides() {
    let workshop = for_days(400);
    let server = start(15, &workshop, "");
    let plain = PgCluster::new(15).start(Setup {
        settings: "",
        hba: HBA,
        ident: "",
    });
    let (good, bad) = (
        format!("127.0.0.1:{}", server.port),
        format!("127.0.0.1:{}", plain.port),
    );
    let run = plugin(&Client::new(""), &["check", "-H", &good, "-H", &bad]);
    assert_eq!(run.status, Some(2), "{run:#?}");
    assert!(
        run.stdout
            .starts_with("PGPROBE CRITICAL: 1 of 2 hosts: 127.0.0.1:"),
        "{run:#?}"
    );
    assert!(
        run.stdout.contains("the server answered N to SSLRequest"),
        "{run:#?}"
    );
    assert!(run.stdout.contains("1_expires="), "{run:#?}");
    // A list of libpq's is several hosts, too; a name that is no host leaves the others checked.
    let list = format!(
        "host=127.0.0.1,127.0.0.1 port={},{}",
        server.port, plain.port
    );
    let run = plugin(&Client::new(""), &["check", &list]);
    assert_eq!(run.status, Some(2), "{run:#?}");
    let uri = format!("postgresql://{good}");
    let run = plugin(&Client::new(""), &["check", "-u", &uri, "-H", &good]);
    assert_eq!(run.status, Some(0), "{run:#?}");
    assert!(
        run.stdout.starts_with("PGPROBE OK: 2 of 2 hosts: "),
        "{run:#?}"
    );
}

#[test]
fn what_cannot_be_reached_is_critical() {
    let refused = crate::support::fleet::closed_port();
    let run = check(refused, &["-H", "127.0.0.1"]);
    assert_eq!(run.status, Some(2), "{run:#?}");
    assert!(run.stdout.contains("Connection refused"), "{run:#?}");
    let run = check(5432, &["-H", "name.invalid"]);
    assert_eq!(run.status, Some(2), "{run:#?}");
    // No TLS is ever spoken there, so there is nothing to check.
    let run = check(5432, &["-H", "/nonexistent"]);
    assert_eq!(run.status, Some(3), "{run:#?}");
}

fn now() -> i64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

#[test]
fn what_would_check_another_server_or_at_no_time_is_unknown() {
    let server = start(15, &for_days(40), "");
    let here = format!("127.0.0.1:{}", server.port);
    for arguments in [
        &["-H", &here, "-p", "9"][..],
        &["-H", "127.0.0.1", "-H", "db", "--hostaddr", "127.0.0.1"],
        &["-H", &here, "--at", "1796000000000"],
        &["-H", &here, "--sslmode", "verify_full"],
    ] {
        let run = plugin(&Client::new(""), &[&["check"], arguments].concat());
        assert_eq!(run.status, Some(3), "{arguments:?}: {run:#?}");
    }
    let port = server.port.to_string();
    let run = plugin(&Client::new(""), &["check", "-H", &here, "-p", &port]);
    assert_eq!(run.status, Some(0), "{run:#?}");
}
