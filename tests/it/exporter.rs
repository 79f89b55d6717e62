//! `pgprobe exporter` and the metrics: what is answered to a scrape, to whom, and at what cost.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use pgprobe::exporter::metrics;
use pgprobe::render::openmetrics;
use tempfile::TempDir;

use crate::support::certificates;
use crate::support::exporter::{Answer, Exporter, Metrics};
use crate::support::fleet::{Servers, closed_port, pgprobe};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::repository::{assert_file, repository};
use crate::support::resolver::with_silent_resolver;
use crate::support::scripted::{Identity, SSL_REQUEST, Scripted};

/// A server that accepts and says nothing for longer than any test takes.
fn silent() -> Scripted {
    Scripted::new(|_, peer| peer.wait_for_end())
}

fn port(servers: &Servers, name: &str) -> u16 {
    servers.named(name).address.port()
}

#[test]
fn endpoints_answer() {
    let exporter = Exporter::new("");
    for (path, status, media, words) in [
        ("/-/healthy", 200, "text/plain", "healthy"),
        (
            "/metrics",
            200,
            "text/plain; version=0.0.4",
            "pgprobe_build_info",
        ),
        (
            "/",
            200,
            "text/html",
            "/probe?target=HOST:PORT&amp;module=default",
        ),
        ("/probe", 400, "text/plain", "target is missing"),
        ("/nothing", 404, "text/plain", "/probe?target="),
        ("/metrics/", 404, "text/plain", "/probe?target="),
    ] {
        let answer = exporter.get(path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(
            answer.head.contains(&format!("content-type: {media}")),
            "{path}: {answer:?}"
        );
        assert!(answer.body.contains(words), "{path}: {answer:?}");
    }
    let head = exporter.send(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""), "{head:?}");
}

#[test]
fn anything_but_host_and_port_is_refused_in_a_line_and_nothing_is_sent() {
    let server = silent();
    let port = server.port;
    let exporter = Exporter::new("");
    for (query, words) in [
        ("target=", "target \"\": it is empty"),
        (
            &*format!("target=postgresql://127.0.0.1:{port}/app"),
            "is host, host:port or [v6]:port",
        ),
        (
            &format!("target=host=127.0.0.1%20port={port}"),
            "neither a name nor an address",
        ),
        (
            &format!("target=127.0.0.1:{port},127.0.0.1:{port}"),
            "the port is not a number",
        ),
        (&format!("target=::1:{port}"), "target \"::1:"),
        (
            "target=/var/run/postgresql",
            "neither a name nor an address",
        ),
        ("target=%00", "neither a name nor an address"),
        ("target=a%0d%0ab", "neither a name nor an address"),
        ("target=%ff%fe", "the query is not UTF-8"),
        (
            "target=db:99999",
            "the port is not a number from 1 to 65535",
        ),
        ("target=127.1", "looks like an IPv4 address"),
        (
            &format!("target=127.0.0.1:{port}&target=b"),
            "target is given twice",
        ),
        (
            &format!("target=127.0.0.1:{port}&module=none"),
            "unknown module \"none\": there are default",
        ),
        (
            &format!("target=127.0.0.1:{port}&modul=x"),
            "unknown parameter \"modul\"",
        ),
        (
            &format!("target=127.0.0.1:{port}&sslmode=disable"),
            "unknown parameter \"sslmode\"",
        ),
    ] {
        let answer = exporter.get(&format!("/probe?{query}"));
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        assert!(answer.body.contains(words), "{query}: {answer:?}");
        assert_eq!(answer.body.lines().count(), 1, "{query}: {answer:?}");
        assert!(
            !answer.body.trim_end().contains(char::is_control),
            "{query}: {answer:?}"
        );
    }
    let bad = exporter.get_with(
        &format!("/probe?target=127.0.0.1:{port}"),
        "X-Prometheus-Scrape-Timeout-Seconds: soon\r\n",
    );
    assert_eq!(bad.status, 400, "{bad:?}");
    assert!(server.records().is_empty(), "something was sent");
    let refused = "pgprobe_exporter_refused_requests_total{reason=\"bad_request\"}";
    assert_eq!(exporter.metrics().value(refused), Some(16.0));
}

#[test]
fn a_probe_says_what_the_server_is() {
    let servers = Servers::start();
    let exporter =
        Exporter::new("[modules.handshake]\n[modules.startup]\ndepth = 'startup'\nuser = 'demo'");
    // Success and status; the TLS that require takes; plaintext at depth startup.
    for (name, success, status, tls, plaintext) in [
        ("good", 1.0, "tls", "accepted", "accepted"),
        ("expired", 1.0, "tls", "accepted", "accepted"),
        ("no-tls", 0.0, "no_tls", "refused", "accepted"),
    ] {
        let port = port(&servers, name);
        let quiet = exporter.probe("handshake", "127.0.0.1", port);
        assert_eq!(
            quiet.value("probe_success"),
            Some(success),
            "{name}: {quiet:?}"
        );
        assert_eq!(quiet.state("pgprobe_status{"), status, "{name}: {quiet:?}");
        let require = quiet.state("pgprobe_sslmode_tls{mode=\"require\"");
        assert_eq!(require, tls, "{name}: {quiet:?}");
        assert_eq!(
            quiet.state("pgprobe_plaintext{"),
            "unknown",
            "{name}: {quiet:?}"
        );
        assert_eq!(
            quiet.value("pgprobe_connections"),
            Some(1.0),
            "{name}: {quiet:?}"
        );
        let asked = exporter.probe("startup", "127.0.0.1", port);
        assert_eq!(
            asked.state("pgprobe_plaintext{"),
            plaintext,
            "{name}: {asked:?}"
        );
    }
    let expired = exporter.probe("handshake", "127.0.0.1", port(&servers, "expired"));
    let own = expired
        .value("pgprobe_certificate_not_after_timestamp_seconds{position=\"0\"}")
        .unwrap();
    let end = expired.value("probe_ssl_earliest_cert_expiry").unwrap();
    let now = expired.value("pgprobe_probe_timestamp_seconds").unwrap();
    assert!(own == end && end < now, "{expired:?}");
    let down = exporter.probe("handshake", "127.0.0.1", closed_port());
    assert_eq!(down.value("probe_success"), Some(0.0));
    assert_eq!(down.state("pgprobe_status{"), "connect_failed");
    assert_eq!(down.value("probe_ssl_earliest_cert_expiry"), None);
    assert_eq!(down.value("pgprobe_host_name_matches"), None);
    let made = "pgprobe_exporter_probes_total{module=\"handshake\"}";
    assert_eq!(exporter.metrics().value(made), Some(5.0));
    let failed = "pgprobe_exporter_probes_without_success_total{module=\"handshake\"}";
    assert_eq!(exporter.metrics().value(failed), Some(2.0));
}

#[test]
fn a_demanded_sslmode_decides_the_success() {
    let workshop = certificates::signed("localhost", &["DNS:localhost", "IP:127.0.0.1"]);
    let mut server = PgCluster::new(15);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    server = server.start(Setup {
        settings: "ssl = on\n",
        hba: "hostssl all myuser all scram-sha-256",
        ident: "",
    });
    let root = workshop.file("ca.crt");
    let exporter = Exporter::new(&format!(
        "[modules.full]\nsslmode = 'verify-full'\nuser = 'myuser'\ndbname = 'postgres'\n\
         sslrootcert = '{root}'\n\
         [modules.rootless]\nsslmode = 'verify-full'\nuser = 'myuser'\n\
         [modules.other]\nsslmode = 'require'\nuser = 'nobody'\n\
         [modules.plain]\nsslmode = 'disable'\nuser = 'myuser'\n\
         [modules.quiet]\nsslrootcert = '{root}'\n"
    ));
    for (module, host, success, mode, outcome) in [
        ("full", "localhost", 1.0, "verify-full", "connects"),
        ("full", "127.0.0.1", 1.0, "verify-full", "connects"),
        ("rootless", "localhost", 0.0, "verify-full", "fails"),
        ("other", "localhost", 0.0, "require", "fails"),
        ("plain", "localhost", 0.0, "disable", "fails"),
        // Nothing is demanded, and what pg_hba.conf does is not known.
        ("quiet", "localhost", 1.0, "verify-full", "undetermined"),
    ] {
        let probe = exporter.probe(module, host, server.port);
        assert_eq!(
            probe.value("probe_success"),
            Some(success),
            "{module}: {probe:?}"
        );
        let said = probe.state(&format!("pgprobe_sslmode_outcome{{mode=\"{mode}\""));
        assert_eq!(said, outcome, "{module}: {probe:?}");
    }
    let probe = exporter.probe("quiet", "localhost", server.port);
    assert_eq!(
        probe.state("pgprobe_sslmode_tls{mode=\"verify-full\""),
        "accepted"
    );
    assert_eq!(probe.state("pgprobe_chain{anchors=\"root_file\""), "ok");
    assert_eq!(probe.value("pgprobe_host_name_matches"), Some(1.0));
    assert_eq!(
        probe.value("probe_tls_version_info{version=\"TLS 1.3\"}"),
        Some(1.0)
    );
    assert_eq!(
        probe.value("probe_tls_cipher_info{cipher=\"TLS_AES_256_GCM_SHA384\"}"),
        Some(1.0)
    );
    assert_eq!(
        probe.value("probe_ssl_last_chain_expiry_timestamp_seconds"),
        probe.value("probe_ssl_earliest_cert_expiry"),
        "the leaf ends before its CA"
    );
    let digest =
        workshop.run("openssl x509 -in server.crt -outform DER | sha256sum | cut -d' ' -f1");
    let serial = workshop.run("openssl x509 -in server.crt -noout -serial | cut -d= -f2");
    let serial = serial.trim().to_ascii_lowercase();
    let info = format!(
        "probe_ssl_last_chain_info{{fingerprint_sha256=\"{}\",subject=\"CN=localhost\",",
        digest.trim()
    );
    let leaf = probe.0.keys().find(|series| series.starts_with(&info));
    let leaf = leaf.unwrap_or_else(|| panic!("no {info}: {probe:?}"));
    assert!(leaf.contains("subjectalternative=\"localhost\""), "{leaf}");
    assert!(leaf.contains(&serial), "{leaf} {serial}");
}

#[test]
fn neither_the_environment_nor_a_home_has_a_say() {
    let workshop = certificates::signed("localhost", &["DNS:localhost"]);
    let server = PgCluster::new(15);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    let server = server.start(Setup {
        settings: "ssl = on\n",
        hba: "host all all all scram-sha-256",
        ident: "",
    });
    let folder = TempDir::new().unwrap();
    let home = folder.path().join(".postgresql");
    fs::create_dir(&home).unwrap();
    fs::copy(workshop.path().join("ca.crt"), home.join("root.crt")).unwrap();
    fs::write(folder.path().join(".pg_service.conf"), "[s]\nport=1\n").unwrap();
    fs::write(folder.path().join("exporter.toml"), "").unwrap();
    let root = workshop.file("ca.crt");
    let exporter = Exporter::start(
        folder,
        &[
            ("PGSSLROOTCERT", &root),
            ("PGHOSTADDR", "192.0.2.1"),
            ("PGPORT", "1"),
            ("PGSERVICE", "s"),
            ("PGSSLMODE", "disable"),
            ("PGUSER", "ann"),
            ("SSL_CERT_FILE", &root),
        ],
    );
    let probe = exporter.probe("default", "localhost", server.port);
    assert_eq!(probe.value("probe_success"), Some(1.0), "{probe:?}");
    assert_eq!(probe.state("pgprobe_chain{anchors=\"root_file\""), "absent");
    assert_eq!(probe.state("pgprobe_chain{anchors=\"system\""), "failed");
    let error = "pgprobe_sslmode_error_info{mode=\"verify-full\",code=\"root_cert_missing\"}";
    assert_eq!(probe.value(error), Some(1.0), "{probe:?}");
}

#[test]
fn the_allow_list_is_kept_before_anything_is_sent() {
    let server = silent();
    let port = server.port;
    let by_network = format!("[allow]\nnetworks = ['192.0.2.0/24']\nports = [{port}]");
    let exporter = Exporter::new(&by_network);
    for (target, words) in [
        (
            format!("127.0.0.1:{port}"),
            "127.0.0.1 is not in the allow list",
        ),
        (
            format!("[::ffff:127.0.0.1]:{port}"),
            "::ffff:127.0.0.1 is not in the allow list",
        ),
        (format!("localhost:{port}"), "localhost leads to "),
        (
            "192.0.2.1:5432".to_owned(),
            "port 5432 is not in the allow list",
        ),
    ] {
        let answer = exporter.get(&format!("/probe?target={target}"));
        assert_eq!(answer.status, 403, "{target}: {answer:?}");
        assert!(answer.body.contains(words), "{target}: {answer:?}");
        assert_eq!(answer.body.lines().count(), 1, "{target}: {answer:?}");
    }
    let refused = "pgprobe_exporter_refused_requests_total{reason=\"not_allowed\"}";
    assert_eq!(exporter.metrics().value(refused), Some(4.0));
    assert!(server.records().is_empty(), "something was sent");

    let servers = Servers::start();
    let good = self::port(&servers, "good");
    for allow in [
        "networks = ['127.0.0.0/8', '::1']".to_owned(),
        "hosts = ['localhost']".to_owned(),
        "hosts = ['*']".to_owned(),
    ] {
        let exporter = Exporter::new(&format!("[allow]\n{allow}\nports = ['{good}-{good}']"));
        let probe = exporter.probe("default", "localhost", good);
        assert_eq!(
            probe.value("probe_success"),
            Some(1.0),
            "{allow}: {probe:?}"
        );
    }
}

#[test]
fn the_scrape_timeout_is_kept() {
    let server = silent();
    let exporter = Exporter::new("timeout_offset = 0.5\n[modules.default]\ntimeout = 20");
    let began = Instant::now();
    let answer = exporter.get_with(
        &format!("/probe?target=127.0.0.1:{}", server.port),
        "X-Prometheus-Scrape-Timeout-Seconds: 1.5\r\n",
    );
    let took = began.elapsed();
    let probe = Metrics::read(&answer.body);
    assert_eq!(
        probe.value("probe_timeout_seconds"),
        Some(1.0),
        "{answer:?}"
    );
    assert_eq!(probe.state("pgprobe_status{"), "timeout");
    assert_eq!(probe.value("probe_success"), Some(0.0));
    // Not what libpq would do in the end: it waits longer than this.
    assert_eq!(
        probe.state("pgprobe_sslmode_outcome{mode=\"require\""),
        "undetermined"
    );
    assert!(
        took > Duration::from_millis(900) && took < Duration::from_millis(1500),
        "{took:?}"
    );
}

#[test]
fn beyond_the_limit_a_probe_waits_for_half_of_its_time_and_is_then_refused() {
    let server = silent();
    let exporter = Exporter::new("max_probes = 1\ntimeout_offset = 0");
    let path = format!("/probe?target=127.0.0.1:{}", server.port);
    let ask = |seconds: &str| {
        let header = format!("X-Prometheus-Scrape-Timeout-Seconds: {seconds}\r\n");
        let mut stream = exporter.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let mut first = ask("1.5");
    exporter.wait_for("pgprobe_exporter_probes_in_flight", 1.0);
    let began = Instant::now();
    let (mut hasty, mut patient) = (ask("1"), ask("6"));
    exporter.wait_for("pgprobe_exporter_probes_waiting", 2.0);
    let refused = Answer::read(&mut hasty);
    let took = began.elapsed();
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.head.contains("retry-after: 1"), "{refused:?}");
    assert!(refused.body.contains("max_probes"), "{refused:?}");
    assert!(took < Duration::from_millis(1200), "{took:?}");
    assert_eq!(Answer::read(&mut first).status, 200);
    exporter.wait_for("pgprobe_exporter_probes_in_flight", 1.0);
    assert_eq!(Answer::read(&mut patient).status, 200);
    let busy = "pgprobe_exporter_refused_requests_total{reason=\"busy\"}";
    assert_eq!(exporter.metrics().value(busy), Some(1.0));
}

#[test]
fn who_leaves_while_waiting_is_not_counted_any_more() {
    let server = silent();
    let exporter = Exporter::new("max_probes = 1\n[modules.default]\ntimeout = 20");
    let ask = || {
        let mut stream = exporter.connect();
        let target = server.port;
        let request = format!("GET /probe?target=127.0.0.1:{target} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let first = ask();
    exporter.wait_for("pgprobe_exporter_probes_in_flight", 1.0);
    let others = [ask(), ask(), ask()];
    exporter.wait_for("pgprobe_exporter_probes_waiting", 3.0);
    drop(others);
    exporter.wait_for("pgprobe_exporter_probes_waiting", 0.0);
    // A probe that is under way goes on without its client, and is counted.
    drop(first);
    assert_eq!(
        exporter
            .metrics()
            .value("pgprobe_exporter_probes_in_flight"),
        Some(1.0)
    );
}

#[test]
fn two_hundred_probes_in_flight_cost_hardly_more_memory_than_fifty() {
    let server = silent();
    // A large root file, which each verdict needs whole.
    let bundle = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("roots.crt"), bundle).unwrap();
    let config = "[modules.default]\nsslrootcert = 'roots.crt'\ntimeout = 30";
    fs::write(folder.path().join("exporter.toml"), config).unwrap();
    let exporter = Exporter::start(folder, &[]);
    let request = format!(
        "GET /probe?target=127.0.0.1:{} HTTP/1.1\r\nHost: x\r\n\
         X-Prometheus-Scrape-Timeout-Seconds: 2\r\n\r\n",
        server.port
    );
    let round = |count: u16| {
        let mut streams: Vec<_> = (0..count)
            .map(|_| {
                let mut stream = exporter.connect();
                stream.write_all(request.as_bytes()).unwrap();
                stream
            })
            .collect();
        exporter.wait_for("pgprobe_exporter_probes_in_flight", count.into());
        let resident = exporter.resident_kib();
        for stream in &mut streams {
            assert_eq!(Answer::read(stream).status, 200);
        }
        resident
    };
    let fifty = round(50);
    let two_hundred = round(200);
    let rounds: Vec<_> = (0..6).map(|_| round(200)).collect();
    // A connection of each side, a timer, and what was seen: no file, no report.
    let grown = two_hundred.saturating_sub(fifty);
    assert!(
        grown < 150 * 80,
        "from {fifty} KiB at 50 to {two_hundred} KiB at 200"
    );
    // The allocator settles for some rounds, within a tenth; a file or a report that each probe kept
    // would show beyond that, and what is smaller in the many rounds of benches/exporter.
    let median = |rounds: &[u64]| {
        let mut rounds = rounds.to_vec();
        rounds.sort_unstable();
        rounds[rounds.len() / 2]
    };
    let (first, last) = rounds.split_at(3);
    assert!(
        median(last) * 10 < median(first) * 11,
        "{two_hundred}, and then {rounds:?} KiB"
    );
}

/// In a namespace where no name is ever resolved: rounds of probes of names, then one of an address.
const PROBES_OF_NAMES: &str = r#"
python3 - "$1" << 'END'
import re, socket, subprocess, sys, time
exporter = subprocess.Popen([sys.argv[1], "exporter", "--listen", "127.0.0.1:0"],
                            stderr=subprocess.PIPE, text=True)
port = int(exporter.stderr.readline().rsplit(":", 1)[1])
def ask(target):
    stream = socket.create_connection(("127.0.0.1", port))
    stream.sendall(f"GET /probe?target={target} HTTP/1.1\r\nHost: x\r\n"
                   "X-Prometheus-Scrape-Timeout-Seconds: 2\r\n\r\n".encode())
    return stream
def answer(stream):
    text = b""
    while part := stream.recv(65536):
        text += part
    state = re.search(rb'pgprobe_status{status="(\w+)"} 1\n', text)
    return text[9:12].decode() + " " + (state.group(1).decode() if state else "")
for round in range(2):
    streams = [ask(f"db{number}.round{round}.example.test") for number in range(190)]
    print(*sorted(set(map(answer, streams))), sep=",")
for line in open(f"/proc/{exporter.pid}/status"):
    if line.startswith("Threads:"):
        print(line.split()[1])
print(answer(ask("127.0.0.1:1")))
exporter.terminate()
print(exporter.wait(10))
END
"#;

#[test]
fn a_resolver_that_never_answers_holds_nothing_up() {
    let began = Instant::now();
    let (said, questions) = with_silent_resolver(PROBES_OF_NAMES);
    let took = began.elapsed();
    let lines: Vec<&str> = said.lines().collect();
    let [first, second, threads, address, exit] = lines[..] else {
        panic!("{said}");
    };
    // Every probe ended in its time, with or without a turn to ask the resolver.
    assert_eq!((first, second), ("200 timeout", "200 timeout"), "{said}");
    assert!(took < Duration::from_secs(15), "{took:?}: {said}");
    // 128 lookups, and the one thread that does everything else.
    let threads: u32 = threads.parse().unwrap();
    assert!(threads > 100 && threads < 135, "{said}");
    assert!(questions >= 100, "{questions} questions: {said}");
    assert_eq!((address, exit), ("200 connect_failed", "0"), "{said}");
}

#[test]
fn bad_http_is_bounded_and_answered() {
    let exporter = Exporter::new("");
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000));
    let huge = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "a".repeat(1_000_000)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "X: y\r\n".repeat(1000)
    );
    let post = format!(
        "POST /probe HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{}",
        "a".repeat(100_000)
    );
    for (request, statuses) in [
        (long.as_bytes(), &[414, 431][..]),
        (huge.as_bytes(), &[431]),
        (many.as_bytes(), &[431]),
        (post.as_bytes(), &[405]),
        (
            b"DELETE /probe?target=db HTTP/1.1\r\nHost: x\r\n\r\n",
            &[405],
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[400]),
        (
            b"GET /probe?target=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
            &[400],
        ),
        (b"GET / HTTP/9.9\r\n\r\n", &[400, 505]),
        (b"GET http://[ HTTP/1.1\r\n\r\n", &[400]),
    ] {
        let answer = exporter.send(request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]);
        assert!(statuses.contains(&answer.status), "{shown}: {answer:?}");
    }
    assert_eq!(exporter.get("/-/healthy").status, 200);
}

#[test]
fn clients_that_send_nothing_or_a_byte_at_a_time_hold_up_nobody() {
    let server = silent();
    let exporter = Exporter::new("max_probes = 1\n[modules.default]\ntimeout = 20");
    let probe = format!("/probe?target=127.0.0.1:{}", server.port);
    // A probe that is under way keeps its place.
    let mut first = exporter.connect();
    let request = format!(
        "GET {probe} HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 6\r\n\r\n"
    );
    first.write_all(request.as_bytes()).unwrap();
    exporter.wait_for("pgprobe_exporter_probes_in_flight", 1.0);
    // Far more than there is room for, silent or in the middle of a head, and each time somebody
    // who is quick is answered.
    let mut idle = Vec::new();
    for number in 0..300 {
        let mut stream = exporter.connect();
        if number % 2 == 0 {
            stream.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
        }
        idle.push(stream);
        if number % 20 == 0 {
            let began = Instant::now();
            assert_eq!(exporter.get("/-/healthy").status, 200, "after {number}");
            assert!(began.elapsed() < Duration::from_secs(4), "after {number}");
        }
    }
    assert_eq!(Answer::read(&mut first).status, 200);
    assert_eq!(exporter.get("/probe?target=127.0.0.1:1").status, 200);
    let ended = "pgprobe_exporter_refused_requests_total{reason=\"connections\"}";
    assert!(exporter.metrics().value(ended) > Some(100.0));
    // A head that comes a byte at a time has its end, whatever comes.
    let mut slow = exporter.connect();
    slow.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let began = Instant::now();
    while slow.write_all(b"X: y\r\n").is_ok() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it is still read"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn more_probes_than_can_wait_are_refused_at_once_and_health_is_answered() {
    let server = silent();
    let exporter = Exporter::new("max_probes = 1\n[modules.default]\ntimeout = 20");
    let request = format!(
        "GET /probe?target=127.0.0.1:{} HTTP/1.1\r\nHost: x\r\n\r\n",
        server.port
    );
    let mut all: Vec<_> = (0..60)
        .map(|_| {
            let mut stream = exporter.connect();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    // One for the probe, one and 32 that wait: the others know at once.
    exporter.wait_for("pgprobe_exporter_probes_waiting", 33.0);
    let busy = "pgprobe_exporter_refused_requests_total{reason=\"busy\"}";
    exporter.wait_for(busy, 26.0);
    assert_eq!(exporter.get("/-/healthy").status, 200);
    assert_eq!(Answer::read(all.last_mut().unwrap()).status, 503);
}

#[test]
fn the_format_is_negotiated() {
    let servers = Servers::start();
    let exporter = Exporter::new("");
    let path = format!("/probe?target=127.0.0.1:{}", port(&servers, "good"));
    for path in [path.as_str(), "/metrics"] {
        let plain = exporter.get(path);
        assert!(
            plain
                .head
                .contains("text/plain; version=0.0.4; charset=utf-8"),
            "{plain:?}"
        );
        assert!(!plain.body.contains("# EOF"), "{plain:?}");
        let accept = "Accept: application/openmetrics-text; version=1.0.0\r\n";
        let open = exporter.get_with(path, accept);
        let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert!(open.head.contains(media), "{open:?}");
        assert!(open.body.ends_with("\n# EOF\n"), "{open:?}");
        assert_eq!(
            Metrics::read(&plain.body).names(),
            Metrics::read(&open.body).names()
        );
    }
    let report = exporter.get(&format!("{path}&debug=true"));
    assert!(report.body.contains("verify-full"), "{report:?}");
    assert!(
        report.head.contains("content-type: text/plain"),
        "{report:?}"
    );
}

#[test]
fn signals_end_it_in_order() {
    let server = silent();
    for signal in ["TERM", "INT"] {
        let exporter = Exporter::new("");
        let mut stream = exporter.connect();
        let request = format!(
            "GET /probe?target=127.0.0.1:{} HTTP/1.1\r\n\r\n",
            server.port
        );
        stream.write_all(request.as_bytes()).unwrap();
        exporter.wait_for("pgprobe_exporter_probes_in_flight", 1.0);
        let (status, took) = exporter.end(signal);
        assert_eq!(status, Some(0), "{signal}");
        assert!(took < Duration::from_secs(4), "{signal}: {took:?}");
    }
}

#[test]
fn a_wrong_configuration_is_refused_in_a_line_and_a_hint() {
    let folder = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("listen = '{}'", taken.local_addr().unwrap());
    for (config, arguments, words) in [
        (
            "lisen = ':1'",
            &[][..],
            "\"c.toml\" line 1: unknown field `lisen`, expected one of",
        ),
        (
            "\n[modules.a]\nsslrotcert = 'x'",
            &[],
            "line 3: unknown field `sslrotcert`",
        ),
        (
            "[modules.a]\nsslpassword = 'hunter2'",
            &[],
            "line 2: unknown field `sslpassword`",
        ),
        (
            "[modules.a]\nsslmode = 'require'",
            &[],
            "line 1: depth startup names a user",
        ),
        ("x = \u{1b}[31m", &[], "\"c.toml\" line 1: "),
        (
            "",
            &["--listen", "0.0.0.0:0"],
            "--listen 0.0.0.0:0 without an allow list",
        ),
        (
            "listen = ':0'",
            &[],
            "--listen [::]:0 without an allow list",
        ),
        (
            "",
            &["--listen", "here"],
            "--listen does not take \"here\": not an address and a port",
        ),
        (&taken, &[], "cannot listen on 127.0.0.1:"),
        (
            "[modules.a]\nsslcertmode = 'maybe'",
            &["--check-config"],
            "module a: libpq 18 refuses it: invalid sslcertmode value: \"maybe\"\nhint: sslcertmode is \
             disable, allow or require",
        ),
        (
            "[modules.a]\nlibpq = 15\nsslcertmode = 'require'",
            &["--check-config"],
            "module a: libpq 15 refuses it: invalid connection option \"sslcertmode\"\nhint: sslcertmode",
        ),
        (
            "[modules.a]\nlibpq = 16\nsslnegotiation = 'direct'",
            &["--check-config"],
            "invalid connection option \"sslnegotiation\"\nhint: sslnegotiation is postgres or direct",
        ),
        (
            "[modules.a]\nssl_min_protocol_version = 'TLS1.2'",
            &[],
            "\"TLS1.2\"\nhint: ssl_min_protocol_version and ssl_max_protocol_version are TLSv1",
        ),
        (
            "[modules.a]\nssl_min_protocol_version = 'TLSv1.3'\nssl_max_protocol_version = 'TLSv1.2'",
            &["--check-config"],
            "invalid SSL protocol version range\nhint: ssl_min_protocol_version must not be above",
        ),
        (
            "[modules.a]\nchannel_binding = 'yes'",
            &["--check-config"],
            "invalid channel_binding value: \"yes\"\nhint: channel_binding is",
        ),
        (
            "[modules.a]\nrequire_auth = 'scram'",
            &["--check-config"],
            "\nhint: require_auth is a list of password, md5",
        ),
        (
            "[modules.a]\ngssencmode = 'on'",
            &["--check-config"],
            "invalid gssencmode value: \"on\"\nhint: gssencmode is",
        ),
        (
            "[modules.a]\nconnect_timeout = 'soon'",
            &["--check-config"],
            "\nhint: connect_timeout is a whole number of seconds",
        ),
        (
            "[modules.a]\nsslmode = 'require'\nuser = 'u'\nsslrootcert = 'system'",
            &["--check-config"],
            "\nhint: sslrootcert = \"system\" goes with sslmode = \"verify-full\"",
        ),
        (
            "[modules.a]\nsslcert = 'a'\nsslkey = 'b'\nsslpassword_file = 'none'",
            &["--check-config"],
            "cannot read sslpassword_file",
        ),
    ] {
        fs::write(folder.path().join("c.toml"), config).unwrap();
        let arguments = [&["exporter", "--config", "c.toml"], arguments].concat();
        let ran = pgprobe(folder.path(), &[], &arguments);
        assert_eq!(ran.status, Some(2), "{config}: {ran:?}");
        assert!(ran.stderr.contains(words), "{config}: {ran:?}");
        assert!(!ran.stderr.contains("hunter2"), "{config}: {ran:?}");
        let lines = ran
            .stderr
            .lines()
            .filter(|line| !line.starts_with("warning: "));
        assert_eq!(lines.count(), 2, "{config}: {ran:?}");
        assert!(ran.stderr.contains("\nhint: "), "{config}: {ran:?}");
        assert!(!ran.stderr.contains('\u{1b}'), "{config}: {ran:?}");
    }
    let ran = pgprobe(folder.path(), &[], &["exporter", "--config", "none.toml"]);
    assert!(
        ran.stderr.starts_with("error: cannot read \"none.toml\": "),
        "{ran:?}"
    );
    // What is right is taken: system without a mode, everything that libpq knows.
    for config in [
        "[modules.a]\nsslrootcert = 'system'",
        "[modules.a]\nsslnegotiation = 'direct'\ndepth = 'full'\nuser = 'u'",
        "[modules.a]\nrequire_auth = '!password,!md5'\nsslcertmode = 'allow'\nconnect_timeout = '3'",
        "[modules.a]\nlibpq = 15\nchannel_binding = 'require'\ngssencmode = 'disable'",
    ] {
        fs::write(folder.path().join("c.toml"), config).unwrap();
        let check = ["exporter", "--config", "c.toml", "--check-config"];
        let ran = pgprobe(folder.path(), &[], &check);
        assert_eq!(ran.status, Some(0), "{config}: {ran:?}");
    }
    fs::write(
        folder.path().join("c.toml"),
        "[modules.a]\nsslrootcert = 'none.crt'",
    )
    .unwrap();
    let check = ["exporter", "--config", "c.toml", "--check-config"];
    let ran = pgprobe(folder.path(), &[], &check);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let path = folder.path().join("none.crt");
    let warning = format!(
        "warning: module a: sslrootcert \"{}\": No such file",
        path.display()
    );
    assert!(ran.stderr.starts_with(&warning), "{ran:?}");
}

#[test]
fn a_textfile_is_replaced_whole_and_readable_for_others() {
    let servers = Servers::start();
    let folder = TempDir::new().unwrap();
    let good = servers.named("good").conninfo.as_str();
    let down = format!("127.0.0.1:{}", closed_port());
    let path = folder.path().join("pgprobe.prom");
    let file = path.to_str().unwrap();
    fs::write(&path, "old\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let held = fs::File::open(&path).unwrap();
    let ran = servers.pgprobe(&["-q", "--textfile", file, good, &down]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert_eq!(ran.stdout.lines().count(), 2, "{ran:?}");
    let text = fs::read_to_string(&path).unwrap();
    // Who had it open still has the old one: it was renamed, not written over.
    assert_eq!(std::io::read_to_string(held).unwrap(), "old\n");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o644
    );
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let metrics = Metrics::read(&text);
    assert_eq!(
        metrics.value(&format!("probe_success{{target=\"{good}\"}}")),
        Some(1.0)
    );
    assert_eq!(
        metrics.value(&format!("probe_success{{target=\"{down}\"}}")),
        Some(0.0)
    );
    let times = ["probe_duration_seconds", "probe_timeout_seconds"].map(|name| {
        metrics
            .value(&format!("{name}{{target=\"{good}\"}}"))
            .unwrap()
    });
    assert!(times[0] > 0.0 && times[0] < times[1], "{times:?}");
    assert_eq!(times[1], 10.0);
    assert!(
        !text.contains("# EOF"),
        "node_exporter reads Prometheus's own format"
    );

    for (file, words) in [
        (
            "/nowhere/pgprobe.prom",
            "cannot write \"/nowhere/pgprobe.prom\": No such file",
        ),
        ("/", "cannot write \"/\": "),
        (folder.path().to_str().unwrap(), "cannot write \""),
    ] {
        let ran = servers.pgprobe(&["-q", "--textfile", file, good]);
        assert_eq!(ran.status, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
}

#[test]
fn openmetrics_of_several_targets_have_each_metric_once() {
    let servers = Servers::start();
    let targets: Vec<_> = ["good", "expired", "no-tls", "good"]
        .map(|name| servers.named(name).conninfo.clone())
        .to_vec();
    let mut arguments = vec!["--format", "openmetrics"];
    arguments.extend(targets.iter().map(String::as_str));
    let ran = servers.pgprobe(&arguments);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stdout.ends_with("\n# EOF\n"), "{ran:?}");
    let mut seen = BTreeSet::new();
    let mut series = BTreeSet::new();
    let mut current = "";
    for line in ran.stdout.lines() {
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            current = typed.split(' ').next().unwrap();
            assert!(seen.insert(current), "{current} comes twice");
        } else if !line.starts_with('#') {
            assert!(
                line.starts_with(&format!("{current}{{")),
                "{line} under {current}"
            );
            assert!(
                series.insert(line.rsplit_once(' ').unwrap().0),
                "{line} comes twice"
            );
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
}

#[test]
fn what_a_server_says_cannot_break_out_of_its_label() {
    let evil = "a\"} 1\nprobe_success 1\n# x\\\u{202e}\u{1b}[31m";
    let identity = Identity::new("localhost", &evil.repeat(100));
    let config = identity.server();
    let server = Scripted::new(move |_, peer| {
        if peer.request() == Some(SSL_REQUEST) {
            peer.send(b"S");
            peer.tls_until_end(&config);
        }
    });
    let exporter =
        Exporter::new("[modules.default]\nsslmode = 'verify-full'\nuser = 'u'\n[modules.q]");
    for module in ["default", "q"] {
        let path = format!("/probe?module={module}&target=127.0.0.1:{}", server.port);
        let answer = exporter.get(&path);
        let all = openmetrics::METRICS.iter().map(|metric| metric.name);
        let known: BTreeSet<_> = all.collect();
        for line in answer.body.lines().filter(|line| !line.starts_with("# ")) {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(known.contains(name), "{line:?}");
            assert!(
                !line.contains(char::is_control) && !line.contains('\u{202e}'),
                "{line:?}"
            );
            assert!(line.len() < 4096, "{line:?}");
        }
        let successes = answer
            .body
            .lines()
            .filter(|line| line.starts_with("probe_success"));
        assert_eq!(successes.count(), 1, "{answer:?}");
        assert!(
            answer.body.contains("probe_ssl_last_chain_info{"),
            "{answer:?}"
        );
    }
}

/// The metrics that PromQL in a text names: words that begin as ours do, and the few others.
fn named_in(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let words = text.split(word).map(str::to_owned);
    words
        .filter(|word| {
            ["pgprobe_", "probe_", "process_"]
                .iter()
                .any(|prefix| word.starts_with(prefix))
        })
        .collect()
}

/// Every metric that there is.
fn existing() -> BTreeSet<String> {
    let probe = openmetrics::METRICS.iter().map(|metric| metric.name);
    let own = metrics::METRICS.iter().map(|family| family.name);
    probe.chain(own).map(str::to_owned).collect()
}

#[test]
fn every_metric_comes_from_a_real_scrape() {
    let workshop = certificates::signed("localhost", &["DNS:localhost"]);
    let server = PgCluster::new(18);
    server.install(workshop.path(), &["server.crt", "server.key", "ca.crt"]);
    let server = server.start(Setup {
        settings: "ssl = on\nssl_ca_file = 'ca.crt'\n",
        hba: "hostssl all all all scram-sha-256",
        ident: "",
    });
    let exporter = Exporter::new(&format!(
        "[modules.default]\ndepth = 'full'\nuser = 'myuser'\nsslrootcert = '{}'",
        workshop.file("ca.crt")
    ));
    let probe = exporter.probe("default", "localhost", server.port);
    assert_eq!(probe.state("pgprobe_direct_tls{"), "supported", "{probe:?}");
    assert_eq!(
        probe.state("pgprobe_client_certificate{"),
        "not_required",
        "{probe:?}"
    );
    assert_eq!(
        probe.value("pgprobe_client_certificate_requested"),
        Some(1.0),
        "{probe:?}"
    );
    let own = exporter.metrics();
    let mut seen = probe.names();
    seen.extend(own.names());
    let existing = existing();
    let missing: Vec<_> = existing
        .iter()
        .filter(|name| !seen.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "never written: {missing:?}");
    let unknown: Vec<_> = seen
        .iter()
        .filter(|name| !existing.contains(**name))
        .collect();
    assert!(unknown.is_empty(), "not in the tables: {unknown:?}");
}

#[test]
fn rules_and_dashboard_name_only_metrics_that_exist() {
    let existing = existing();
    for (path, at_least) in [
        ("contrib/prometheus/pgprobe.rules.yml", 8),
        ("contrib/grafana/pgprobe.json", 10),
    ] {
        let text = fs::read_to_string(repository(path)).unwrap();
        let expressions: String = if path.ends_with(".json") {
            let board: serde_json::Value = serde_json::from_str(&text).unwrap();
            expressions_of(&board)
        } else {
            text.lines()
                .filter(|line| !line.trim_start().starts_with('#'))
                .collect()
        };
        let named = named_in(&expressions);
        assert!(named.len() >= at_least, "{path}: {named:?}");
        let unknown: Vec<_> = named.difference(&existing).collect();
        assert!(unknown.is_empty(), "{path}: {unknown:?}");
    }
}

#[test]
fn the_page_lists_every_metric() {
    let page = "docs/monitoring/prometheus.md";
    let mut text = fs::read_to_string(repository(page)).unwrap();
    let labels = |labels: &[&str]| match labels {
        [] => String::new(),
        labels => format!("`{}`", labels.join("`, `")),
    };
    let probe: String = openmetrics::METRICS
        .iter()
        .map(|metric| {
            let labels = labels(metric.labels);
            format!("| `{}` | {labels} | {} |\n", metric.name, metric.help)
        })
        .collect();
    let own: String = metrics::METRICS
        .iter()
        .map(|family| {
            let (labels, kind) = (labels(family.labels), family.kind.name());
            format!(
                "| `{}` | {kind} | {labels} | {} |\n",
                family.name, family.help
            )
        })
        .collect();
    for (source, head, rows) in [
        (
            "src/render/openmetrics.rs",
            "| metric | labels | meaning |\n|---|---|---|\n",
            probe,
        ),
        (
            "src/exporter/metrics.rs",
            "| metric | type | labels | meaning |\n|---|---|---|---|\n",
            own,
        ),
    ] {
        let mark = format!("<!-- Made from {source} by tests/it/exporter.rs. -->\n");
        let (before, rest) = text.split_once(&mark).unwrap();
        let (_, after) = rest.split_once("<!-- end -->\n").unwrap();
        text = format!("{before}{mark}{head}{rows}<!-- end -->\n{after}");
    }
    assert_file(page, &text);
}

#[test]
fn the_page_lists_every_key_of_the_configuration() {
    let page = fs::read_to_string(repository("docs/monitoring/prometheus.md")).unwrap();
    let (_, page) = page.split_once("\n## Configuration\n").unwrap();
    let (page, _) = page.split_once("\n## Security\n").unwrap();
    let mut listed = page
        .split("\n| key | default | meaning |\n")
        .skip(1)
        .map(|table| {
            let rows = table.lines().take_while(|line| line.starts_with('|'));
            let keys =
                rows.filter_map(|row| Some(row.strip_prefix("| `")?.split('`').next()?.to_owned()));
            keys.collect::<Vec<_>>()
        });
    for section in ["", "[allow]\n", "[modules.a]\n"] {
        let folder = TempDir::new().unwrap();
        fs::write(
            folder.path().join("c.toml"),
            format!("{section}no_such_key = 1"),
        )
        .unwrap();
        let ran = pgprobe(folder.path(), &[], &["exporter", "--config", "c.toml"]);
        let line = ran.stderr.lines().next().unwrap();
        let (_, known) = line.split_once("expected one of ").unwrap();
        let known: Vec<_> = known.split(", ").map(|key| key.trim_matches('`')).collect();
        assert_eq!(listed.next().unwrap(), known, "{section}");
    }
}

#[test]
fn what_the_page_shows_is_what_contrib_has() {
    let page = fs::read_to_string(repository("docs/monitoring/prometheus.md")).unwrap();
    let block = |language: &str| {
        let (_, rest) = page.split_once(&format!("\n```{language}\n")).unwrap();
        rest.split_once("```\n").unwrap().0.to_owned()
    };
    let read =
        |name: &str| fs::read_to_string(repository(&format!("contrib/prometheus/{name}"))).unwrap();
    let lines = |text: &str| {
        let own = ["scrape_interval: 1m", "scrape_timeout: 15s"];
        let kept = text.lines().filter(|line| !own.contains(&line.trim()));
        kept.map(str::to_owned).collect::<Vec<_>>()
    };
    let (_, jobs) = read("prometheus.yml")
        .split_once("scrape_configs:\n")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert_eq!(lines(&block("yaml"))[1..], lines(&jobs));
    assert!(read("exporter.toml").ends_with(&block("toml")));
    let config = repository("contrib/prometheus/exporter.toml");
    let ran = pgprobe(
        &repository("."),
        &[],
        &[
            "exporter",
            "--check-config",
            "--config",
            config.to_str().unwrap(),
        ],
    );
    assert_eq!(ran.status, Some(0), "{ran:?}");
}

#[test]
fn the_commands_of_the_page_do_what_it_says() {
    let page = fs::read_to_string(repository("docs/monitoring/prometheus.md")).unwrap();
    let commands: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    let servers = Servers::start();
    let good = servers.named("good").conninfo.as_str();
    let host = format!("127.0.0.1:{}", port(&servers, "good"));
    let exporter = Exporter::new("");
    let config = repository("contrib/prometheus/exporter.toml");
    let file = servers.folder.path().join("pgprobe.prom");
    let mut kinds = BTreeSet::new();
    for command in commands {
        if let Some(url) = command.strip_prefix("curl 'http://127.0.0.1:10432") {
            let path = url.strip_suffix('\'').unwrap();
            let answer = exporter.get(&path.replace("db1.example.com", &host));
            assert_eq!(answer.status, 200, "{command}: {answer:?}");
            kinds.insert("curl");
        } else if command.starts_with("pgprobe exporter") {
            // Without the last word it serves until it is ended, as above.
            let line = command.replace("/etc/pgprobe/exporter.toml", config.to_str().unwrap());
            let mut words: Vec<_> = line.split(' ').skip(1).collect();
            if !words.contains(&"--check-config") {
                words.push("--check-config");
            }
            let ran = pgprobe(&repository("."), &[], &words);
            assert_eq!(ran.status, Some(0), "{command}: {ran:?}");
            kinds.insert("exporter");
        } else {
            let words: Vec<_> = command.split(' ').skip(1).collect();
            let words = words.iter().map(|word| match *word {
                "db1.example.com" | "db2.example.com" => good,
                word if word.ends_with(".prom") => file.to_str().unwrap(),
                word => word,
            });
            let ran = servers.pgprobe(&words.collect::<Vec<_>>());
            assert_eq!(ran.status, Some(0), "{command}: {ran:?}");
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.contains("\nprobe_success{"), "{command}: {text}");
            kinds.insert("textfile");
        }
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

/// Every query of a dashboard: of its panels and of its variables.
fn expressions_of(value: &serde_json::Value) -> String {
    let mut found = String::new();
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                match value.as_str() {
                    Some(text) if ["expr", "query", "definition"].contains(&key.as_str()) => {
                        found += text;
                        found.push('\n');
                    }
                    _ => found += &expressions_of(value),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|one| found += &expressions_of(one)),
        _ => {}
    }
    found
}
