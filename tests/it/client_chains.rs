//! A client certificate that stands alone in its file: OpenSSL sends the issuers with it that libpq's
//! root file has, and the server needs them.

use crate::support::certificates::Workshop;
use crate::support::pgprobe::Client;
use crate::support::postgres::{PgCluster, Setup};
use crate::support::psql::{self, Libpq};

/// A server's root and certificate, and a client's root, intermediate and certificate.
const CERTIFICATES: &str = "
    ca() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj \"/CN=$1\" -keyout $1.key -out $1.crt; }
    signed() {
        openssl req -newkey rsa:2048 -nodes -subj \"/CN=$1\" -keyout $1.key -out $1.csr
        printf \"$3\" > $1.ext
        openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -days 2 \
            -extfile $1.ext -out $1.crt
    }
    ca server_root
    signed server server_root 'subjectAltName=DNS:db.example.test'
    ca client_root
    signed middle client_root 'basicConstraints=critical,CA:TRUE\\nsubjectKeyIdentifier=hash'
    signed ann middle 'extendedKeyUsage=clientAuth'
    cat server_root.crt middle.crt > bundle.crt
    cat ann.crt middle.crt > chain.crt
    chmod 600 *.key
";

#[test]
fn the_root_file_completes_it() {
    let workshop = Workshop::new();
    workshop.run(CERTIFICATES);
    for major in [15, 18] {
        let server = PgCluster::new(major);
        server.install(
            workshop.path(),
            &["server.crt", "server.key", "client_root.crt"],
        );
        let server = server.start(Setup {
            settings: "ssl = on\nssl_ca_file = 'client_root.crt'\n",
            hba: "hostssl all all all trust clientcert=verify-ca",
            ident: "",
        });
        for (certificate, roots, outcome) in [
            ("ann.crt", "bundle.crt", "connects"),
            ("ann.crt", "server_root.crt", "fails"),
            ("chain.crt", "server_root.crt", "connects"),
        ] {
            for version in ["TLSv1.2", "TLSv1.3"] {
                let conninfo = format!(
                    "host=db.example.test hostaddr=127.0.0.1 port={} user=postgres dbname=postgres \
                     sslmode=verify-full sslcert={} sslkey={} sslrootcert={} \
                     ssl_min_protocol_version={version} ssl_max_protocol_version={version}",
                    server.port,
                    workshop.file(certificate),
                    workshop.file("ann.key"),
                    workshop.file(roots),
                );
                let name = format!("{major} {certificate} {roots} {version}");
                let client = Client::new(conninfo.as_str());
                for libpq in [Libpq::V15, Libpq::V18] {
                    let real = psql::connect(&client, &conninfo, libpq);
                    assert_eq!(real.is_ok(), outcome == "connects", "{name}: {real:?}");
                }
                let run = client.json(&[]);
                assert_eq!(run.at("/sslmodes/5/outcome"), outcome, "{name}: {run:#?}");
            }
        }
    }
}

/// Issuers that fall short of a security level, and one at the top whose signature does not count.
const WEAK: &str = "
    ca() { openssl req -x509 -newkey rsa:$2 -$3 -nodes -days 2 -subj \"/CN=$1\" -keyout $1.key -out $1.crt; }
    signed() {
        openssl req -newkey rsa:2048 -nodes -subj \"/CN=$1\" -keyout $1.key -out $1.csr
        printf \"$4\" > $1.ext
        openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -days 2 -$3 \
            -extfile $1.ext -out $1.crt
    }
    authority='basicConstraints=critical,CA:TRUE\\nsubjectKeyIdentifier=hash'
    ca server_root 2048 sha256
    signed server server_root sha256 'subjectAltName=DNS:db.example.test'
    ca small 1024 sha256
    signed of_small small sha256 'extendedKeyUsage=clientAuth'
    ca tiny 512 sha256
    signed of_tiny tiny sha256 'extendedKeyUsage=clientAuth'
    ca sha1_root 2048 sha1
    signed of_sha1_root sha1_root sha256 'extendedKeyUsage=clientAuth'
    ca top 2048 sha256
    signed sha1_middle top sha1 \"$authority\"
    signed of_sha1_middle sha1_middle sha256 'extendedKeyUsage=clientAuth'
    for issuer in small tiny sha1_root sha1_middle; do
        cat server_root.crt $issuer.crt > with_$issuer.crt
    done
    cat top.crt >> with_sha1_middle.crt
    cat small.crt tiny.crt sha1_root.crt top.crt > clients.crt
    chmod 600 *.key
";

#[test]
fn what_falls_short_of_the_security_level_is_not_sent() {
    let workshop = Workshop::new();
    workshop.run(WEAK);
    let server = PgCluster::new(18).permissive();
    server.install(
        workshop.path(),
        &["server.crt", "server.key", "clients.crt"],
    );
    let server = server.start(Setup {
        settings: "ssl = on\nssl_ca_file = 'clients.crt'\n",
        hba: "hostssl all all all trust",
        ident: "",
    });
    // What libpq does at level 2 on OpenSSL 3, and at level 1 on 1.1.1, which counts 80 bits for SHA-1.
    for (issuer, level_2, level_1) in [
        ("small", "fails", "connects"),
        ("tiny", "fails", "fails"),
        ("sha1_root", "connects", "connects"),
        // 3.0 to 3.5.4 do not send it, 3.5.9 does.
        ("sha1_middle", "undetermined", "connects"),
    ] {
        for version in ["TLSv1.2", "TLSv1.3"] {
            let conninfo = format!(
                "host=db.example.test hostaddr=127.0.0.1 port={} user=postgres dbname=postgres \
                 sslmode=verify-full sslcert={} sslkey={} sslrootcert={} \
                 ssl_min_protocol_version={version} ssl_max_protocol_version={version}",
                server.port,
                workshop.file(&format!("of_{issuer}.crt")),
                workshop.file(&format!("of_{issuer}.key")),
                workshop.file(&format!("with_{issuer}.crt")),
            );
            let client = Client::new(conninfo.as_str());
            for (libpq, openssl, outcome) in [
                (Libpq::V15, "3-level2", level_2),
                (Libpq::V18, "3-level2", level_2),
                (Libpq::V18OnOpenSsl111, "1.1.1", level_1),
            ] {
                let name = format!("{libpq:?} {issuer} {version}");
                let real = psql::connect(&client, &conninfo, libpq);
                let expected = match (outcome, libpq) {
                    ("undetermined", Libpq::V15) => "fails",
                    ("undetermined", _) => "connects",
                    _ => outcome,
                };
                assert_eq!(real.is_ok(), expected == "connects", "{name}: {real:?}");
                let run = client.json(&["--openssl", openssl]);
                assert_eq!(run.at("/sslmodes/5/outcome"), outcome, "{name}: {run:#?}");
                if let (Err(real), "fails") = (real, outcome) {
                    let ours = run.at("/sslmodes/5/error/message");
                    let (_, reason) = ours.as_str().unwrap().split_once("error: ").unwrap();
                    assert!(real.contains(reason), "{name}: {real} {reason}");
                }
            }
        }
    }
}
