//! The guide's client certificates: `cert`, `clientcert` and maps.

use super::*;

const CERT: &str = "hostssl all             all             127.0.0.1/32            cert";

fn offering(server: &PgCluster, workshop: &Workshop, more: &str) -> Client {
    Client::new(format!(
        "{} sslcert={} sslkey={} {more}",
        rooted(server, "postgres.example.com", workshop),
        workshop.file("client.crt"),
        workshop.file("client.key"),
    ))
}

/// The same failure wherever there is TLS, and plaintext is not let in either.
fn everywhere(code: &'static str) -> [&'static str; 6] {
    ["hba_rejected", code, code, code, code, code]
}

#[test]
fn cert_asks_for_one_and_takes_the_users() {
    let workshop = with_names();
    client_certificate(&workshop, "myuser");
    let server = start(&workshop, "", CERT, "");
    let without = Client::new(rooted(&server, "postgres.example.com", &workshop));
    check(&without, everywhere("client_cert_required"));
    check(&offering(&server, &workshop, ""), PROVEN);
    let other = offering(&server, &workshop, "user=admin");
    check(&other, everywhere("client_cert_rejected"));
}

#[test]
fn a_certificate_in_the_home_directory_is_sent_unasked() {
    let workshop = with_names();
    client_certificate(&workshop, "myuser");
    let server = start(&workshop, "", CERT, "");
    let client = Client::new(rooted(&server, "postgres.example.com", &workshop))
        .home_file(".postgresql/postgresql.crt", workshop.read("client.crt"))
        .home_file(".postgresql/postgresql.key", workshop.read("client.key"));
    let key = client.home().join(".postgresql/postgresql.key");
    workshop.run(&format!("chmod 600 '{}'", key.display()));
    check(&client, PROVEN);
    // libpq uses no key that everybody could read.
    workshop.run(&format!("chmod 644 '{}'", key.display()));
    check(&client, everywhere("client_cert_unusable"));
}

#[test]
fn an_encrypted_key_needs_its_password() {
    let workshop = with_names();
    client_certificate(&workshop, "myuser");
    workshop.run(
        "openssl rsa -aes256 -in client.key -passout pass:letmein -out encrypted.key
                 mv encrypted.key client.key
                 chmod 600 client.key",
    );
    let server = start(&workshop, "", CERT, "");
    check(&offering(&server, &workshop, "sslpassword=letmein"), PROVEN);
    let unusable = everywhere("client_cert_unusable");
    check(&offering(&server, &workshop, "sslpassword=wrong"), unusable);
    check(&offering(&server, &workshop, ""), unusable);
}

#[test]
fn a_certificate_of_another_ca_is_refused() {
    let (workshop, other) = (with_names(), Workshop::after(CA_SIGNED));
    client_certificate(&other, "myuser");
    let server = start(&workshop, "", CERT, "");
    let client = Client::new(format!(
        "{} sslcert={} sslkey={}",
        rooted(&server, "postgres.example.com", &workshop),
        other.file("client.crt"),
        other.file("client.key"),
    ));
    check(&client, everywhere("client_cert_rejected"));
}

#[test]
fn cert_with_clientcert_verify_full_is_cert() {
    let workshop = with_names();
    client_certificate(&workshop, "myuser");
    let server = start(&workshop, "", &format!("{CERT} clientcert=verify-full"), "");
    check(&offering(&server, &workshop, ""), PROVEN);
    let without = Client::new(rooted(&server, "postgres.example.com", &workshop));
    check(&without, everywhere("client_cert_required"));
}

#[test]
fn clientcert_verify_full_wants_certificate_and_password() {
    let workshop = with_names();
    client_certificate(&workshop, "myuser");
    let hba = "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-full";
    let server = start(&workshop, "", hba, "");
    check(&offering(&server, &workshop, ""), PROVEN);
    let without = Client::new(rooted(&server, "postgres.example.com", &workshop));
    check(&without, everywhere("client_cert_required"));
}

const MAP: &str = r"
# Map certificate CN to PostgreSQL user
cert_map        myuser                  myuser
cert_map        admin_cert              admin
cert_map        /^(.*)@example\.com$    \1
";

fn mapped(common_name: &str) -> (Workshop, PgCluster) {
    let workshop = with_names();
    client_certificate(&workshop, common_name);
    let server = start(&workshop, "", &format!("{CERT} map=cert_map"), MAP);
    (workshop, server)
}

#[test]
fn a_map_gives_a_certificate_another_user() {
    let (workshop, server) = mapped("admin_cert");
    check(&offering(&server, &workshop, "user=admin"), PROVEN);
    let refused = everywhere("client_cert_rejected");
    check(&offering(&server, &workshop, "user=myuser"), refused);
}

#[test]
fn a_map_takes_the_user_out_of_the_name() {
    let (workshop, server) = mapped("alice@example.com");
    check(&offering(&server, &workshop, "user=alice"), PROVEN);
    let refused = everywhere("client_cert_rejected");
    check(&offering(&server, &workshop, "user=admin"), refused);
}
