//! The real psql of Debian's PostgreSQL 15, to ask what pgprobe was asked.

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use super::installation::{bin, cache};
use super::pgprobe::{Client, MODES};
use super::postgres::PASSWORD;

/// What psql makes of a server at each sslmode, in the words of `Run::verdicts`.
///
/// Where psql fails, its message must be one that the `expected` error code stands for.
pub(crate) fn verdicts(client: &Client, expected: [&str; 6]) -> [String; 6] {
    let mut found = MODES.map(String::from);
    for (mode, expected) in found.iter_mut().zip(expected) {
        *mode = verdict(client, mode, expected);
    }
    found
}

/// A real libpq under psql.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Libpq {
    /// Debian's, with OpenSSL 3.0.
    V15,
    /// The newest, with OpenSSL 3.5.
    V18,
    /// The same release with OpenSSL 1.1.1.
    V18OnOpenSsl111,
}

/// Connects with a real libpq and the password: whether it is encrypted, or libpq's message.
pub(crate) fn connect(client: &Client, conninfo: &str, libpq: Libpq) -> Result<bool, String> {
    let mut psql = Command::new(bin(15, "psql"));
    client.prepare(&mut psql);
    let folder = tempfile::tempdir().unwrap();
    let libraries = match libpq {
        Libpq::V15 => None,
        Libpq::V18 => Some(("libpq/18", cache().join("libpq/18/libs"))),
        Libpq::V18OnOpenSsl111 => Some(("libpq/18e", cache().join("pg/18/lib"))),
    };
    if let Some((place, libraries)) = libraries {
        let library = cache().join(place).join("libpq.so");
        symlink(library, folder.path().join("libpq.so.5")).unwrap();
        let paths = [folder.path(), &libraries].map(|path| path.display().to_string());
        psql.env("LD_LIBRARY_PATH", paths.join(":"));
    }
    psql.env("PGPASSWORD", PASSWORD)
        .args(["-X", "-q", "-A", "-t", "-w", "-c"]);
    psql.arg("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    let output = psql.arg(conninfo).stdin(Stdio::null()).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim() == "t")
}

fn verdict(client: &Client, mode: &str, expected: &str) -> String {
    let mut psql = Command::new(bin(15, "psql"));
    client.prepare(&mut psql);
    // psql has the password that pgprobe must do without, and can so show that it connects.
    psql.env("PGPASSWORD", PASSWORD)
        .args(["-X", "-q", "-A", "-t", "-w", "-c"]);
    psql.arg("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    psql.arg(format!("{} sslmode={mode}", client.conninfo));
    let output = psql.stdin(Stdio::null()).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return match String::from_utf8_lossy(&output.stdout).trim() {
            "t" => "tls".to_owned(),
            "f" => "plain".to_owned(),
            other => panic!("psql printed {other:?}"),
        };
    }
    let words = words(expected);
    assert!(
        words.iter().any(|words| message.contains(words)),
        "psql fails at sslmode={mode}, but not by {expected} ({words:?}):\n{message}"
    );
    expected.to_owned()
}

/// Words of libpq's message for an error code; of several attempts, one will have them.
fn words(code: &str) -> &'static [&'static str] {
    match code {
        // The others: a CA of the same name and another key, where the signature check speaks.
        "cert_untrusted" => &[
            "certificate verify failed",
            "invalid padding",
            "padding check",
            "data too large for modulus",
        ],
        "client_cert_rejected" => &[
            "certificate authentication failed",
            "authentication failed for user",
            "alert unknown ca",
            "alert decrypt error",
        ],
        "client_cert_required" => &["connection requires a valid client certificate"],
        "client_cert_unusable" => &["private key file", "certificate file"],
        "hba_rejected" => &["no pg_hba.conf entry", "pg_hba.conf rejects"],
        "hostname_mismatch" => &[
            "does not match host name",
            "could not get server's host name",
        ],
        "root_cert_missing" => &["does not exist"],
        "root_cert_unreadable" => &["could not read root certificate file"],
        "server_refused_ssl" => &["server does not support SSL, but SSL was required"],
        "tls_version_unsupported" => &["unsupported protocol", "alert protocol version"],
        // No message is expected here, so none is the right one.
        _ => &[],
    }
}
