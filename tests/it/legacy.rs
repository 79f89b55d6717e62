//! Servers that rustls cannot talk to and libpq can: each suite below TLS 1.3 of OpenSSL's default
//! list, TLS 1.0 and 1.1, odd keys; and what libpq refuses on them.

use crate::support::certificates::{self, Workshop};
use crate::support::pgprobe::{Client, Run};
use crate::support::postgres::{PgCluster, Setup};

const TRUST: &str = "host all all all trust";
/// libpq 18 at each sslmode, from disable to verify-full, against `hostssl` only.
const HOSTSSL: &str = "hostssl all all all trust";
const TLS_ONLY: [&str; 6] = ["hba_rejected", "tls", "tls", "tls", "tls", "tls"];
const REFUSED: [&str; 6] = [
    "plain",
    "plain",
    "plain",
    "tls_handshake_failed",
    "tls_handshake_failed",
    "tls_handshake_failed",
];

const RSA_SUITES: [&str; 19] = [
    "ECDHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-SHA384",
    "DHE-RSA-AES256-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "DHE-RSA-AES128-SHA256",
    "ECDHE-RSA-AES256-SHA",
    "DHE-RSA-AES256-SHA",
    "ECDHE-RSA-AES128-SHA",
    "DHE-RSA-AES128-SHA",
    "AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-SHA256",
    "AES128-SHA256",
    "AES256-SHA",
];

const ECDSA_SUITES: [&str; 7] = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-AES128-SHA",
];

/// Those that exist in TLS 1.0 and 1.1.
const OLD_SUITES: [&str; 6] = [
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-AES128-SHA",
    "DHE-RSA-AES256-SHA",
    "DHE-RSA-AES128-SHA",
    "AES256-SHA",
    "AES128-SHA",
];

/// Makes `server.crt` and `server.key` with a key of this kind, signed by the workshop's CA.
fn keyed(key: &str) -> Workshop {
    let workshop = certificates::signed("db.example.test", &["DNS:db.example.test"]);
    workshop.run(&format!(
        "openssl genpkey {key} -out server.key; chmod 600 server.key
         openssl req -new -key server.key -out server.csr -subj /CN=db.example.test
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
             -out server.crt -days 365 -extfile extensions"
    ));
    certificates::client(&workshop, "client", "myuser");
    workshop
}

/// A server that can be narrowed to one suite after the other.
struct Legacy {
    server: PgCluster,
    workshop: Workshop,
}

impl Legacy {
    fn new(major: u32, workshop: Workshop) -> Self {
        let server = PgCluster::new(major).permissive();
        server.install(workshop.path(), &["server.crt", "server.key", "ca.crt"]);
        let server = server.start(Setup {
            settings: "ssl = on\n",
            hba: HOSTSSL,
            ident: "",
        });
        Self { server, workshop }
    }

    fn set(&mut self, version: &str, suites: &str, more: &str, hba: &str) {
        let settings = format!(
            "ssl = on\nssl_min_protocol_version = '{version}'\n\
             ssl_max_protocol_version = '{version}'\nssl_ciphers = '{suites}'\n{more}"
        );
        self.server.reload(Setup {
            settings: &settings,
            hba,
            ident: "",
        });
    }

    fn probe(&self, more: &str, options: &[&str]) -> Run {
        let root = self.workshop.file("ca.crt");
        let client = Client::new(format!(
            "host=db.example.test hostaddr=127.0.0.1 port={} user=myuser dbname=postgres \
             sslrootcert={root} {more}",
            self.server.port
        ));
        client.json(options)
    }

    #[track_caller]
    fn connects(&self, version: &str, suite: &str, more: &str, options: &[&str]) -> Run {
        let run = self.probe(more, options);
        let what = format!("{version} {suite}: {run:#?}");
        assert_eq!(run.verdicts(), TLS_ONLY, "{what}");
        assert_eq!(run.at("/tls/completed"), true, "{what}");
        assert_eq!(run.at("/tls/protocol_version"), version, "{what}");
        assert_eq!(run.at("/tls/cipher_suite_openssl"), suite, "{what}");
        assert_eq!(run.at("/tls/key_possession"), "proved", "{what}");
        run
    }
}

fn every_suite(major: u32) {
    let rsa = keyed("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    let ecdsa = keyed("-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    for (workshop, suites) in [(rsa, &RSA_SUITES[..]), (ecdsa, &ECDSA_SUITES)] {
        let mut legacy = Legacy::new(major, workshop);
        for suite in suites {
            legacy.set("TLSv1.2", suite, "", HOSTSSL);
            let run = legacy.connects("TLSv1.2", suite, "", &[]);
            assert_eq!(run.at("/connections"), 2, "{suite}: {run:#?}");
            let dh_bits = run.at("/tls/dh_bits");
            assert_eq!(dh_bits.is_number(), suite.starts_with("DHE"), "{run:#?}");
        }
    }
}

#[test]
fn every_suite_of_openssls_list_is_completed_with_openssl_3() {
    every_suite(15);
}

#[test]
fn every_suite_of_openssls_list_is_completed_with_openssl_1_1_1() {
    every_suite(18);
}

#[test]
fn tls_1_0_and_1_1_are_spoken_where_openssl_1_1_1_is_told_to() {
    let mut legacy = Legacy::new(18, keyed("-algorithm RSA -pkeyopt rsa_keygen_bits:2048"));
    let lowered = "ssl_min_protocol_version=TLSv1";
    let old = ["--openssl", "1.1.1"];
    for version in ["TLSv1", "TLSv1.1"] {
        for suite in OLD_SUITES {
            legacy.set(version, suite, "", HOSTSSL);
            let run = legacy.connects(version, suite, lowered, &old);
            assert_eq!(run.at("/connections"), 2, "{run:#?}");
            let only = format!("{lowered} ssl_max_protocol_version={version}");
            let run = legacy.connects(version, suite, &only, &old);
            assert_eq!(run.at("/connections"), 2, "{run:#?}");
            // Of OpenSSL 3 only 3.0 goes below TLS 1.2 where it is told to, and it refuses what is
            // signed there.
            let expected = match suite.split_once('-') {
                Some(("ECDHE" | "DHE", _)) => "tls_version_unsupported",
                _ => "undetermined",
            };
            for more in [lowered, only.as_str()] {
                for options in [&[][..], &["--openssl", "3-level1"]] {
                    let run = legacy.probe(more, options);
                    let seen = run.verdicts()[5].clone();
                    assert_eq!(seen, expected, "{version} {suite} {more}: {run:#?}");
                }
            }
            for options in [&[][..], &old] {
                let run = legacy.probe("", options);
                assert_eq!(run.verdicts()[5], "tls_version_unsupported", "{run:#?}");
            }
        }
    }
}

#[test]
fn an_elliptic_key_signs_in_tls_1_0_too() {
    for curve in ["P-256", "P-384", "P-521"] {
        let key = format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}");
        let mut legacy = Legacy::new(18, keyed(&key));
        legacy.set("TLSv1", "ECDHE-ECDSA-AES256-SHA", "", HOSTSSL);
        let lowered = "ssl_min_protocol_version=TLSv1";
        let old = ["--openssl", "1.1.1"];
        legacy.connects("TLSv1", "ECDHE-ECDSA-AES256-SHA", lowered, &old);
    }
}

#[test]
fn odd_keys_complete_in_tls_1_2() {
    for (key, suite) in [
        (
            "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
            "ECDHE-RSA-AES256-GCM-SHA384",
        ),
        (
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
        ),
        ("-algorithm ED25519", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("-algorithm ED448", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ] {
        let mut legacy = Legacy::new(15, keyed(key));
        legacy.set("TLSv1.2", "HIGH", "", HOSTSSL);
        let run = legacy.connects("TLSv1.2", suite, "", &[]);
        assert_eq!(run.at("/connections"), 2, "{key}: {run:#?}");
    }
}

#[test]
fn a_certificate_message_beyond_64_kib_is_read_as_far_as_openssl_reads_it() {
    // OpenSSL's own limit is 100 KiB.
    for (names, completes) in [(3_500, true), (5_500, false)] {
        let workshop = certificates::signed("db.example.test", &["DNS:db.example.test"]);
        let names: Vec<_> = (0..names)
            .map(|number| format!("DNS:host-{number:05}.example.test"))
            .collect();
        let extensions = format!("subjectAltName = DNS:db.example.test,{}", names.join(","));
        workshop.write("extensions", &extensions);
        workshop.run(
            "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
                 -out server.crt -days 365 -extfile extensions",
        );
        let mut legacy = Legacy::new(15, workshop);
        let expected = if completes {
            ["plain", "plain", "tls", "tls", "tls", "tls"]
        } else {
            REFUSED
        };
        for version in ["TLSv1.2", "TLSv1.3"] {
            legacy.set(version, "HIGH", "", TRUST);
            let run = legacy.probe("", &[]);
            let failure = run.at("/tls/failure");
            assert_eq!(run.verdicts(), expected, "{version}: {failure:?}");
        }
    }
}

/// What makes pgprobe's own client speak TLS 1.3: rustls offers nothing below TLS 1.2.
const LOWERED: (&str, [&str; 2]) = ("ssl_min_protocol_version=TLSv1", ["--openssl", "1.1.1"]);

#[test]
fn tls_1_3_is_spoken_with_older_versions_beside_it_and_with_client_certificates() {
    let workshop = keyed("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    workshop.run(
        "openssl req -new -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
             -out stranger.crt -keyout stranger.key -subj /CN=myuser
         chmod 600 stranger.key",
    );
    let keys = [
        ("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
        ("p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
        ("p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384"),
        ("ed25519", "-algorithm ED25519"),
    ];
    for (name, key) in keys {
        workshop.run(&format!(
            "openssl genpkey {key} -out {name}.key; chmod 600 {name}.key
             openssl req -new -key {name}.key -out {name}.csr -subj /CN=myuser
             openssl x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
                 -out {name}.crt -days 365"
        ));
    }
    let mut legacy = Legacy::new(15, workshop);
    let (lowered, old) = LOWERED;
    // A key share is sent for x25519 alone: each of these takes a second ClientHello.
    for group in ["prime256v1", "secp384r1", "secp521r1"] {
        let more = format!("ssl_ecdh_curve = '{group}'\n");
        legacy.set("TLSv1.3", "HIGH", &more, HOSTSSL);
        let run = legacy.connects("TLSv1.3", "TLS_AES_256_GCM_SHA384", lowered, &old);
        assert_eq!(run.at("/tls/hello_retry_request"), true, "{run:#?}");
        assert_eq!(run.at("/connections"), 2, "{run:#?}");
    }
    let asks = "ssl_ca_file = 'ca.crt'\n";
    legacy.set("TLSv1.3", "HIGH", asks, "hostssl all all all cert");
    let shown = |name: &str| {
        let file = |suffix: &str| legacy.workshop.file(&format!("{name}.{suffix}"));
        let more = format!("{lowered} sslcert={} sslkey={}", file("crt"), file("key"));
        legacy.probe(&more, &old)
    };
    for (name, _) in keys {
        let run = shown(name);
        assert_eq!(run.verdicts()[5], "tls", "{name}: {run:#?}");
        assert_eq!(run.at("/tls/client_certificate/sent"), true, "{run:#?}");
    }
    let run = shown("stranger");
    assert_eq!(run.verdicts()[3], "client_cert_rejected", "{run:#?}");
    let run = legacy.probe(lowered, &old);
    assert_eq!(run.verdicts()[3], "client_cert_required", "{run:#?}");
}

#[test]
fn names_that_rustls_does_not_send_and_ed448_go_through_tls_1_3() {
    let workshop = keyed("-algorithm ED448");
    for host in ["db.example.test.", "a_b.", "b\u{fc}cher.example.test", "db"] {
        for group in ["X25519", "P-384", "ffdhe2048"] {
            // Any other name is refused.
            let server = SServer::new(
                &workshop,
                &[
                    ["-servername", host, "-servername_fatal"].as_slice(),
                    &["-cert2", "server.crt", "-key2", "server.key"],
                    &["-groups", group, "-tls1_3"],
                ]
                .concat(),
            );
            let run = server.ask(&workshop, host);
            let what = format!("{host} {group}: {run:#?}");
            assert_eq!(run.at("/tls/completed"), true, "{what}");
            assert_eq!(run.at("/tls/signature_scheme"), "ed448", "{what}");
            assert_eq!(run.at("/tls/key_possession"), "proved", "{what}");
            assert_eq!(run.at("/tls/offer/sni"), host, "{what}");
        }
    }
}

#[test]
fn what_is_not_in_openssls_list_is_a_handshake_failure() {
    let rsa = keyed("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    let mut legacy = Legacy::new(15, rsa);
    for suites in [
        "AES128-CCM",
        "ARIA128-GCM-SHA256",
        "CAMELLIA256-SHA",
        "NULL-SHA256",
        "ADH-AES256-GCM-SHA384",
    ] {
        legacy.set("TLSv1.2", suites, "", TRUST);
        let run = legacy.probe("", &[]);
        assert_eq!(run.verdicts(), REFUSED, "{suites}: {run:#?}");
    }
}

#[test]
fn the_size_of_a_diffie_hellman_group_is_judged_by_the_security_level() {
    let workshop = keyed("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    workshop.run("openssl dhparam -dsaparam -out dh.pem 1024 2>/dev/null");
    let mut legacy = Legacy::new(15, workshop);
    let path = legacy.workshop.path();
    legacy.server.install(path, &["dh.pem"]);
    // The server would do better, and prefers not to.
    let suites = "DHE-RSA-AES256-SHA:ECDHE-RSA-AES256-GCM-SHA384";
    legacy.set("TLSv1.2", suites, "ssl_dh_params_file = 'dh.pem'\n", TRUST);
    let run = legacy.probe("", &[]);
    assert_eq!(run.verdicts(), REFUSED, "{run:#?}");
    assert!(
        run.message("require").contains("dh key too small"),
        "{run:#?}"
    );
    assert_eq!(run.at("/tls/dh_bits"), 1024, "{run:#?}");
    for options in [["--openssl", "3-level1"], ["--openssl", "1.1.1"]] {
        let run = legacy.probe("", &options);
        assert_eq!(run.verdicts()[5], "tls", "{run:#?}");
    }
}

#[test]
fn a_client_certificate_is_shown_with_every_key_exchange() {
    let workshop = keyed("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    workshop.run(
        "openssl req -new -nodes -newkey rsa:2048 -out rsa.csr -keyout rsa.key -subj /CN=myuser
         openssl x509 -req -in rsa.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out rsa.crt
         openssl req -new -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
             -out stranger.crt -keyout stranger.key -subj /CN=myuser
         chmod 600 *.key",
    );
    let mut legacy = Legacy::new(15, workshop);
    for suite in [
        "AES256-SHA",
        "DHE-RSA-AES256-SHA256",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES256-GCM-SHA384",
    ] {
        let asks = "ssl_ca_file = 'ca.crt'\n";
        legacy.set("TLSv1.2", suite, asks, "hostssl all all all cert");
        for name in ["client", "rsa"] {
            let (certificate, key) = (format!("{name}.crt"), format!("{name}.key"));
            let (certificate, key) = (
                legacy.workshop.file(&certificate),
                legacy.workshop.file(&key),
            );
            let more = format!("sslcert={certificate} sslkey={key}");
            let run = legacy.connects("TLSv1.2", suite, &more, &[]);
            assert_eq!(run.at("/tls/client_certificate/sent"), true, "{run:#?}");
            assert_eq!(run.at("/tls/client_certificate/demanded"), true, "{run:#?}");
        }
        let run = legacy.probe("", &[]);
        assert_eq!(run.verdicts()[3], "client_cert_required", "{run:#?}");
        let stranger = format!(
            "sslcert={} sslkey={}",
            legacy.workshop.file("stranger.crt"),
            legacy.workshop.file("stranger.key")
        );
        let run = legacy.probe(&stranger, &[]);
        assert_eq!(run.verdicts()[3], "client_cert_rejected", "{run:#?}");
    }
}

#[test]
fn a_client_certificate_is_shown_below_tls_1_2_too() {
    let mut legacy = Legacy::new(18, keyed("-algorithm RSA -pkeyopt rsa_keygen_bits:2048"));
    let keys = [
        ("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
        ("small", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024"),
        ("p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
        ("p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384"),
        ("p521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521"),
        ("ed25519", "-algorithm ED25519"),
    ];
    for (name, key) in keys {
        legacy.workshop.run(&format!(
            "openssl genpkey {key} -out {name}.key; chmod 600 {name}.key
             openssl req -new -key {name}.key -out {name}.csr -subj /CN=myuser
             openssl x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
                 -out {name}.crt -days 365"
        ));
    }
    let asks = "ssl_ca_file = 'ca.crt'\n";
    for (version, suite) in [("TLSv1", "ECDHE-RSA-AES256-SHA"), ("TLSv1.1", "AES256-SHA")] {
        legacy.set(version, suite, asks, "hostssl all all all cert");
        for (name, _) in keys {
            let more = format!(
                "ssl_min_protocol_version=TLSv1 sslcert={} sslkey={}",
                legacy.workshop.file(&format!("{name}.crt")),
                legacy.workshop.file(&format!("{name}.key")),
            );
            let run = legacy.probe(&more, &["--openssl", "1.1.1"]);
            // OpenSSL has no signature of Ed25519 below TLS 1.2, and shows no certificate.
            let (verdict, sent) = match name {
                "ed25519" => ("client_cert_required", false),
                _ => ("tls", true),
            };
            assert_eq!(run.verdicts()[5], verdict, "{version} {name}: {run:#?}");
            assert_eq!(run.at("/tls/client_certificate/sent"), sent, "{run:#?}");
        }
    }
}

/// `openssl s_server` with these options, for direct TLS; it ends when this is dropped.
struct SServer {
    process: std::process::Child,
    port: u16,
}

impl SServer {
    fn new(workshop: &Workshop, options: &[&str]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let process = std::process::Command::new("openssl")
            .args([
                "s_server",
                "-quiet",
                "-cert",
                "server.crt",
                "-key",
                "server.key",
            ])
            .args([
                "-alpn",
                "postgresql",
                "-accept",
                &format!("127.0.0.1:{port}"),
            ])
            .args(options)
            .current_dir(workshop.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !listens() {
            assert!(
                std::time::Instant::now() < patience,
                "s_server does not listen"
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Self { process, port }
    }

    fn probe(&self, workshop: &Workshop) -> Run {
        self.ask(workshop, "db.example.test")
    }

    fn ask(&self, workshop: &Workshop, host: &str) -> Run {
        let root = workshop.file("ca.crt");
        let client = Client::new(format!(
            "host={host} hostaddr=127.0.0.1 port={} user=myuser dbname=postgres \
             sslrootcert={root} sslnegotiation=direct",
            self.port
        ));
        client.json(&["--depth", "handshake"])
    }
}

impl Drop for SServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_finite_field_groups_of_openssl_3_are_spoken_in_tls_1_3() {
    let workshop = keyed("-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    for group in ["ffdhe2048", "ffdhe3072", "ffdhe8192"] {
        let server = SServer::new(&workshop, &["-groups", group, "-tls1_3"]);
        let run = server.probe(&workshop);
        assert_eq!(run.at("/tls/completed"), true, "{run:#?}");
        assert_eq!(run.at("/tls/group"), group, "{run:#?}");
        assert_eq!(run.at("/tls/key_possession"), "proved", "{run:#?}");
    }
}

#[test]
fn the_downgrade_sentinel_of_a_real_server_is_no_trouble_where_tls_1_2_is_the_most() {
    // The server knows TLS 1.3 and says so in its random; we were told not to offer it.
    let mut legacy = Legacy::new(15, keyed("-algorithm RSA -pkeyopt rsa_keygen_bits:2048"));
    legacy.server.reload(Setup {
        settings: "ssl = on\n",
        hba: HOSTSSL,
        ident: "",
    });
    let run = legacy.probe("ssl_max_protocol_version=TLSv1.2", &[]);
    assert_eq!(run.verdicts(), TLS_ONLY, "{run:#?}");
    assert_eq!(run.at("/tls/protocol_version"), "TLSv1.2", "{run:#?}");
}
