//! Roots, issuers and chains.

use super::*;
use crate::support::certificates::self_signed;

/// A root, an intermediate, and a certificate below it; `chain.crt` is what a server should send.
const WITH_INTERMEDIATE: &str = "\
    ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    openssl req -new -x509 -days 999 $ec -out ca.crt -keyout ca.key -subj '/CN=Test Root'
    printf 'basicConstraints=critical,CA:TRUE\\nsubjectKeyIdentifier=hash\\n' > ca.ext
    openssl req -new $ec -out inter.csr -keyout inter.key -subj '/CN=Test Issuing CA'
    openssl x509 -req -in inter.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out inter.crt \
        -days 500 -extfile ca.ext
    printf 'subjectAltName=DNS:db.example.com\\nauthorityKeyIdentifier=keyid\\n' > leaf.ext
    openssl req -new $ec -out server.csr -keyout server.key -subj '/CN=db.example.com'
    openssl x509 -req -in server.csr -CA inter.crt -CAkey inter.key -CAcreateserial \
        -out server.crt -days 100 -extfile leaf.ext
    cat server.crt inter.crt > chain.crt";

#[test]
fn a_self_signed_certificate_is_fetched_and_trusted_by_the_pasted_command() {
    let workshop = self_signed("db.example.com");
    let server = server(&workshop, "", BOTH);
    let client = Client::new(at(&server, "db.example.com"));
    let run = answers(1, &client, &[]);
    says(&client, &[], &[&workshop.fingerprint("server.crt")]);
    let verify = format!("{} sslmode=verify-full", client.conninfo);
    assert!(connect(&client, &verify, Libpq::V15).is_err());

    in_shell(&client, &pastes(&run, "root-file-missing", "client_shell"));
    for libpq in [Libpq::V15, Libpq::V18] {
        assert_eq!(connect(&client, &verify, libpq), Ok(true));
    }
    let after = client.json(&[]);
    assert_eq!(after.verdicts()[5], "tls", "{after:#?}");
    // What the file does beside that.
    let about = advice(&after, "require-verifies-chain");
    assert!(
        about["modes"]
            .as_array()
            .unwrap()
            .contains(&"require".into())
    );
    says(
        &client,
        &[],
        &["root.crt\" exists, and is read without being asked for: require behaves as verify-ca"],
    );
    let pasted = mended(&client, &after, "require-verifies-chain");
    assert_eq!(connect(&client, &pasted, Libpq::V15), Ok(true));
}

#[test]
fn a_self_signed_certificate_that_is_not_the_root_file_s_is_named() {
    let (workshop, other) = (self_signed("db.example.com"), self_signed("Another"));
    // What is added must not run into a last line that does not end.
    other.run("truncate -s -1 server.crt");
    let server = server(&workshop, "", BOTH);
    let client = Client::new(format!(
        "{} sslrootcert={}",
        at(&server, "db.example.com"),
        other.file("server.crt")
    ));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 3);
    in_shell(&client, &pastes(&run, "self-signed", "client_shell"));
    let verify = format!("{} sslmode=verify-full", client.conninfo);
    assert_eq!(connect(&client, &verify, Libpq::V15), Ok(true));
}

#[test]
fn a_root_that_is_sent_and_not_trusted_is_told_by_its_fingerprint() {
    let workshop = usual();
    workshop.run("cat ca.crt >> server.crt");
    let server = server(&workshop, "", BOTH);
    let other = self_signed("Another");
    let root = other.file("server.crt");
    let client = Client::new(format!(
        "{} sslrootcert={root}",
        at(&server, "db.example.com")
    ));
    let run = client.json(&[]);
    let why = advice(&run, "issuer-unknown")["why"].to_string();
    assert!(
        why.contains("sends its root CA") && why.contains("CN=Test CA"),
        "{why}"
    );
    says(
        &client,
        &[],
        &[
            &workshop.fingerprint("ca.crt"),
            "self-signed certificate in certificate chain",
        ],
    );
    assert_eq!(explained(&run), 3);

    // prefer went on in plaintext meanwhile.
    says(
        &client,
        &[],
        &["the root certificate file makes prefer verify the chain, TLS fails at it"],
    );
    assert_eq!(connect(&client, &client.conninfo, Libpq::V15), Ok(false));
    let pasted = mended(&client, &run, "plaintext-fallback");
    assert!(
        connect(&client, &pasted, Libpq::V15).is_err(),
        "require must not fall back"
    );

    in_shell(&client, &pastes(&run, "issuer-unknown", "client_shell"));
    let verify = format!("{} sslmode=verify-full", client.conninfo);
    assert_eq!(connect(&client, &verify, Libpq::V15), Ok(true));
}

#[test]
fn the_missing_root_is_named_with_its_key() {
    let workshop = usual();
    let server = server(&workshop, "", BOTH);
    let client = Client::new(at(&server, "db.example.com"));
    let run = answers(10, &client, &[]);
    let key = workshop.run("openssl x509 -in ca.crt -noout -ext subjectKeyIdentifier");
    let key = key
        .lines()
        .last()
        .unwrap()
        .trim()
        .replace(':', "")
        .to_lowercase();
    let about = advice(&run, "root-file-missing");
    assert!(about["why"].as_str().unwrap().contains(&key), "{about:#}");
    let place = client.home().join(".postgresql/root.crt");
    assert!(
        about["fixes"][0]["text"]
            .as_str()
            .unwrap()
            .contains(place.to_str().unwrap())
    );
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::copy(workshop.path().join("ca.crt"), &place).unwrap();
    let verify = format!("{} sslmode=verify-full", client.conninfo);
    assert_eq!(connect(&client, &verify, Libpq::V15), Ok(true));
}

#[test]
fn a_providers_bundle_is_named_by_the_issuer() {
    let workshop = Workshop::after(
        "openssl req -new -x509 -days 999 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
             -out ca.crt -keyout ca.key \
             -subj '/CN=Amazon RDS eu-west-1 Root CA RSA2048 G1/OU=Amazon RDS'
         openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -out server.csr \
             -keyout server.key -subj '/CN=db.example.com'
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
             -out server.crt -days 100
         openssl req -new -x509 -days 9 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
             -out other.crt -keyout other.key -subj '/CN=The CA of last year'",
    );
    let server = server(&workshop, "", BOTH);
    let client = Client::new(format!(
        "{} sslrootcert={}",
        at(&server, "db.example.com"),
        workshop.file("other.crt")
    ));
    let run = answers(7, &client, &[]);
    let curl = paste(&run, "issuer-unknown", "client_shell");
    assert!(
        curl.starts_with("curl --fail --create-dirs --output "),
        "{curl}"
    );
    assert!(curl.contains(&workshop.file("other.crt")), "{curl}");
}

#[test]
fn a_ca_made_anew_under_its_old_name_is_told_by_its_key() {
    let (workshop, old) = (usual(), usual());
    let server = server(&workshop, "", BOTH);
    let client = Client::new(format!(
        "{} sslrootcert={}",
        at(&server, "db.example.com"),
        old.file("ca.crt")
    ));
    let run = client.json(&[]);
    let about = advice(&run, "ca-key-differs");
    assert!(
        about["why"]
            .as_str()
            .unwrap()
            .contains("but with another key"),
        "{about:#}"
    );
    assert_eq!(explained(&run), 3);
}

#[test]
fn an_intermediate_that_is_not_sent_is_to_be_appended() {
    let workshop = Workshop::after(WITH_INTERMEDIATE);
    let mut server = server(&workshop, "", BOTH);
    let rooted = |file: &str| {
        let root = workshop.file(file);
        Client::new(format!(
            "{} sslrootcert={root}",
            at(&server, "db.example.com")
        ))
    };
    let (client, intermediate) = (rooted("ca.crt"), rooted("inter.crt"));
    let run = answers(13, &client, &[]);
    assert_eq!(explained(&run), 3);

    // Where the client has it, the server still sends too little.
    workshop.run("cat ca.crt inter.crt > both.crt");
    let both = rooted("both.crt");
    let run = both.json(&[]);
    assert_eq!(run.verdicts()[5], "tls");
    let why = advice(&run, "chain-incomplete")["why"].to_string();
    assert!(
        why.contains("sends 1 of 2 certificates below the root"),
        "{why}"
    );

    // The intermediate as the only root, which other clients take.
    let run = intermediate.json(&[]);
    let why = advice(&run, "intermediate-as-root")["why"].to_string();
    assert!(
        why.contains("CN=Test Issuing CA") && why.contains("CN=Test Root"),
        "{why}"
    );
    assert_eq!(explained(&run), 3);

    let verify = |client: &Client| {
        let conninfo = format!("{} sslmode=verify-full", client.conninfo);
        connect(client, &conninfo, Libpq::V15)
    };
    assert!(verify(&client).is_err() && verify(&intermediate).is_err());
    // As the fixes say: the root after the intermediate, and the chain into the server's file.
    workshop.run("cat ca.crt >> inter.crt");
    assert_eq!(verify(&intermediate), Ok(true));
    workshop.run("cp chain.crt server.crt");
    server.install(workshop.path(), &["server.crt"]);
    server.reread();
    assert_eq!(verify(&client), Ok(true));
    let after = client.json(&[]);
    assert!(!has_advice(&after, "chain-incomplete"), "{after:#?}");
}

#[test]
fn the_systems_store_is_looked_for_and_used() {
    let workshop = usual();
    let server = server(&workshop, "", BOTH);
    let conninfo = at(&server, "db.example.com");
    let without = Client::new(format!("{conninfo} sslrootcert=system"))
        .env("SSL_CERT_FILE", "/nonexistent/cert.pem")
        .env("SSL_CERT_DIR", "/nonexistent/certs");
    let run = answers(11, &without, &[]);
    assert_eq!(run.verdicts()[5], "cert_untrusted");
    assert_eq!(explained(&run), 6);
    // The weaker modes are refused as such.
    let weak = advice(&run, "system-roots");
    assert_eq!(weak["modes"].as_array().unwrap().len(), 5);

    // Where the store has the root, it is what mends the missing root file.
    let with = Client::new(conninfo).env("SSL_CERT_FILE", workshop.file("ca.crt"));
    let run = with.json(&[]);
    let pasted = mended(&with, &run, "root-file-missing");
    assert!(
        pasted.ends_with("sslmode=verify-full sslrootcert=system"),
        "{pasted}"
    );
    assert_eq!(connect(&with, &pasted, Libpq::V18), Ok(true));
    // libpq 15 does not know the word, and is given the file.
    let run = with.json(&["--libpq", "15"]);
    let pasted = mended(&with, &run, "root-file-missing");
    assert_eq!(connect(&with, &pasted, Libpq::V15), Ok(true));
    assert!(pasted.contains(&workshop.file("ca.crt")), "{pasted}");
}

#[test]
fn a_root_file_that_cannot_be_used_stops_every_mode() {
    let workshop = usual();
    let server = server(&workshop, "", BOTH);
    workshop.run("openssl x509 -in ca.crt -outform DER -out ca.der");
    let client = Client::new(format!(
        "{} sslrootcert={}",
        at(&server, "db.example.com"),
        workshop.file("ca.der")
    ));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 3);
    in_shell(
        &client,
        &paste(&run, "root-file-unreadable", "client_shell"),
    );
    let verify = format!("{} sslmode=verify-full", client.conninfo);
    assert_eq!(connect(&client, &verify, Libpq::V15), Ok(true));
}

#[test]
fn what_is_expired_revoked_or_without_its_list_is_told_apart() {
    let workshop = usual();
    workshop.run(
        ": > index; echo unique_subject=no > index.attr; echo 01 > number
         printf '[ca]\\ndefault_ca=a\\n[a]\\ndatabase=index\\nnew_certs_dir=.\\nrand_serial=yes\\n\\
default_md=sha256\\npolicy=p\\ncrlnumber=number\\n[p]\\ncommonName=supplied\\n' > ca.cnf
         sign() { openssl ca -batch -config ca.cnf -cert ca.crt -keyfile ca.key -notext \
             -in server.csr -extfile extensions -startdate $1 -enddate $2 -out $3; }
         cp server.crt good.crt
         sign 20230101000000Z 20240101000000Z expired.crt
         sign 20600101000000Z 20610101000000Z early.crt
         openssl ca -config ca.cnf -cert ca.crt -keyfile ca.key -gencrl -crldays 30 -out empty.crl
         openssl ca -config ca.cnf -cert ca.crt -keyfile ca.key -revoke good.crt
         openssl ca -config ca.cnf -cert ca.crt -keyfile ca.key -gencrl -crldays 30 -out full.crl",
    );
    let mut server = server(&workshop, "", BOTH);
    let conninfo = format!(
        "{} sslrootcert={}",
        at(&server, "db.example.com"),
        workshop.file("ca.crt")
    );
    let client = Client::new(conninfo.as_str());
    let verify = format!("{conninfo} sslmode=verify-full");
    let mut serve = |file: &str| {
        workshop.run(&format!("cp {file} server.crt"));
        server.install(workshop.path(), &["server.crt"]);
        server.reread();
    };
    serve("expired.crt");
    let run = answers(5, &client, &[]);
    assert_eq!(explained(&run), 3);
    assert!(paste(&run, "certificate-expired", "server_shell").contains("pg_reload_conf"));
    // A monitor does not wait for the outage.
    let check = client.run(&["check", &conninfo]);
    assert_eq!(check.status, Some(2), "{check:#?}");
    assert!(check.stdout.contains("CRITICAL"), "{check:#?}");
    assert!(connect(&client, &verify, Libpq::V15).is_err());
    // Without a root file it is told too, as what would come next.
    let bare = Client::new(at_without_root(&conninfo));
    says(
        &bare,
        &[],
        &["has expired", "require does not look at that"],
    );
    serve("early.crt");
    let run = client.json(&[]);
    assert!(
        advice(&run, "certificate-not-yet-valid")["why"]
            .to_string()
            .contains("2060-01-01")
    );
    assert_eq!(explained(&run), 3);

    serve("good.crt");
    assert_eq!(connect(&client, &verify, Libpq::V15), Ok(true));
    for (list, about) in [
        ("full.crl", "certificate-revoked"),
        ("empty.crl", ""),
        ("other.crl", "revocation-list-unusable"),
    ] {
        if list == "other.crl" {
            workshop.run(
                "openssl req -new -x509 -days 9 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
                     -nodes -out other.crt -keyout other.key -subj '/CN=Other'
                 openssl ca -config ca.cnf -cert other.crt -keyfile other.key -gencrl \
                     -crldays 30 -out other.crl",
            );
        }
        let listed =
            Client::new(conninfo.as_str()).home_file(".postgresql/root.crl", workshop.read(list));
        let run = listed.json(&[]);
        if about.is_empty() {
            assert_eq!(run.verdicts()[5], "tls");
            continue;
        }
        assert_eq!(explained(&run), 3);
        let why = advice(&run, about)["why"].to_string();
        assert!(why.contains("is read without being asked for"), "{why}");
        assert!(connect(&listed, &verify, Libpq::V15).is_err());
        if about == "revocation-list-unusable" {
            // It is said what that means, and not ready to be pasted.
            let fixes = advice(&run, about)["fixes"].to_string();
            assert!(
                fixes.contains("take revoked certificates for valid"),
                "{fixes}"
            );
            in_shell(&listed, "rm .postgresql/root.crl");
            assert_eq!(connect(&listed, &verify, Libpq::V15), Ok(true));
        }
    }
}

fn at_without_root(conninfo: &str) -> String {
    conninfo.split_once(" sslrootcert=").unwrap().0.to_owned()
}

#[test]
fn a_renewal_that_nobody_reloaded_is_seen_beside_the_file() {
    let workshop = usual();
    let mut server = server(&workshop, "", BOTH);
    let client = Client::new(at(&server, "db.example.com"));
    workshop.run(
        "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -out server.crt -days 700 \
             -extfile extensions",
    );
    server.install(workshop.path(), &["server.crt"]);
    let file = workshop.file("server.crt");
    let options = ["--expect-cert", file.as_str()];
    let run = answers(6, &client, &options);
    assert_eq!(
        run.at("/expected_certificate/verdict"),
        "renewed_not_reloaded"
    );
    server.reread();
    let run = client.json(&options);
    assert_eq!(run.at("/expected_certificate/verdict"), "same");
}
