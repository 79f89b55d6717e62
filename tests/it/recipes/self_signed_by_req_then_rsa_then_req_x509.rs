//! The self-signed certificate of old guides, by way of a request and a passphrase.

use super::*;

/// The older way: a key with a passphrase, the passphrase removed, and the request signed by
/// its own key. It says no `-days`, so that the certificate ends after 30.
fn workshop() -> Workshop {
    Workshop::after(
        "openssl req -new -text -out server.req -passout pass:abcd -keyout privkey.pem \
             -subj /CN=db.internal
         openssl rsa -in privkey.pem -passin pass:abcd -out server.key
         rm privkey.pem
         openssl req -x509 -in server.req -text -key server.key -out server.crt
         chmod og-rwx server.key",
    )
}

const HBA: &str = "hostssl\tall\t\tall\t\t127.0.0.1/32\t\tmd5";

const FILES: [&str; 2] = ["server.crt", "server.key"];

fn settings(more: &str) -> String {
    format!("{SSL_ON}ssl_ciphers = 'ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH'\n{more}")
}

#[test]
fn gives_ssl_only_access() {
    let workshop = workshop();
    let setup = Setup {
        settings: &settings(""),
        hba: HBA,
        ident: "",
    };
    let server = server(&workshop, &FILES, setup);
    check(&Client::new(at(&server, "127.0.0.1")), TLS_ONLY);
    let root = workshop.file("server.crt");
    check(
        &Client::new(format!("{} sslrootcert={root}", at(&server, "db.internal"))),
        PROVEN,
    );
    let by_address = format!("{} sslrootcert={root}", at(&server, "127.0.0.1"));
    check(&Client::new(by_address), OTHER_NAME);
}

#[test]
fn ends_after_thirty_days() {
    let workshop = workshop();
    let setup = Setup {
        settings: &settings(""),
        hba: HBA,
        ident: "",
    };
    let server = server(&workshop, &FILES, setup);
    let root = workshop.file("server.crt");
    let client = Client::new(format!("{} sslrootcert={root}", at(&server, "db.internal")));
    let until = workshop.run("date -u -d '+31 days' +%Y-%m-%dT%H:%M:%SZ");
    let run = client.json(&["--at", until.trim()]);
    let mut expected = PROVEN;
    expected[1..].fill("cert_untrusted");
    // `allow` is refused in plaintext and then by itself; `prefer` the other way round.
    assert_eq!(run.verdicts(), expected, "{run:#?}");
}

#[test]
fn its_cipher_of_old_still_connects() {
    // What the guide's psql showed.
    let narrow = "ssl_max_protocol_version = 'TLSv1.2'\nssl_ciphers = 'DHE-RSA-AES256-SHA'\n";
    let setup = Setup {
        settings: &settings(narrow),
        hba: HBA,
        ident: "",
    };
    let server = server(&workshop(), &FILES, setup);
    let client = Client::new(at(&server, "127.0.0.1"));
    let suite = suite(&check(&client, TLS_ONLY));
    assert_eq!(suite, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA");
}

#[test]
fn its_renegotiation_limit_is_refused_by_servers_of_today() {
    let cluster = PgCluster::new(15);
    cluster.install(workshop().path(), &FILES);
    let settings = settings("ssl_renegotiation_limit = 512MB\n");
    let log = cluster.refuses_to_start(Setup {
        settings: &settings,
        hba: HBA,
        ident: "",
    });
    assert!(
        log.contains("invalid value for parameter \"ssl_renegotiation_limit\""),
        "{log}"
    );
}
