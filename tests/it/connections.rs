//! Each depth costs the server as many connections as it promises, and as many lines in its log:
//! counted at the server.

use crate::support::certificates::{self, Workshop};
use crate::support::pgprobe::{Client, Run};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::scripted::Scripted;

const TRUST: &str = "host all all all trust";

/// A server that logs connections, with a CA that its clients' certificates come from.
struct Counted {
    server: PgCluster,
    workshop: Workshop,
}

impl Counted {
    fn new(major: u32, settings: &str) -> Self {
        let workshop = certificates::signed("db.example.test", &["DNS:db.example.test"]);
        Self::with(workshop, major, settings)
    }

    /// With a key that only OpenSSL's ClientHello gets in TLS 1.2: a compressed point.
    fn compressed(major: u32, settings: &str) -> Self {
        let workshop = certificates::signed("db.example.test", &["DNS:db.example.test"]);
        workshop.run(
            "openssl ec -in server.key -conv_form compressed -out compressed.key 2>/dev/null
             mv compressed.key server.key; chmod 600 server.key
             openssl req -new -key server.key -out server.csr -subj /CN=db.example.test
             openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
                 -out server.crt -days 365 -extfile extensions",
        );
        let settings = format!("ssl_max_protocol_version = 'TLSv1.2'\n{settings}");
        Self::with(workshop, major, &settings)
    }

    fn with(workshop: Workshop, major: u32, settings: &str) -> Self {
        certificates::client(&workshop, "client", "myuser");
        let server = PgCluster::new(major).permissive();
        server.install(workshop.path(), &["server.crt", "server.key", "ca.crt"]);
        let settings = format!("ssl = on\nlog_connections = on\n{settings}");
        let server = server.start(Setup {
            settings: &settings,
            hba: TRUST,
            ident: "",
        });
        Self { server, workshop }
    }

    fn conninfo(&self, more: &str) -> String {
        format!(
            "host=db.example.test hostaddr=127.0.0.1 port={} user=myuser dbname=postgres {more}",
            self.server.port
        )
    }

    fn client_certificate(&self) -> String {
        format!(
            "sslcert={} sslkey={}",
            self.workshop.file("client.crt"),
            self.workshop.file("client.key")
        )
    }

    /// Probes and counts: what the server has seen must be what was promised, and what the report
    /// says.
    #[track_caller]
    fn costs(&self, depth: &str, more: &str, promised: usize) -> Run {
        self.costs_with(&["--depth", depth], more, promised)
    }

    #[track_caller]
    fn costs_with(&self, options: &[&str], more: &str, promised: usize) -> Run {
        let start = self.server.log().len();
        let depth = options.join(" ");
        let run = Client::new(self.conninfo(more)).json(options);
        let counted = self.server.connections(start);
        assert_eq!(counted, promised, "at the server, depth {depth}: {run:#?}");
        assert_eq!(
            run.at("/connections"),
            promised,
            "in the report, depth {depth}: {run:#?}"
        );
        run
    }
}

/// Suites that OpenSSL offers and the TLS library does not have.
const BEYOND: &str =
    "ssl_max_protocol_version = 'TLSv1.2'\nssl_ciphers = 'ECDHE-ECDSA-AES256-SHA'\n";

/// A suite that nobody offers.
const REFUSES: &str = "ssl_max_protocol_version = 'TLSv1.2'\nssl_ciphers = 'NULL-SHA256'\n";

const ASKS: &str = "ssl_ca_file = 'ca.crt'\n";

#[test]
fn a_handshake_is_one_connection() {
    let counted = Counted::new(15, "");
    let run = counted.costs("handshake", "", 1);
    assert_eq!(run.at("/tls/completed"), true);
}

#[test]
fn a_handshake_is_one_connection_where_there_is_no_tls() {
    let counted = Counted::new(15, "ssl = off\n");
    let run = counted.costs("handshake", "", 1);
    assert_eq!(run.at("/hosts/0/ssl_request/answer"), "N");
}

#[test]
fn a_handshake_is_one_connection_where_it_cannot_be_completed() {
    let counted = Counted::new(15, REFUSES);
    let run = counted.costs("handshake", "", 1);
    assert_eq!(run.at("/tls/completed"), false);
}

#[test]
fn startup_is_two_connections() {
    Counted::new(15, "").costs("startup", "", 2);
}

#[test]
fn startup_is_two_connections_where_there_is_no_tls() {
    Counted::new(15, "ssl = off\n").costs("startup", "", 2);
}

#[test]
fn a_server_that_finds_nothing_to_take_is_asked_once_more_as_openssl_3_5() {
    let counted = Counted::new(15, REFUSES);
    let run = counted.costs("startup", "", 3);
    assert_eq!(run.at("/sslmodes/3/outcome"), "fails", "{run:#?}");
    counted.costs("full", "", 6);
    // One handshake does not tell.
    let run = counted.costs("handshake", "", 1);
    assert_eq!(run.at("/sslmodes/3/outcome"), "undetermined", "{run:#?}");
    assert_eq!(run.at("/sslmodes/3/settled_by"), "startup", "{run:#?}");
    // There is no newer 1.1.1, and nothing new below TLS 1.3.
    let old = ["--depth", "startup", "--openssl", "1.1.1"];
    counted.costs_with(&old, "", 2);
    counted.costs("startup", "ssl_max_protocol_version=TLSv1.2", 2);
}

#[test]
fn startup_is_two_connections_with_direct_tls() {
    let counted = Counted::new(18, "");
    let run = counted.costs("startup", "sslnegotiation=direct", 2);
    assert_eq!(run.at("/tls/seen_by"), "direct", "{run:#?}");
}

#[test]
fn startup_is_the_default() {
    let counted = Counted::new(15, "");
    let start = counted.server.log().len();
    let run = Client::new(counted.conninfo("")).json(&[]);
    assert_eq!(counted.server.connections(start), 2, "{run:#?}");
    assert_eq!(run.at("/depth"), "startup");
}

#[test]
fn a_client_certificate_that_is_asked_for_costs_startup_a_third() {
    let counted = Counted::new(15, ASKS);
    counted.costs("startup", &counted.client_certificate(), 3);
}

#[test]
fn a_client_certificate_that_nobody_asks_for_costs_nothing() {
    let counted = Counted::new(15, "");
    counted.costs("startup", &counted.client_certificate(), 2);
}

#[test]
fn suites_that_few_libraries_have_cost_nothing_more() {
    let counted = Counted::new(15, BEYOND);
    let run = counted.costs("handshake", "", 1);
    assert_eq!(run.at("/tls/completed"), true, "{run:#?}");
    let run = counted.costs("startup", "", 2);
    assert_eq!(
        run.at("/tls/cipher_suite_openssl"),
        "ECDHE-ECDSA-AES256-SHA",
        "{run:#?}"
    );
    let counted = Counted::new(15, &format!("{ASKS}{BEYOND}"));
    counted.costs("startup", &counted.client_certificate(), 3);
}

#[test]
fn a_key_that_few_libraries_read_costs_nothing_more() {
    let counted = Counted::compressed(15, "");
    let run = counted.costs("startup", "", 2);
    assert_eq!(run.at("/tls/completed"), true, "{run:#?}");
    assert_eq!(run.at("/tls/key_possession"), "proved", "{run:#?}");
}

#[test]
fn startup_never_takes_more_than_three() {
    let counted = Counted::compressed(15, ASKS);
    counted.costs("startup", &counted.client_certificate(), 3);
}

#[test]
fn full_adds_gssencrequest_and_two_times_direct_tls() {
    for major in [15, 18] {
        let counted = Counted::new(major, "");
        let run = counted.costs("full", "", 5);
        let direct = run.at("/hosts/0/direct/completed");
        assert_eq!(direct, major >= 17, "PostgreSQL {major}: {run:#?}");
        assert!(run.at("/hosts/0/gssenc_request").is_string(), "{run:#?}");
    }
}

#[test]
fn full_with_a_client_certificate_is_six() {
    for counted in [Counted::new(18, ASKS), Counted::compressed(18, ASKS)] {
        counted.costs("full", &counted.client_certificate(), 6);
    }
}

#[test]
fn comparing_without_the_server_name_costs_one_more() {
    let counted = Counted::new(18, "");
    for (depth, promised) in [("handshake", 2), ("startup", 3), ("full", 6)] {
        let run = counted.costs_with(&["--depth", depth, "--compare-sni"], "", promised);
        let nameless = "/hosts/0/without_server_name";
        assert_eq!(run.at(&format!("{nameless}/completed")), true, "{run:#?}");
        // PostgreSQL has one certificate, whatever the name.
        assert_eq!(run.at(&format!("{nameless}/same_chain")), true, "{run:#?}");
    }
}

#[test]
fn comparing_without_the_server_name_costs_nothing_where_libpq_sends_none() {
    let counted = Counted::new(15, "");
    for no_name in ["sslsni=0", "host=127.0.0.1"] {
        let run = counted.costs_with(&["--depth", "handshake", "--compare-sni"], no_name, 1);
        assert!(run.at("/hosts/0/without_server_name").is_null(), "{run:#?}");
        // That nothing was compared is said.
        let notes = run.at("/notes").to_string();
        let words = "--compare-sni had nothing to compare: libpq sends no server name here";
        assert!(notes.contains(words), "{no_name}: {notes}");
    }
    let counted = Counted::new(15, "ssl = off\n");
    let run = counted.costs_with(&["--compare-sni"], "", 2);
    let notes = run.at("/notes").to_string();
    let words = "--compare-sni had nothing to compare: no TLS handshake";
    assert!(notes.contains(words), "{notes}");
}

#[test]
fn each_host_of_a_list_costs_its_own() {
    let counted = Counted::new(15, "");
    let port = counted.server.port;
    let start = counted.server.log().len();
    let run = Client::new(format!(
        "host=127.0.0.1,::1 port={port} user=myuser dbname=postgres"
    ))
    .json(&["--depth", "startup"]);
    assert_eq!(counted.server.connections(start), 4, "{run:#?}");
    assert_eq!(run.at("/hosts").as_array().unwrap().len(), 2);
}

#[test]
fn nothing_is_sent_where_libpq_would_send_nothing() {
    let server = Scripted::new(|_, peer| peer.wait_for_end());
    for refused in [
        "ssl_min_protocol_version=bogus",
        "sslnegotiation=bogus",
        "no_such_option=1",
        "channel_binding=bogus",
        "sslcertmode=bogus",
    ] {
        let client = Client::new(format!(
            "host=127.0.0.1 port={} user=myuser {refused}",
            server.port
        ));
        let run = client.json(&[]);
        assert_eq!(run.verdicts(), ["bad_parameter"; 6], "{run:#?}");
        assert_eq!(run.at("/connections"), 0, "{run:#?}");
    }
    assert_eq!(server.records().len(), 0);
}

#[test]
fn without_a_listener_the_report_says_so_and_the_exit_code_is_2() {
    let port = {
        let gone = Scripted::new(|_, _| {});
        gone.port
    };
    let run = Client::new(format!("host=127.0.0.1 port={port} user=myuser")).json(&[]);
    assert_eq!(run.verdicts(), ["connect_failed"; 6], "{run:#?}");
    assert_eq!(run.status, Some(2), "{run:#?}");
}

/// The lines that a probe leaves in the log of a server that logs what servers log by default.
fn lines(settings: &str, hba: &str, depth: &str) -> Vec<String> {
    let workshop = certificates::self_signed("db.example.test");
    let server = PgCluster::new(15);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    let settings = format!("ssl = on\n{settings}");
    let server = server.start(Setup {
        settings: &settings,
        hba,
        ident: "",
    });
    let start = server
        .settled_log(0)
        .iter()
        .map(|line| line.len() + 1)
        .sum();
    let client = Client::new(format!(
        "host=127.0.0.1 port={} user=myuser dbname=postgres",
        server.port
    ));
    let run = client.json(&["--depth", depth]);
    assert!(run.status.is_some(), "{run:#?}");
    server.settled_log(start)
}

#[test]
fn a_handshake_that_completes_leaves_no_line_in_a_default_log() {
    assert_eq!(lines("", TRUST, "handshake"), Vec::<String>::new());
    assert_eq!(
        lines("ssl_max_protocol_version = 'TLSv1.2'\n", TRUST, "handshake").len(),
        0
    );
}

#[test]
fn an_n_leaves_no_line_in_a_default_log() {
    assert_eq!(
        lines("ssl = off\n", TRUST, "handshake"),
        Vec::<String>::new()
    );
}

#[test]
fn a_handshake_that_fails_leaves_one_line() {
    // The certificate is of an elliptic curve.
    let settings = "ssl_max_protocol_version = 'TLSv1.2'\nssl_ciphers = 'ECDHE-RSA-AES256-SHA'\n";
    let left = lines(settings, TRUST, "handshake");
    assert_eq!(left.len(), 1, "{left:#?}");
    assert!(
        left[0].contains("could not accept SSL connection"),
        "{left:#?}"
    );
}

#[test]
fn startup_leaves_no_line_where_it_is_let_in_or_asked() {
    assert_eq!(lines("", TRUST, "startup"), Vec::<String>::new());
    assert_eq!(
        lines("", "host all all all scram-sha-256", "startup"),
        Vec::<String>::new()
    );
}

#[test]
fn startup_leaves_a_line_for_each_refusal() {
    let left = lines("", "hostssl all all all trust", "startup");
    let refusals = left
        .iter()
        .filter(|line| line.contains("no pg_hba.conf entry"))
        .count();
    assert_eq!((refusals, left.len()), (1, 1), "{left:#?}");
}
