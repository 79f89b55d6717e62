//! Gathers the client's side of the evidence: environment, passwd entry, the files libpq reads.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};

use crate::client::{Bytes, Client, FileFact, KeyLoad, Stat, StatError};
use crate::conninfo;
use crate::emulates::Libpq;
use crate::libpq::parameters::{
    FileKind, FileNeed, Parameters, resolve, service_files, tls_attempt_files,
};
use crate::private_key::ClientKeyError;

/// The most that is read of one file: a root file as big as this holds some ten thousand roots.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;

/// The most that is read of what is no regular file: `/dev/zero` never ends.
const DEVICE_LIMIT: u64 = 1024 * 1024;

/// How long the writer of a FIFO gets: this often, this long.
const FIFO_WAITS: u32 = 100;
const FIFO_WAIT: std::time::Duration = std::time::Duration::from_millis(10);

/// The most that is read of the hash-named files of one directory.
const DIRECTORY_LIMIT: u64 = 16 * 1024 * 1024;

/// Reports whether a private key loads: the key (PEM or DER), its password, and the certificate
/// file it belongs to.
pub type LoadKey<'a> = &'a dyn Fn(&[u8], Option<&[u8]>, &[u8]) -> Result<(), ClientKeyError>;

/// Everything libpq would take from this machine for `target` and the command line's `options`.
///
/// The files are those that any of the emulated releases would read, so that a saved observation
/// can be judged again for another one. `libpq` is the release whose reading of the target finds
/// the key's password.
pub fn gather(
    target: Option<&str>,
    options: &[(String, String)],
    libpq: Libpq,
    load_key: LoadKey<'_>,
) -> Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the environment is gathered"
    )]
    let variables = std::env::vars_os();
    let environment: Vec<(String, String)> = variables
        .filter_map(|(name, value)| {
            let name = name
                .into_string()
                .ok()
                .filter(|name| Client::is_libpq_variable(name))?;
            Some((name, value.to_string_lossy().into_owned()))
        })
        .collect();
    gather_with(target, options, libpq, &environment, load_key)
}

/// What libpq would take of command line options alone: no `PG*` variable, no service file, nothing
/// under anybody's home. Only where OpenSSL's own store lies is asked of the environment.
pub fn gather_options(options: &[(String, String)], libpq: Libpq, load_key: LoadKey<'_>) -> Client {
    let mut client = Client::new(None, options);
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is where the environment is gathered"
        )]
        if let Ok(value) = std::env::var(name) {
            client.set_environment(name, &value);
        }
    }
    let uid = nix::unistd::geteuid();
    client.effective_uid = uid.as_raw();
    if let Ok(Some(user)) = nix::unistd::User::from_uid(uid) {
        client.os_user = Some(user.name);
    }
    let key_password = given_value(None, options, libpq, "sslpassword");
    if let Ok(parameters) = resolve(&client, libpq) {
        let password = key_password.as_deref();
        gather_tls_files(&mut client, &parameters, password, Some(load_key));
        let (file, directories) = parameters.system_store();
        client
            .files
            .entry(file.to_owned())
            .or_insert_with_key(|path| file_fact(path));
        for directory in directories.iter().filter(|path| !path.is_empty()) {
            client
                .files
                .entry(directory.clone())
                .or_insert_with_key(|path| directory_fact(path));
        }
    }
    client
}

/// As [`gather`], with this environment in place of the process's.
pub fn gather_with(
    target: Option<&str>,
    options: &[(String, String)],
    libpq: Libpq,
    environment: &[(String, String)],
    load_key: LoadKey<'_>,
) -> Client {
    let mut client = Client::new(target, options);
    for (name, value) in environment {
        client.set_environment(name, value);
    }
    let uid = nix::unistd::geteuid();
    client.effective_uid = uid.as_raw();
    // The passwd entry may be a question to a directory server: only where libpq would ask.
    let named = given_value(target, options, libpq, "user").is_some()
        || client.environment.contains_key("PGUSER");
    let at_home = client
        .environment
        .get("HOME")
        .is_some_and(|home| !home.is_empty());
    if !(named && at_home)
        && let Ok(Some(user)) = nix::unistd::User::from_uid(uid)
    {
        client.os_user = Some(user.name);
        client.home_of_user = Some(user.dir.to_string_lossy().into_owned());
    }

    let mut key_password = given_value(target, options, libpq, "sslpassword");
    if let Some((service, paths)) = service_files(&client) {
        for path in paths {
            let fact = match file_fact(&path) {
                FileFact::Present { stat, bytes } => {
                    let read = conninfo::parse_service_file(&bytes.0, &path, &service, libpq);
                    let settings = read.ok().flatten().unwrap_or_default();
                    let found = settings
                        .into_iter()
                        .find(|(keyword, _)| keyword == "sslpassword");
                    key_password = key_password.or(found.map(|(_, value)| value));
                    let saved = conninfo::redact_service_file(&bytes.0, &service);
                    FileFact::Present {
                        stat,
                        bytes: Bytes(saved),
                    }
                }
                fact => fact,
            };
            client.files.insert(path, fact);
        }
    }

    for libpq in Libpq::ALL {
        if let Ok(parameters) = resolve(&client, libpq) {
            let password = key_password.as_deref();
            gather_tls_files(&mut client, &parameters, password, Some(load_key));
        }
    }
    client
}

/// As [`gather_options`], but without the system's store, of which later only what a chain can lead
/// to is read, and with nothing of the environment. `key_password` is that of the client's key.
pub fn gather_module(
    options: &[(String, String)],
    key_password: Option<&str>,
    load_key: LoadKey<'_>,
) -> Client {
    let mut client = Client::new(None, options);
    client.effective_uid = nix::unistd::geteuid().as_raw();
    for libpq in Libpq::ALL {
        if let Ok(parameters) = resolve(&client, libpq) {
            gather_tls_files(&mut client, &parameters, key_password, Some(load_key));
        }
    }
    client
}

/// Gives a saved client further options, with the files they name.
pub fn add_options(client: &mut Client, options: &[(String, String)]) {
    let added = Client::new(None, options);
    client.options.extend(added.options);
    for libpq in Libpq::ALL {
        if let Ok(parameters) = resolve(client, libpq) {
            gather_tls_files(client, &parameters, None, None);
        }
    }
}

/// A value with its secret, as the options or the target give it.
fn given_value(
    target: Option<&str>,
    options: &[(String, String)],
    libpq: Libpq,
    keyword: &str,
) -> Option<String> {
    let last = |settings: Vec<(String, String)>| {
        settings
            .into_iter()
            .rev()
            .find(|(name, _)| name == keyword)
            .map(|(_, value)| value)
    };
    let option = options
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .cloned()
        .collect();
    last(option).or_else(|| last(conninfo::parse(target?, libpq).ok()?))
}

fn gather_tls_files(
    client: &mut Client,
    parameters: &Parameters,
    key_password: Option<&str>,
    load_key: Option<LoadKey<'_>>,
) {
    for FileNeed { path, kind } in tls_attempt_files(parameters) {
        match kind {
            FileKind::Certificates | FileKind::RevocationLists => {
                client
                    .files
                    .entry(path)
                    .or_insert_with_key(|path| without_private_keys(file_fact(path)));
            }
            FileKind::HashDirectory => {
                client
                    .files
                    .entry(path)
                    .or_insert_with_key(|path| directory_fact(path));
            }
            FileKind::PrivateKey => {
                let certificate = parameters.sslcert().unwrap_or_default();
                // Read already, and only once: it may be a pipe.
                let chain = client.file(&certificate).clone();
                client.private_keys.entry(path).or_insert_with_key(|path| {
                    let password = key_password.filter(|password| !password.is_empty());
                    key_fact(path, password, &certificate, &chain, load_key)
                });
            }
        }
    }
}

/// Whether a key loads; where libpq would not come to read it, nobody tries.
fn key_fact(
    path: &str,
    password: Option<&str>,
    certificate: &str,
    chain: &FileFact,
    load_key: Option<LoadKey<'_>>,
) -> FileFact {
    let (stat, bytes) = match file_fact(path) {
        FileFact::Present { stat, bytes } => (stat, bytes),
        fact => return fact,
    };
    let load = match (chain, load_key) {
        (FileFact::Present { bytes: chain, .. }, Some(load_key)) if stat.regular => {
            match load_key(&bytes.0, password.map(str::as_bytes), &chain.0) {
                Ok(()) => KeyLoad::Loads,
                Err(error) => KeyLoad::Fails(error.message(certificate, path)),
            }
        }
        _ => KeyLoad::NotTried,
    };
    FileFact::PrivateKey { stat, load }
}

/// The fact less any PEM block that is a private key.
///
/// libpq skips such blocks in a certificate file, so their absence changes no answer.
fn without_private_keys(fact: FileFact) -> FileFact {
    match fact {
        FileFact::Present { stat, bytes } => FileFact::Present {
            stat,
            bytes: Bytes(strip_private_keys(bytes.0)),
        },
        fact => fact,
    }
}

pub(super) fn strip_private_keys(bytes: Vec<u8>) -> Vec<u8> {
    let is_key_line = |line: &[u8], sign: &[u8]| {
        line.starts_with(sign) && line.windows(11).any(|window| window == b"PRIVATE KEY")
    };
    let lines = || bytes.split_inclusive(|&byte| byte == b'\n');
    if !lines().any(|line| is_key_line(line, b"-----BEGIN ")) {
        return bytes;
    }
    let mut kept = Vec::with_capacity(bytes.len());
    let mut inside = false;
    for line in lines() {
        inside |= is_key_line(line, b"-----BEGIN ");
        if !inside {
            kept.extend_from_slice(line);
        }
        inside &= !is_key_line(line, b"-----END ");
    }
    if inside {
        // A block without an end spoils the whole file: let it.
        kept.extend_from_slice(b"-----BEGIN PRIVATE KEY-----\n");
    }
    kept
}

/// What `stat`, `open` and `read` say of `path`. Follows links; for the writer of a FIFO it waits
/// a moment, for anything else not at all.
pub fn file_fact(path: &str) -> FileFact {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return absent(&error),
    };
    let stat = stat_of(&metadata);
    if metadata.is_dir() {
        return FileFact::Directory {
            stat,
            entries: BTreeMap::new(),
        };
    }
    let limit = if stat.regular {
        FILE_LIMIT
    } else {
        DEVICE_LIMIT
    };
    let not_read = |why: &str| FileFact::NotRead {
        stat,
        why: why.to_owned(),
    };
    match read_limited(path, limit + 1, metadata.file_type().is_fifo()) {
        Ok(bytes) if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) => {
            not_read("it is longer than pgprobe reads")
        }
        Ok(bytes) => FileFact::Present {
            stat,
            bytes: Bytes(bytes),
        },
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            not_read("its writer did not finish in time")
        }
        Err(error) => FileFact::Unreadable {
            stat,
            error: words(&error),
        },
    }
}

/// A directory with the hash-named files OpenSSL would look for in it.
fn directory_fact(path: &str) -> FileFact {
    let (metadata, listing) = match (std::fs::metadata(path), std::fs::read_dir(path)) {
        (Err(error), _) => return absent(&error),
        (Ok(metadata), _) if !metadata.is_dir() => return file_fact(path),
        (Ok(metadata), Err(error)) => {
            return FileFact::Unreadable {
                stat: stat_of(&metadata),
                error: words(&error),
            };
        }
        (Ok(metadata), Ok(listing)) => (metadata, listing),
    };
    let mut names: Vec<String> = listing
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_hash_name(name))
        .collect();
    names.sort();
    let mut entries = BTreeMap::new();
    let mut left = DIRECTORY_LIMIT;
    for name in names {
        if let Ok(bytes) = read_limited(&format!("{path}/{name}"), left, false) {
            left = left.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            entries.insert(name, Bytes(strip_private_keys(bytes)));
        }
    }
    FileFact::Directory {
        stat: stat_of(&metadata),
        entries,
    }
}

/// Whether OpenSSL's directory lookup can ask for `name`: `0a1b2c3d.0`, or `.r0` for a CRL.
fn is_hash_name(name: &str) -> bool {
    let Some((hash, suffix)) = name.split_once('.') else {
        return false;
    };
    let number = suffix.strip_prefix('r').unwrap_or(suffix);
    hash.len() == 8
        && hash
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// At most `limit` bytes, without waiting for a terminal, and for the writer of a FIFO not long.
fn read_limited(path: &str, limit: u64, fifo: bool) -> io::Result<Vec<u8>> {
    let mut options = File::options();
    options
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY);
    let file = options.open(path)?;
    // Room for the whole file at once: a bundle of roots is some 200 KiB.
    let length = file.metadata()?.len().min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    let mut rest = file.take(limit);
    for _ in 0..FIFO_WAITS {
        match rest.read_to_end(&mut bytes) {
            // A FIFO that nobody writes to yet looks like one at its end.
            Ok(_) if fifo && bytes.is_empty() => {}
            Ok(_) => return Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && fifo => {}
            Err(error) => return Err(error),
        }
        std::thread::sleep(FIFO_WAIT);
    }
    Err(io::ErrorKind::WouldBlock.into())
}

/// What `stat` says of a regular file; nothing of anything else.
pub(super) fn regular(path: &str) -> Option<Stat> {
    let metadata = std::fs::metadata(path).ok()?;
    metadata.is_file().then(|| stat_of(&metadata))
}

fn stat_of(metadata: &Metadata) -> Stat {
    Stat {
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        regular: metadata.is_file(),
    }
}

fn absent(error: &io::Error) -> FileFact {
    let errno = match error.raw_os_error() {
        Some(nix::libc::ENOENT) => StatError::NotFound,
        Some(nix::libc::ENOTDIR) => StatError::NotADirectory,
        _ => StatError::Other,
    };
    FileFact::Absent {
        errno,
        error: words(error),
    }
}

/// The system's words as `strerror` has them, without Rust's "(os error 2)".
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn load_any(_: &[u8], _: Option<&[u8]>, _: &[u8]) -> Result<(), ClientKeyError> {
        Ok(())
    }

    fn home_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".postgresql")).unwrap();
        for (name, content) in files {
            std::fs::write(home.path().join(name), content).unwrap();
        }
        home
    }

    fn environment(home: &tempfile::TempDir, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let home = [("HOME", home.path().to_str().unwrap())];
        let all = home.iter().chain(more);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_is_saved_holds_no_secret() {
        let key = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";
        let home = home_with(&[
            (".postgresql/postgresql.crt", &format!("{key}certificate\n")),
            (".postgresql/postgresql.key", key),
            (
                ".pg_service.conf",
                "[s]\nhost=h\npassword=hunter2\nsslpassword=hunter2\n",
            ),
        ]);
        let variables = [
            ("PGPASSWORD", "hunter2"),
            ("PGDATABASE", "postgres://u:hunter2@h/d"),
        ];
        for target in [
            "service=s",
            "host=h password=hunter2 sslpassword=hunter2",
            "postgres://u:hunter2@h/d?scram_client_key=hunter2",
            "password=hunter2 nonsense hunter2",
            "u:hunter2@h",
        ] {
            let options = [("sslpassword".to_owned(), "hunter2".to_owned())];
            let client = gather_with(
                Some(target),
                &options,
                Libpq::V18,
                &environment(&home, &variables),
                &load_any,
            );
            let saved = serde_json::to_string(&client).unwrap();
            assert!(!saved.contains("hunter2"), "{saved}");
            assert!(!format!("{client:?}").contains("hunter2"));
            for fact in client.files.values() {
                if let FileFact::Present { bytes, .. } = fact {
                    assert!(!String::from_utf8_lossy(&bytes.0).contains("hunter2"));
                }
            }
            assert_eq!(serde_json::from_str::<Client>(&saved).unwrap(), client);
        }
    }

    #[test]
    fn a_key_is_loaded_with_its_password_wherever_that_is_given() {
        let home = home_with(&[
            (".postgresql/postgresql.crt", "certificate"),
            (".postgresql/postgresql.key", "key"),
            (".pg_service.conf", "[s]\nsslpassword=from service\n"),
        ]);
        let seen = |target: &str, options: &[(String, String)]| {
            let password = std::cell::RefCell::new(None);
            let load = |key: &[u8], given: Option<&[u8]>, chain: &[u8]| {
                assert_eq!((key, chain), (&b"key"[..], &b"certificate"[..]));
                *password.borrow_mut() = given.map(<[u8]>::to_vec);
                Err(ClientKeyError::Key("bad decrypt".to_owned()))
            };
            let variables = environment(&home, &[]);
            let client = gather_with(Some(target), options, Libpq::V18, &variables, &load);
            let [fact] = client.private_keys.values().collect::<Vec<_>>()[..] else {
                panic!("{:?}", client.private_keys);
            };
            assert!(matches!(
                fact,
                FileFact::PrivateKey { load: KeyLoad::Fails(reason), .. } if reason.ends_with(": bad decrypt")
            ));
            password
                .take()
                .map(|bytes| String::from_utf8(bytes).unwrap())
        };
        let option = [("sslpassword".to_owned(), "from option".to_owned())];
        assert_eq!(seen("host=h", &[]), None);
        assert_eq!(seen("sslpassword=''", &[]), None);
        assert_eq!(
            seen("sslpassword='from target'", &[]).as_deref(),
            Some("from target")
        );
        assert_eq!(seen("service=s", &[]).as_deref(), Some("from service"));
        assert_eq!(
            seen("service=s sslpassword=x", &option).as_deref(),
            Some("from option")
        );
    }

    #[test]
    fn a_key_without_a_certificate_is_not_tried() {
        let home = home_with(&[(".postgresql/postgresql.key", "key")]);
        let load = |_: &[u8], _: Option<&[u8]>, _: &[u8]| panic!("libpq would not load it");
        let variables = environment(&home, &[]);
        let client = gather_with(Some("host=h"), &[], Libpq::V18, &variables, &load);
        let load = client.private_keys.values().next().unwrap();
        assert!(matches!(
            load,
            FileFact::PrivateKey {
                load: KeyLoad::NotTried,
                ..
            }
        ));
    }

    #[test]
    fn devices_and_fifos_hold_nothing_up() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let started = Instant::now();
        for (path, length) in [
            ("/dev/null", Some(0)),
            ("/dev/zero", None),
            (fifo.to_str().unwrap(), None),
            ("/dev", None),
        ] {
            match (file_fact(path), length) {
                (FileFact::Present { stat, bytes }, Some(length)) => {
                    assert!(!stat.regular);
                    assert_eq!(bytes.0.len(), length, "{path}");
                }
                (FileFact::Directory { .. } | FileFact::NotRead { .. }, None) => {}
                (fact, _) => panic!("{path}: {fact:?}"),
            }
        }
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn of_a_directory_only_hash_named_files_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "0a1b2c3d.0",
            "0a1b2c3d.r1",
            "0A1B2C3D.0",
            "0a1b2c3d",
            "0a1b2c3d.x",
            "a.0",
        ] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let FileFact::Directory { entries, .. } = directory_fact(folder.path().to_str().unwrap())
        else {
            panic!("not a directory");
        };
        let names: Vec<&String> = entries.keys().collect();
        assert_eq!(names, ["0a1b2c3d.0", "0a1b2c3d.r1"]);
    }

    #[test]
    fn an_absent_file_says_how() {
        for (path, errno, error) in [
            (
                "/nonexistent",
                StatError::NotFound,
                "No such file or directory",
            ),
            ("/dev/null/x", StatError::NotADirectory, "Not a directory"),
        ] {
            let fact = FileFact::Absent {
                errno,
                error: error.to_owned(),
            };
            assert_eq!(file_fact(path), fact);
        }
    }

    #[test]
    fn a_private_key_block_that_never_ends_still_spoils_the_file() {
        let text = "certificate\n-----BEGIN RSA PRIVATE KEY-----\nhunter2\n";
        let kept = strip_private_keys(text.as_bytes().to_vec());
        assert_eq!(kept, b"certificate\n-----BEGIN PRIVATE KEY-----\n");
    }
}
