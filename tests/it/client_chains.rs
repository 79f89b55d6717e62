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
