//! The guide that goes from a development certificate to a CA, client certificates and renewal.

mod certificates;
mod client_certificates;
mod connection_strings;
mod renewal;
mod server_settings;

use super::*;

/// "Self-Signed Certificate (Development)".
const SELF_SIGNED: &str = "\
        openssl genrsa -out server.key 4096\n\
        chmod 600 server.key\n\
        openssl req -new -x509 -days 365 -key server.key -out server.crt \
            -subj '/CN=postgres.example.com/O=MyOrg/C=US'\n\
        chmod 644 server.crt\n";

/// "Certificate Authority Setup (Production)".
const CA_SIGNED: &str = "\
        openssl genrsa -out ca.key 4096\n\
        openssl req -new -x509 -days 3650 -key ca.key -out ca.crt \
            -subj '/CN=PostgreSQL CA/O=MyOrg/C=US'\n\
        openssl genrsa -out server.key 4096\n\
        openssl req -new -key server.key -out server.csr \
            -subj '/CN=postgres.example.com/O=MyOrg/C=US'\n\
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key \
            -CAcreateserial -out server.crt -days 365 -sha256\n\
        chmod 600 server.key\n\
        chmod 644 server.crt ca.crt\n";

/// "Certificate with Subject Alternative Names", after the CA has been set up.
const WITH_NAMES: &str = r"cat > san.cnf << EOF
[req]
distinguished_name = req_distinguished_name
req_extensions = v3_req
prompt = no

[req_distinguished_name]
CN = postgres.example.com

[v3_req]
basicConstraints = CA:FALSE
keyUsage = digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = @alt_names

[alt_names]
DNS.1 = postgres.example.com
DNS.2 = postgres-primary.example.com
DNS.3 = localhost
IP.1 = 10.0.0.1
IP.2 = 127.0.0.1
EOF
openssl req -new -key server.key -out server.csr -config san.cnf
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key \
    -CAcreateserial -out server.crt -days 365 -sha256 \
    -extfile san.cnf -extensions v3_req
";

/// "Generate Client Certificate": the key.
const CLIENT_KEY: &str = "openssl genrsa -out client.key 4096\nchmod 600 client.key\n";

/// "Generate Client Certificate" for the user of a name.
fn client_certificate(workshop: &Workshop, common_name: &str) {
    let key = Workshop::like(CLIENT_KEY);
    workshop.run(&format!(
        "cp -p '{}' .
         openssl req -new -key client.key -out client.csr -subj '/CN={common_name}'
         openssl x509 -req -in client.csr -CA ca.crt -CAkey ca.key \
             -CAcreateserial -out client.crt -days 365 -sha256",
        key.file("client.key")
    ));
}

/// "postgresql.conf": the whole of the block, the folder of the certificates replaced.
fn settings(workshop: &Workshop, more: &str) -> String {
    workshop.chown(&["server.key", "server.crt"]);
    format!(
        "# SSL Configuration
ssl = on
ssl_cert_file = '/etc/postgresql/certs/server.crt'
ssl_key_file = '/etc/postgresql/certs/server.key'

# Optional: CA file for client certificate verification
ssl_ca_file = '/etc/postgresql/certs/ca.crt'

# TLS version (PostgreSQL 12+)
ssl_min_protocol_version = 'TLSv1.2'
ssl_max_protocol_version = 'TLSv1.3'

# Cipher suites (PostgreSQL 12+)
ssl_ciphers = 'HIGH:MEDIUM:+3DES:!aNULL'

# Prefer server cipher order
ssl_prefer_server_ciphers = on

# ECDH curve
ssl_ecdh_curve = 'prime256v1'
{more}"
    )
    .replace("/etc/postgresql/certs", workshop.path().to_str().unwrap())
}

/// "pg_hba.conf", as it stands in the guide.
const HBA: &str = "\
# Require SSL for all remote connections
hostssl all             all             0.0.0.0/0               scram-sha-256
hostssl all             all             ::/0                    scram-sha-256

# Allow non-SSL for local connections (optional)
host    all             all             127.0.0.1/32            scram-sha-256
local   all             all                                     peer

# Require client certificate
hostssl all             all             10.0.0.0/8              cert
";

/// Only what others than the server's own host meet.
const REMOTE: &str = "hostssl all all 0.0.0.0/0 scram-sha-256\n\
                          hostssl all all ::/0 scram-sha-256";

fn remote(settings: &str) -> Setup<'_> {
    Setup {
        settings,
        hba: REMOTE,
        ident: "",
    }
}

fn with_names() -> Workshop {
    let workshop = Workshop::like(CA_SIGNED);
    workshop.run(WITH_NAMES);
    workshop
}

fn start(workshop: &Workshop, more: &str, hba: &str, ident: &str) -> PgCluster {
    let settings = settings(workshop, more);
    PgCluster::new(15).start(Setup {
        settings: &settings,
        hba,
        ident,
    })
}

fn rooted(server: &PgCluster, host: &str, workshop: &Workshop) -> String {
    format!(
        "{} sslrootcert={}",
        at(server, host),
        workshop.file("ca.crt")
    )
}
