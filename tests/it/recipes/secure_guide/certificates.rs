//! The guide's certificates: self-signed, signed by a CA without extensions, and with names.

use super::*;

#[test]
fn the_self_signed_certificate_proves_itself_where_it_is_the_root_file() {
    let workshop = Workshop::after(SELF_SIGNED);
    workshop.run("cp server.crt ca.crt");
    let server = start(&workshop, "", REMOTE, "");
    check(&Client::new(at(&server, "postgres.example.com")), TLS_ONLY);
    check(
        &Client::new(rooted(&server, "postgres.example.com", &workshop)),
        PROVEN,
    );
    check(
        &Client::new(rooted(&server, "db.example.com", &workshop)),
        OTHER_NAME,
    );
}

#[test]
fn the_ca_signs_a_version_1_certificate_and_verify_full_takes_it() {
    let workshop = Workshop::like(CA_SIGNED);
    let text = workshop.run("openssl x509 -in server.crt -text -noout");
    assert!(
        text.contains("Version: 1 (0x0)"),
        "not the recipe's certificate:\n{text}"
    );
    assert!(
        workshop
            .run("openssl verify -CAfile ca.crt server.crt")
            .contains("OK")
    );
    let server = start(&workshop, "", REMOTE, "");
    check(
        &Client::new(rooted(&server, "postgres.example.com", &workshop)),
        PROVEN,
    );
    check(
        &Client::new(rooted(&server, "localhost", &workshop)),
        OTHER_NAME,
    );
}

#[test]
fn the_root_file_of_another_ca_fails_every_mode_that_must_have_tls() {
    let (workshop, other) = (Workshop::like(CA_SIGNED), Workshop::after(CA_SIGNED));
    let server = start(&workshop, "", "host all all all scram-sha-256", "");
    let client = Client::new(rooted(&server, "postgres.example.com", &other));
    let untrusted = "cert_untrusted";
    check(
        &client,
        ["plain", "plain", "plain", untrusted, untrusted, untrusted],
    );
}

#[test]
fn each_alternative_name_and_address_is_a_name_and_no_other_is() {
    let workshop = with_names();
    let server = start(&workshop, "", REMOTE, "");
    let names = [
        "postgres.example.com",
        "postgres-primary.example.com",
        "localhost",
        "10.0.0.1",
        "127.0.0.1",
    ];
    for host in names {
        check(&Client::new(rooted(&server, host, &workshop)), PROVEN);
    }
    for host in ["postgres-replica.example.com", "10.0.0.2"] {
        let run = check(&Client::new(rooted(&server, host, &workshop)), OTHER_NAME);
        let message = run.message("verify-full");
        let words = "server certificate for \"postgres.example.com\" (and 4 other names) \
                         does not match host name";
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn what_the_guide_checks_by_openssl_the_report_has() {
    let workshop = with_names();
    let server = start(&workshop, "", REMOTE, "");
    let client = Client::new(rooted(&server, "localhost", &workshop));
    let chain = client.home().join("chain.pem");
    let run = client.json(&["--save-chain", chain.to_str().unwrap()]);
    assert_eq!(run.verdicts(), PROVEN, "{run:#?}");

    let shown = workshop.run(&format!(
        "openssl s_client -connect 127.0.0.1:{} -starttls postgres < /dev/null 2>/dev/null | \
                 openssl x509 -outform DER | sha256sum",
        server.port
    ));
    let saved = workshop.run(&format!(
        "openssl x509 -in '{}' -outform DER | sha256sum",
        chain.display()
    ));
    assert_eq!(saved, shown, "what is saved is what the server sends");

    let end = workshop.run("openssl x509 -enddate -noout -dateopt iso_8601 -in server.crt");
    let end = end.trim().trim_start_matches("notAfter=").replace(' ', "T");
    assert_eq!(
        run.at("/certificates/0/not_after"),
        end.as_str(),
        "{run:#?}"
    );
}
