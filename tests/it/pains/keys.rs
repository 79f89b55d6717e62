//! Keys, digests and channel binding.

use super::*;

#[test]
fn channel_binding_to_an_ed25519_certificate_fails_and_can_be_turned_off() {
    let workshop = Workshop::after(
        "openssl req -new -x509 -days 365 -nodes -newkey ed25519 -out server.crt \
             -keyout server.key -subj '/CN=db.example.com'",
    );
    let server = server(&workshop, "", BOTH);
    let client = Client::new(format!("{} sslmode=require", at(&server, "db.example.com")));
    let run = answers(23, &client, &[]);
    // The verdict is as far as the question; that the answer fails is no secret either.
    says(&client, &[], &["scram-sha-256-plus!", "! libpq then fails"]);
    let short = client.probe(&["-q"]);
    assert!(
        short
            .stdout
            .contains("require connects TLS, then fails at SCRAM"),
        "{short:?}"
    );
    assert_eq!(short.status, Some(1));
    for libpq in [Libpq::V15, Libpq::V18] {
        let error = connect(&client, &client.conninfo, libpq).unwrap_err();
        assert!(error.contains("could not find digest for NID"), "{error}");
        let pasted = mended(&client, &run, "channel-binding-missing");
        assert_eq!(connect(&client, &pasted, libpq), Ok(true));
    }
}

#[test]
fn what_the_security_level_refuses_is_named_with_its_size() {
    let workshop = Workshop::after(
        "openssl req -new -x509 -days 999 -newkey rsa:2048 -nodes -out ca.crt -keyout ca.key \
             -subj '/CN=Test CA'
         printf 'subjectAltName=DNS:db.example.com\\n' > extensions
         for bits in 1024 2048; do
             openssl req -new -newkey rsa:$bits -nodes -out $bits.csr -keyout $bits.key \
                 -subj '/CN=db.example.com'
             for digest in sha1 sha256; do
                 openssl x509 -req -in $bits.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
                     -out $bits-$digest.crt -days 100 -$digest -extfile extensions
             done
         done
         cp 1024-sha256.crt server.crt
         cp 1024.key server.key",
    );
    let cluster = PgCluster::new(15).permissive();
    cluster.install(workshop.path(), &["server.crt", "server.key"]);
    let mut server = cluster.start(Setup {
        settings: SSL_ON,
        hba: BOTH,
        ident: "",
    });
    let client = Client::new(format!(
        "{} sslrootcert={}",
        at(&server, "db.example.com"),
        workshop.file("ca.crt")
    ));
    for (bits, digest, about, words) in [
        ("1024", "sha256", "key-too-weak", "RSA 1024"),
        ("2048", "sha1", "digest-too-weak", "sha1WithRSAEncryption"),
    ] {
        workshop.run(&format!(
            "cp {bits}-{digest}.crt server.crt; cp {bits}.key server.key"
        ));
        server.install(workshop.path(), &["server.crt", "server.key"]);
        server.reread();
        let run = client.json(&[]);
        assert!(run.verdicts()[5] != "tls", "{run:#?}");
        assert_eq!(explained(&run), 3);
        let why = advice(&run, about)["why"].to_string();
        assert!(why.contains(words), "{why}");
    }
    workshop.run("cp 2048-sha256.crt server.crt");
    server.install(workshop.path(), &["server.crt"]);
    server.reread();
    assert_eq!(client.json(&[]).verdicts()[5], "tls");
}

#[test]
fn a_certificate_for_another_purpose_is_said_to_be_one() {
    let workshop = usual();
    workshop.run(
        "printf 'subjectAltName=DNS:db.example.com\\nextendedKeyUsage=clientAuth\\n' > extensions
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -out server.crt -days 100 \
             -extfile extensions",
    );
    let server = server(&workshop, "", BOTH);
    let client = Client::new(format!(
        "{} sslrootcert={}",
        at(&server, "db.example.com"),
        workshop.file("ca.crt")
    ));
    let run = client.json(&[]);
    assert_eq!(explained(&run), 3);
    let about = advice(&run, "certificate-unsuitable");
    assert!(
        about["fixes"][0]["text"].to_string().contains("serverAuth"),
        "{about:#}"
    );
}
