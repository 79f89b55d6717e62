//! Real PostgreSQL servers: each test clones its own from a template that initdb has made once.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::installation::{as_account, bin, own, succeed, template};

/// Every major version that `tests/setup` installs: 15 is Debian's, the others come from npm.
pub(crate) const MAJORS: [u32; 8] = [10, 12, 13, 14, 15, 16, 17, 18];

/// The password of every role that has one.
pub(crate) const PASSWORD: &str = "a-password-of-the-tests";

/// Lets a server take keys, signatures and TLS versions that Debian's OpenSSL refuses by default.
const PERMISSIVE_OPENSSL: &str = "\
openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
MinProtocol = TLSv1
CipherString = ALL:COMPLEMENTOFALL:@SECLEVEL=0
";

/// How long a server may take to start or to reread its files.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a test writes into a server's configuration files.
#[derive(Clone, Copy, Default)]
pub(crate) struct Setup<'a> {
    /// Lines of `postgresql.conf`.
    pub(crate) settings: &'a str,
    /// Lines of `pg_hba.conf`; the superuser's Unix socket is let in before them.
    pub(crate) hba: &'a str,
    /// Lines of `pg_ident.conf`.
    pub(crate) ident: &'a str,
}

/// A running server with its own data directory; it ends when this is dropped.
pub(crate) struct PgCluster {
    pub(crate) major: u32,
    pub(crate) port: u16,
    folder: TempDir,
    process: Option<Child>,
    permissive: bool,
    generation: u32,
}

impl PgCluster {
    /// A cluster that does not run yet, so that certificates can be installed into its data.
    pub(crate) fn new(major: u32) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("pgprobe-it-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in("/tmp")
            .unwrap();
        own(folder.path());
        let data = folder.path().join("data");
        succeed(Command::new("cp").arg("-a").arg(template(major)).arg(&data));
        Self {
            major,
            port: 0,
            folder,
            process: None,
            permissive: false,
            generation: 0,
        }
    }

    /// Lets the server offer TLS 1.0, weak keys and everything else that OpenSSL has.
    pub(crate) fn permissive(mut self) -> Self {
        fs::write(self.folder.path().join("openssl.cnf"), PERMISSIVE_OPENSSL).unwrap();
        self.permissive = true;
        self
    }

    /// Starts it on a free port of the loopback addresses.
    pub(crate) fn start(mut self, setup: Setup<'_>) -> Self {
        for _ in 0..5 {
            if self.spawn(setup) {
                return self;
            }
            // Somebody else took the port between our look and the server's.
            assert!(
                self.log().contains("Address already in use"),
                "{}",
                self.log()
            );
        }
        panic!(
            "no free port for PostgreSQL {}:\n{}",
            self.major,
            self.log()
        );
    }

    /// Starts it with a configuration that it must refuse; what it says about it.
    pub(crate) fn refuses_to_start(mut self, setup: Setup<'_>) -> String {
        assert!(
            !self.spawn(setup),
            "PostgreSQL {} starts with {}",
            self.major,
            setup.settings
        );
        self.log()
    }

    fn spawn(&mut self, setup: Setup<'_>) -> bool {
        self.port = free_port();
        self.write(setup);
        let log = File::create(self.log_path()).unwrap();
        let mut command = as_account(&bin(self.major, "postgres"));
        command
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()]);
        command
            .arg("-k")
            .arg(self.folder.path())
            .stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        if self.permissive {
            command.env("OPENSSL_CONF", self.folder.path().join("openssl.cnf"));
        }
        self.process = Some(command.spawn().unwrap());
        self.has_started()
    }

    /// Rewrites the configuration and waits until a new connection sees it.
    pub(crate) fn reload(&mut self, setup: Setup<'_>) {
        self.write(setup);
        self.reread();
    }

    /// Sends SIGHUP, as `pg_ctl reload` does, with the files as they are now.
    pub(crate) fn reread(&mut self) {
        let before = self.log().len();
        self.write_generation();
        self.signal("HUP");
        let deadline = Instant::now() + PATIENCE;
        while self.seen_generation() != Some(self.generation) {
            assert!(Instant::now() < deadline, "no reload:\n{}", self.log());
            sleep(Duration::from_millis(5));
        }
        let log = self.log();
        let news = log.get(before..).unwrap_or_default();
        for complaint in ["not reloaded", "could not load", "contains errors"] {
            assert!(
                !news.contains(complaint),
                "the server refuses its files:\n{news}"
            );
        }
    }

    /// Copies files into the data directory, as the guides do, owned by the server's account.
    pub(crate) fn install(&self, from: &Path, names: &[&str]) {
        for name in names {
            let place = self.data().join(name);
            fs::copy(from.join(name), &place).unwrap();
            own(&place);
            // The mode of a key comes with the copy; who owns it decides whether it is enough.
            if name.ends_with(".key") {
                fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// All that the server has written to its log.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// The lines of the log from byte `start` on, once it has been quiet for a while.
    pub(crate) fn settled_log(&self, start: usize) -> Vec<String> {
        // A backend logs after its client has gone, so the end of pgprobe is too early to look.
        // Our own connection is accepted after those before it.
        self.seen_generation();
        let (mut size, deadline) = (usize::MAX, Instant::now() + PATIENCE);
        while size != self.log().len() && Instant::now() < deadline {
            size = self.log().len();
            sleep(Duration::from_millis(200));
        }
        let log = self.log();
        log.get(start..)
            .unwrap_or_default()
            .lines()
            .map(String::from)
            .collect()
    }

    /// The TCP connections logged since byte `start`; needs `log_connections = on`.
    pub(crate) fn connections(&self, start: usize) -> usize {
        let received =
            |line: &&String| line.contains("connection received") && !line.contains("host=[local]");
        self.settled_log(start).iter().filter(received).count()
    }

    /// Runs SQL as the superuser, by the Unix socket; what it prints, unaligned.
    pub(crate) fn sql(&self, commands: &str) -> String {
        let mut psql = Command::new(bin(15, "psql"));
        psql.env_clear().env("PATH", "/usr/bin:/bin");
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
        ]);
        psql.args([
            "-d",
            "postgres",
            "-p",
            &self.port.to_string(),
            "-c",
            commands,
            "-h",
        ]);
        succeed(psql.arg(self.folder.path())).trim().to_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn write(&mut self, setup: Setup<'_>) {
        let data = self.data();
        fs::write(data.join("situation.conf"), setup.settings).unwrap();
        let hba = format!("local all postgres trust\n{}\n", setup.hba);
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
        fs::write(data.join("pg_ident.conf"), setup.ident).unwrap();
        self.write_generation();
    }

    /// A new connection is told `application_name`: it says which configuration is in force.
    fn write_generation(&mut self) {
        self.generation += 1;
        let conf = format!(
            "include 'situation.conf'\napplication_name = 'generation{}'\n",
            self.generation
        );
        fs::write(self.data().join("test.conf"), conf).unwrap();
    }

    fn has_started(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while self.seen_generation() != Some(self.generation) {
            let process = self.process.as_mut().unwrap();
            if process.try_wait().unwrap().is_some() {
                self.process = None;
                return false;
            }
            assert!(Instant::now() < deadline, "no start:\n{}", self.log());
            sleep(Duration::from_millis(10));
        }
        true
    }

    /// The configuration that a new connection by the Unix socket sees.
    fn seen_generation(&self) -> Option<u32> {
        let socket = self.folder.path().join(format!(".s.PGSQL.{}", self.port));
        let mut stream = UnixStream::connect(socket).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let mut packet = vec![0, 0, 0, 0, 0, 3, 0, 0];
        packet.extend(b"user\0postgres\0database\0postgres\0\0");
        packet[3] = u8::try_from(packet.len()).unwrap();
        stream.write_all(&packet).ok()?;
        let (mut reply, mut chunk) = (Vec::new(), [0; 4096]);
        // ReadyForQuery ends the greeting: 'Z', length 5, 'I'.
        while !reply.ends_with(b"Z\0\0\0\x05I") {
            let count = stream.read(&mut chunk).ok()?;
            if count == 0 {
                return None;
            }
            reply.extend(&chunk[..count]);
        }
        stream.write_all(b"X\0\0\0\x04").ok()?;
        let text = String::from_utf8_lossy(&reply).into_owned();
        let (_, rest) = text.split_once("application_name\0generation")?;
        rest.split_once('\0')?.0.parse().ok()
    }

    /// Sends the server a signal.
    pub(crate) fn signal(&self, name: &str) {
        let process = self.process.as_ref().unwrap().id();
        succeed(Command::new("kill").args(["-s", name, &process.to_string()]));
    }
}

impl Drop for PgCluster {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Immediate shutdown: the data is thrown away.
            let _ = Command::new("kill")
                .args(["-s", "QUIT", &process.id().to_string()])
                .status();
            let _ = process.wait();
        }
    }
}

/// A port that was free a moment ago and that no other test of this process was given.
fn free_port() -> u16 {
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    loop {
        let port = TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut given = GIVEN.lock().unwrap();
        if !given.contains(&port) {
            given.push(port);
            return port;
        }
    }
}
