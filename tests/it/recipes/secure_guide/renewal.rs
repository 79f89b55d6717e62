//! The guide's renewal script, which loses the names, and what a reload is for.

use super::*;

#[test]
fn the_renewal_script_loses_the_names_and_the_report_shows_it() {
    let workshop = with_names();
    let settings = settings(&workshop, "");
    let setup = Setup {
        settings: &settings,
        hba: REMOTE,
        ident: "",
    };
    let mut server = PgCluster::new(15).start(setup);
    let primary = Client::new(rooted(&server, "postgres-primary.example.com", &workshop));
    let before = check(&primary, PROVEN);
    let old = workshop.fingerprint("server.crt");
    assert!(shows(&before, &old), "{before:#?}");
    let text = primary.probe(&[]).stdout;
    assert!(text.contains("DNS:postgres-primary.example.com"), "{text}");

    // "renew-cert.sh", its two folders in one.
    workshop.run(
        r#"CERT_DIR=.
CA_DIR=.
openssl req -new -key $CERT_DIR/server.key -out $CERT_DIR/server.csr \
    -subj "/CN=postgres.example.com/O=MyOrg/C=US"
openssl x509 -req -in $CERT_DIR/server.csr \
    -CA $CA_DIR/ca.crt -CAkey $CA_DIR/ca.key \
    -CAcreateserial -out $CERT_DIR/server.crt \
    -days 365 -sha256
chmod 644 $CERT_DIR/server.crt"#,
    );
    workshop.chown(&["server.crt"]);
    server.reread();

    let new = workshop.fingerprint("server.crt");
    let after = check(&primary, OTHER_NAME);
    assert!(shows(&after, &new) && !shows(&after, &old), "{after:#?}");
    assert!(
        after.message("verify-full").contains(
            "server certificate for \"postgres.example.com\" does not match host name \
                 \"postgres-primary.example.com\""
        ),
        "{after:#?}"
    );
    let text = primary.probe(&[]).stdout;
    assert!(text.contains("no subjectAltName"), "{text}");
    // By its CN the renewed certificate still passes, which is why nobody notices.
    check(
        &Client::new(rooted(&server, "postgres.example.com", &workshop)),
        PROVEN,
    );
}

#[test]
fn a_certificate_file_replaced_without_a_reload_is_not_yet_served() {
    let workshop = with_names();
    let server = start(&workshop, "", REMOTE, "");
    let client = Client::new(rooted(&server, "localhost", &workshop));
    let old = workshop.fingerprint("server.crt");
    workshop.run(WITH_NAMES);
    let new = workshop.fingerprint("server.crt");
    let run = check(&client, PROVEN);
    assert!(shows(&run, &old) && !shows(&run, &new), "{run:#?}");
}
