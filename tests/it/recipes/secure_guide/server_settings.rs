//! The guide's `postgresql.conf` and `pg_hba.conf`, and TLS switched off.

use super::*;

#[test]
fn the_hba_lets_local_plaintext_in_by_ipv4_only() {
    let workshop = with_names();
    let server = start(&workshop, "", HBA, "");
    assert_eq!(server.sql("SHOW ssl"), "on");
    let mut open = PROVEN;
    open[..2].fill("plain");
    // The first line that fits decides, and for plaintext that is not a hostssl one.
    check(
        &Client::new(rooted(&server, "postgres.example.com", &workshop)),
        open,
    );
    let by_ipv6 = rooted(&server, "postgres.example.com", &workshop)
        .replace("hostaddr=127.0.0.1", "hostaddr=::1");
    check(&Client::new(by_ipv6), PROVEN);
}

#[test]
fn tls_limits_of_the_server_are_kept_to() {
    let workshop = Workshop::like(CA_SIGNED);
    let limited = |low: &str, high: &str| {
        settings(&workshop, "")
            .replace(
                "ssl_min_protocol_version = 'TLSv1.2'",
                &format!("ssl_min_protocol_version = '{low}'"),
            )
            .replace(
                "ssl_max_protocol_version = 'TLSv1.3'",
                &format!("ssl_max_protocol_version = '{high}'"),
            )
    };
    let both = limited("TLSv1.2", "TLSv1.3");
    let mut server = PgCluster::new(15).permissive().start(remote(&both));
    let client = Client::new(rooted(&server, "postgres.example.com", &workshop));
    assert_eq!(version(&check(&client, PROVEN)), "TLSv1.3");
    server.reload(remote(&limited("TLSv1.2", "TLSv1.2")));
    assert_eq!(version(&check(&client, PROVEN)), "TLSv1.2");
    server.reload(remote(&limited("TLSv1.3", "TLSv1.3")));
    assert_eq!(version(&check(&client, PROVEN)), "TLSv1.3");
    let mut refused = PROVEN;
    refused[1..].fill("tls_version_unsupported");
    server.reload(remote(&limited("TLSv1", "TLSv1.1")));
    check(&client, refused);
}

#[test]
fn the_curve_of_the_guide_is_the_group_of_the_handshake() {
    let workshop = Workshop::like(CA_SIGNED);
    let settings = settings(&workshop, "");
    let mut server = PgCluster::new(15).start(remote(&settings));
    let client = Client::new(rooted(&server, "postgres.example.com", &workshop));
    assert_eq!(group(&check(&client, PROVEN)), "secp256r1");
    server.reload(remote(&settings.replace("prime256v1", "secp384r1")));
    assert_eq!(group(&check(&client, PROVEN)), "secp384r1");
}

#[test]
fn the_dh_parameters_serve_those_who_have_nothing_better() {
    let workshop = Workshop::like(CA_SIGNED);
    workshop.run(
        "openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out dh.pem
             chmod 644 dh.pem",
    );
    let folder = workshop.path().to_str().unwrap();
    let more = format!(
        "ssl_dh_params_file = '{folder}/dh.pem'\n\
             ssl_ciphers = 'DHE-RSA-AES256-GCM-SHA384'\n\
             ssl_max_protocol_version = 'TLSv1.2'\n"
    );
    let server = start(&workshop, &more, REMOTE, "");
    let client = Client::new(rooted(&server, "postgres.example.com", &workshop));
    let suite = suite(&check(&client, PROVEN));
    assert_eq!(suite, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384");
}

#[test]
fn the_servers_cipher_order_counts_where_it_is_preferred() {
    let workshop = Workshop::like(CA_SIGNED);
    let order = "ssl_ciphers = 'ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384'\n\
                     ssl_max_protocol_version = 'TLSv1.2'\n";
    let theirs = settings(&workshop, order);
    let ours = format!("{theirs}ssl_prefer_server_ciphers = off\n");
    let mut server = PgCluster::new(15).start(remote(&theirs));
    let client = Client::new(rooted(&server, "postgres.example.com", &workshop));
    assert!(suite(&check(&client, PROVEN)).contains("CHACHA20"));
    server.reload(remote(&ours));
    // libpq's own order has AES-256-GCM first.
    assert!(suite(&check(&client, PROVEN)).contains("AES_256_GCM"));
}

#[test]
fn ssl_off_leaves_plaintext_only() {
    let hba = "host all all 127.0.0.1/32 scram-sha-256";
    let server = PgCluster::new(15).start(Setup {
        settings: "ssl = off\n",
        hba,
        ident: "",
    });
    let refused = "server_refused_ssl";
    check(
        &Client::new(at(&server, "postgres.example.com")),
        ["plain", "plain", "plain", refused, refused, refused],
    );
}

#[test]
fn ssl_off_with_hostssl_leaves_nothing() {
    // Without ssl = on, a hostssl line is a warning to the server and a wall to its clients.
    let hba = "hostssl all all 127.0.0.1/32 scram-sha-256";
    let server = PgCluster::new(15).start(Setup {
        settings: "ssl = off\n",
        hba,
        ident: "",
    });
    let client = Client::new(at(&server, "postgres.example.com"));
    let (rejected, refused) = ("hba_rejected", "server_refused_ssl");
    let fifteen = client.json(&["--libpq", "15"]);
    let expected = [rejected, rejected, rejected, refused, refused, refused];
    assert_eq!(fifteen.verdicts(), expected, "{fifteen:#?}");
    assert_eq!(psql::verdicts(&client, expected), expected);
    // Since 17 `allow` gives up at the N and says so instead of asking in plaintext again.
    let newest = client.json(&[]);
    assert_eq!(
        newest.verdicts(),
        [rejected, refused, rejected, refused, refused, refused]
    );
}
