//! The self-signed certificate that most guides make, with and without a name in it.

use super::*;

/// All questions answered with Return, so that there is no name in it.
fn without_a_name() -> Workshop {
    Workshop::after(
        "yes '' 2>/dev/null | head -n 20 | \
           openssl req -new -x509 -days 365 -nodes -text -out server.crt -keyout server.key
         chmod 0600 server.key",
    )
}

const HOSTSSL: Setup<'_> = Setup {
    settings: SSL_ON,
    hba: "hostssl  all  all  0.0.0.0/0  md5",
    ident: "",
};

#[test]
fn with_no_root_file_proves_nothing_and_verify_modes_fail() {
    let server = server(&without_a_name(), &["server.crt", "server.key"], HOSTSSL);
    let run = check(&Client::new(at(&server, "myserver")), TLS_ONLY);
    assert!(
        run.message("verify-ca")
            .contains("/.postgresql/root.crt\" does not exist")
    );
}

#[test]
fn as_its_own_root_file_proves_the_chain_but_has_no_name() {
    let workshop = without_a_name();
    let server = server(&workshop, &["server.crt", "server.key"], HOSTSSL);
    let root = workshop.file("server.crt");
    let client = Client::new(format!("{} sslrootcert={root}", at(&server, "myserver")));
    let run = check(&client, OTHER_NAME);
    let message = run.message("verify-full");
    assert!(
        message.contains("could not get server's host name from server certificate"),
        "{message}"
    );
}

#[test]
fn as_the_default_root_file_makes_require_verify_too() {
    let workshop = without_a_name();
    let server = server(&workshop, &["server.crt", "server.key"], HOSTSSL);
    let right = Client::new(at(&server, "myserver"))
        .home_file(".postgresql/root.crt", workshop.read("server.crt"));
    check(&right, OTHER_NAME);
    let wrong = Client::new(at(&server, "myserver"))
        .home_file(".postgresql/root.crt", without_a_name().read("server.crt"));
    let expected = [
        "hba_rejected",
        "cert_untrusted",
        "cert_untrusted",
        "cert_untrusted",
        "cert_untrusted",
        "cert_untrusted",
    ];
    check(&wrong, expected);
}

#[test]
fn the_verification_line_of_the_guide_connects() {
    let server = server(&without_a_name(), &["server.crt", "server.key"], HOSTSSL);
    let client = Client::new("");
    let line = format!("sslmode=require {}", at(&server, "myserver"));
    let run = client.run(&["--format", "json", &line]);
    assert_eq!(run.status, Some(0), "{run:#?}");
}

/// The second guide names its server in the subject.
fn with_a_common_name() -> Workshop {
    Workshop::after(
        r#"openssl req -new -x509 -days 365 -nodes \
               -out server.crt \
               -keyout server.key \
               -subj "/CN=postgresql-server"
           chmod 600 server.key
           cp server.crt ca.crt"#,
    )
}

const FILES: [&str; 3] = ["server.crt", "server.key", "ca.crt"];

fn settings() -> String {
    format!("{SSL_ON}ssl_ca_file = 'ca.crt'  # For client certificates\n")
}

const THREE_LINES: &str = "\
    hostssl  all  all  0.0.0.0/0  scram-sha-256\n\
    host     all  all  LOCAL  scram-sha-256\n\
    hostnossl all all  0.0.0.0/0  reject\n";

#[test]
fn the_exception_for_localhost_lets_plaintext_in() {
    let hba = THREE_LINES.replace("LOCAL", "127.0.0.1/32");
    let setup = Setup {
        settings: &settings(),
        hba: &hba,
        ident: "",
    };
    let server = server(&with_a_common_name(), &FILES, setup);
    check(&Client::new(at(&server, "db.example.com")), BOTH);
}

#[test]
fn hostnossl_reject_keeps_others_from_plaintext() {
    // Here we are the others: the server's own address is another.
    let hba = THREE_LINES.replace("LOCAL", "127.0.0.9/32");
    let setup = Setup {
        settings: &settings(),
        hba: &hba,
        ident: "",
    };
    let server = server(&with_a_common_name(), &FILES, setup);
    check(&Client::new(at(&server, "db.example.com")), TLS_ONLY);
}

#[test]
fn the_common_name_is_the_name_where_there_is_no_other() {
    let workshop = with_a_common_name();
    let hba = THREE_LINES.replace("LOCAL", "127.0.0.9/32");
    let setup = Setup {
        settings: &settings(),
        hba: &hba,
        ident: "",
    };
    let server = server(&workshop, &FILES, setup);
    let root = workshop.file("ca.crt");
    let named = format!("{} sslrootcert={root}", at(&server, "postgresql-server"));
    check(&Client::new(named), PROVEN);
    let other = format!("{} sslrootcert={root}", at(&server, "db.example.com"));
    let run = check(&Client::new(other), OTHER_NAME);
    let message = run.message("verify-full");
    assert!(
        message.contains(
            "server certificate for \"postgresql-server\" does not match host name \
             \"db.example.com\""
        ),
        "{message}"
    );
}

#[test]
fn pgsslmode_is_a_demand_that_the_exit_code_answers() {
    let workshop = with_a_common_name();
    let hba = THREE_LINES.replace("LOCAL", "127.0.0.9/32");
    let setup = Setup {
        settings: &settings(),
        hba: &hba,
        ident: "",
    };
    let server = server(&workshop, &FILES, setup);
    let ask = |mode: &str, host: &str| {
        let client = Client::new(at(&server, host))
            .env("PGSSLMODE", mode)
            .env("PGSSLROOTCERT", workshop.file("ca.crt"));
        let run = client.json(&[]);
        // A demand does not change what is said of the others.
        assert_eq!(run.verdicts()[0], "hba_rejected", "{run:#?}");
        run.status
    };
    assert_eq!(ask("require", "db.example.com"), Some(0));
    assert_eq!(ask("verify-full", "db.example.com"), Some(1));
    assert_eq!(ask("verify-full", "postgresql-server"), Some(0));
    assert_eq!(ask("disable", "postgresql-server"), Some(1));
}
