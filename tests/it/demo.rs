//! The demo fleet as a real libpq sees it.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use pgprobe::demo;

/// What psql of the system says; it never has a password.
fn psql(home: &Path, conninfo: &str) -> String {
    let output = Command::new("psql")
        .args(["--no-password", "--no-psqlrc", "--command", ""])
        .arg("--dbname")
        .arg(format!("{conninfo} connect_timeout=10"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .expect("psql is installed");
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

fn write(path: &Path, text: &str) {
    let mut file = std::fs::File::create(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, mode).unwrap();
}

#[tokio::test]
async fn libpq_says_of_each_endpoint_what_it_is_there_to_show() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a real client judges certificates by the real time"
    )]
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let fleet = demo::start(now).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        write(&path, text);
        path.display().to_string()
    };
    let root = file("root.crt", &fleet.root_pem);
    let certificate = file("client.crt", &fleet.client_certificate_pem);
    let key = file("client.key", &fleet.client_key_pem);
    let with_certificate = format!("sslcert={certificate} sslkey={key}");

    let asked = "fe_sendauth: no password supplied";
    let unverified = "SSL error: certificate verify failed";
    let no_entry = "no pg_hba.conf entry for host \"127.0.0.1\", user \"demo\", database \"demo\", \
                    no encryption";
    let wrong_name = "server certificate for \"other.demo.test\" does not match host name \
                      \"db.demo.test\"";
    let mut seen: Vec<&str> = Vec::new();
    for (name, options, expected) in [
        ("good", "sslmode=verify-full", asked),
        ("good", "sslmode=require channel_binding=require", asked),
        ("good", "sslmode=disable", asked),
        ("self-signed", "sslmode=verify-ca", unverified),
        ("expired", "sslmode=verify-ca", unverified),
        ("wrong-host", "sslmode=verify-ca", asked),
        ("wrong-host", "sslmode=verify-full", wrong_name),
        ("cn-only", "sslmode=verify-full", asked),
        ("no-tls", "sslmode=prefer", asked),
        (
            "no-tls",
            "sslmode=require",
            "server does not support SSL, but SSL was required",
        ),
        ("hostssl-only", "sslmode=disable", no_entry),
        ("hostssl-only", "sslmode=verify-full", asked),
        ("tls-1.2-only", "sslmode=verify-full", asked),
        (
            "tls-1.2-only",
            "sslmode=verify-full ssl_min_protocol_version=TLSv1.3",
            "SSL error: tlsv1 alert protocol version",
        ),
        (
            "client-certificate",
            "sslmode=verify-full",
            "FATAL:  connection requires a valid client certificate",
        ),
        ("client-certificate", "sslmode=disable", no_entry),
        // Connected; there is nothing behind it that could answer a query.
        (
            "client-certificate",
            &with_certificate,
            "connection to server was lost",
        ),
    ] {
        let server = fleet.servers.iter().find(|server| server.name == name);
        let server = server.unwrap();
        seen.push(name);
        let conninfo = format!("{} sslrootcert={root} {options}", server.conninfo);
        let home = home.path().to_owned();
        let said = tokio::task::spawn_blocking(move || psql(&home, &conninfo))
            .await
            .unwrap();
        assert!(said.contains(expected), "{name} {options}: {said}");
    }
    for server in &fleet.servers {
        assert!(seen.contains(&server.name), "{} was not tried", server.name);
    }
}
