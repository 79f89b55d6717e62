//! `docs/gallery`: what pgprobe says of real servers, recorded by `tests/data/observations/record`
//! and shown as when it was recorded. `UPDATE_DOCS=1` writes the pages; `tests/run --all` records
//! every server anew and compares.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::support::fleet::pgprobe;
use crate::support::repository::{assert_file, repository};

/// A page: its observation, the title, how the server is set up, what was typed, and the options
/// that only say how to show it.
struct Page(
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const CA: &str = "\"host=db.example.com sslrootcert=corp-ca.crt\"";

const PAGES: [Page; 22] = [
    Page(
        "self-signed",
        "Self-signed, and no root file on the laptop",
        "The certificate that most guides make (`openssl req -new -x509`), for another name; nothing \
         in `~/.postgresql`.",
        "db.example.com",
        "",
    ),
    Page(
        "plaintext-rejected",
        "A good server: everything verifies, plaintext is rejected",
        "`hostnossl all all all reject` stands before `hostssl all all all scram-sha-256`; the chain \
         ends in the company's CA.",
        "\"host=db.example.com sslrootcert=corp-ca.crt sslmode=verify-full\"",
        "",
    ),
    Page(
        "wrong-name",
        "A certificate for another name",
        "The server knows itself by its internal name.",
        "\"host=db.example.com sslrootcert=corp-ca.crt sslmode=verify-full\"",
        "",
    ),
    Page(
        "expired-certificate",
        "An expired certificate",
        "It ended nine days before. With the root file there, `prefer` verifies, fails, and goes on in \
         plaintext.",
        CA,
        "",
    ),
    Page(
        "not-yet-valid",
        "A certificate that is not valid yet",
        "It begins in three days.",
        CA,
        "",
    ),
    Page(
        "incomplete-chain",
        "An intermediate CA that nobody sends",
        "`ssl_cert_file` holds the server's certificate alone; the client has the root.",
        CA,
        "",
    ),
    Page(
        "v1",
        "An X.509 v1 certificate",
        "The manual's other recipe: `openssl x509 -req` without extensions.",
        CA,
        "",
    ),
    Page(
        "tls-1.2-only",
        "No TLS version in common",
        "`ssl_max_protocol_version = 'TLSv1.2'`, and a client that wants TLS 1.3.",
        "\"host=db.example.com sslrootcert=corp-ca.crt ssl_min_protocol_version=TLSv1.3\"",
        "",
    ),
    Page(
        "old-suites",
        "TLS 1.2 with a suite of long ago",
        "`ssl_ciphers = 'AES128-SHA'`: RSA key exchange, no forward secrecy.",
        "\"host=db.example.com sslrootcert=old.crt\"",
        "",
    ),
    Page(
        "no-tls",
        "No TLS at all",
        "`ssl = off`: the server answers `N`. So can anybody in between.",
        "\"host=db.example.com sslmode=require\"",
        "",
    ),
    Page(
        "good",
        "Plaintext finds no line in pg_hba.conf",
        "`hostssl all all all scram-sha-256` and nothing else.",
        CA,
        "",
    ),
    Page(
        "tls-rejected",
        "pg_hba.conf refuses TLS",
        "`hostnossl all all all scram-sha-256` and nothing else: what nobody means, and some have.",
        CA,
        "",
    ),
    Page(
        "client-certificate-missing",
        "A client certificate is demanded",
        "`hostssl all all all cert`, and none at hand.",
        CA,
        "",
    ),
    Page(
        "pgbouncer",
        "PgBouncer in front",
        "PgBouncer with a certificate of its own (`client_tls_sslmode = prefer`).",
        "\"host=db.example.com port=6432 sslrootcert=corp-ca.crt\"",
        "",
    ),
    Page(
        "direct-tls",
        "PostgreSQL 18 and direct TLS",
        "PostgreSQL 18 on OpenSSL 1.1.1, asked in full depth and without a server name, too.",
        "\"host=db.example.com sslrootcert=corp-ca.crt\" --depth full --compare-sni",
        "",
    ),
    Page(
        "address",
        "Connecting by IP address",
        "The certificate has names, and no address.",
        "\"host=192.0.2.10 sslrootcert=corp-ca.crt\"",
        "",
    ),
    Page(
        "ipv6",
        "IPv6, and a certificate for the address",
        "The certificate has the address as iPAddress.",
        "\"host=2001:db8::10 sslrootcert=corp-ca.crt\"",
        "",
    ),
    Page(
        "trust",
        "Let in without a password",
        "`host all all all trust`.",
        CA,
        "",
    ),
    Page("md5", "md5", "`host all all all md5`.", CA, ""),
    Page(
        "primary-and-replica",
        "A primary and its replica side by side",
        "The replica was set up earlier: TLS 1.2, a certificate that ends soon, and a pg_hba.conf \
         without `hostssl`.",
        "db.example.com replica.example.com --sslrootcert corp-ca.crt",
        "",
    ),
    Page(
        "web-server",
        "Not PostgreSQL",
        "HAProxy in HTTP mode: somebody took the port of the web page.",
        "\"host=db.example.com port=8080\"",
        "",
    ),
    Page(
        "connection-refused",
        "Nobody listens",
        "The server is down.",
        "db.example.com",
        "",
    ),
];

/// Two of them with all the evidence.
const DETAILS: [Page; 1] = [Page(
    "good-full",
    "All the evidence",
    "`-vv`: every field of the chain, every step with its time, what libpq would try in each mode, \
     and what the ClientHello offered.",
    "\"host=db.example.com sslrootcert=corp-ca.crt\" --depth full -vv",
    "-vv",
)];

/// What pgprobe shows of a recorded observation, and its exit status.
fn shown(name: &str, options: &str) -> (String, i32) {
    let file = format!("{name}.json");
    let arguments: Vec<_> = ["assess", &file]
        .into_iter()
        .chain(options.split_whitespace())
        .collect();
    let ran = pgprobe(&repository("tests/data/observations"), &[], &arguments);
    assert_eq!(ran.stderr, "", "{name}");
    (ran.stdout, ran.status.unwrap())
}

fn pages() -> impl Iterator<Item = &'static Page> {
    PAGES.iter().chain(&DETAILS)
}

#[test]
fn each_page_shows_what_the_command_says() {
    for Page(name, title, setup, typed, options) in pages() {
        let (text, status) = shown(name, options);
        let page = format!(
            "# {title}\n\n{setup}\n\n```console\n$ pgprobe {typed}\n{text}$ echo $?\n{status}\n```\n"
        );
        assert_file(&format!("docs/gallery/{name}.md"), &page);
    }
}

#[test]
fn the_list_names_every_page_with_its_line() {
    let mut list = String::from(
        "# Gallery\n\n\
         What `pgprobe` says of real servers: PostgreSQL 15 and 18, PgBouncer and HAProxy, set up by\n\
         [tests/data/observations/record](../../tests/data/observations/record) and asked by ann on her\n\
         laptop. Each page is made from what was recorded and judged as of that moment;\n\
         `pgprobe assess tests/data/observations/NAME.json` shows the same.\n\n",
    );
    for Page(name, title, ..) in pages() {
        writeln!(list, "- [{title}]({name}.md)").unwrap();
    }
    list += "\nThe same in a line each (`-q`):\n\n```text\n";
    for Page(name, ..) in &PAGES {
        list += &shown(name, "-q").0;
    }
    list += "```\n";
    assert_file("docs/gallery/README.md", &list);
}

#[test]
fn every_file_of_the_gallery_is_a_page() {
    let mut known: BTreeSet<_> = pages().map(|Page(name, ..)| format!("{name}.md")).collect();
    known.insert("README.md".into());
    let found: BTreeSet<_> = std::fs::read_dir(repository("docs/gallery"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, known);
}

#[test]
fn plaintext_is_the_first_line_of_every_page_where_a_mode_ends_in_it() {
    for Page(name, ..) in pages() {
        let (text, _) = shown(name, "");
        let sends = text
            .lines()
            .any(|line| line.contains("  PLAINTEXT  ") || line.ends_with(" PLAINTEXT"));
        assert_eq!(text.starts_with("PLAINTEXT  "), sends, "{name}: {text}");
    }
}
