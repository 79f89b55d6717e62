//! A running `pgprobe exporter`, and HTTP as plain as it comes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::pgprobe::program;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An exporter on a free loopback port; it ends when this is dropped.
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Exporter {
    /// One with this configuration.
    pub(crate) fn new(config: &str) -> Self {
        Self::with_environment(config, &[])
    }

    /// The same with these variables; its folder is also its home.
    pub(crate) fn with_environment(config: &str, environment: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("exporter.toml"), config).unwrap();
        Self::start(folder, environment)
    }

    /// One whose folder has `exporter.toml` already.
    pub(crate) fn start(folder: TempDir, environment: &[(&str, &str)]) -> Self {
        let mut process = Command::new(program())
            .args([
                "exporter",
                "--config",
                "exporter.toml",
                "--listen",
                "127.0.0.1:0",
            ])
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", folder.path())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(process.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended: {said}");
            if let Some(address) = line.trim().strip_prefix("listening on http://") {
                break address.parse().unwrap();
            }
            said += &line;
        };
        // What it says later must not block it.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self {
            address,
            process,
            _folder: folder,
        }
    }

    /// GET.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, "")
    }

    /// GET with header lines, each ended by CR LF.
    pub(crate) fn get_with(&self, path: &str, headers: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\nHost: exporter\r\n{headers}\r\n");
        self.send(request.as_bytes())
    }

    /// Sends bytes and reads until the other side ends.
    pub(crate) fn send(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // It may be refused before it was written to the end.
        let _ = stream.write_all(request);
        Answer::read(&mut stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The metrics of a probe of a loopback port, which must be answered.
    pub(crate) fn probe(&self, module: &str, host: &str, port: u16) -> Metrics {
        let answer = self.get(&format!("/probe?module={module}&target={host}:{port}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        Metrics::read(&answer.body)
    }

    /// The exporter's own metrics.
    pub(crate) fn metrics(&self) -> Metrics {
        Metrics::read(&self.get("/metrics").body)
    }

    /// Waits until a metric of the exporter has a value.
    pub(crate) fn wait_for(&self, series: &str, value: f64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let metrics = self.metrics();
            if metrics.value(series) == Some(value) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{series} is not {value}: {metrics:?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// Sends a signal and waits for the end: the exit status and how long that took.
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, Duration) {
        let began = Instant::now();
        let id = self.process.id().to_string();
        Command::new("kill")
            .args(["-s", signal, &id])
            .status()
            .unwrap();
        let status = self.process.wait().unwrap();
        (status.code(), began.elapsed())
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An HTTP answer; status 0 if there was none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Reads an answer to its end.
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }
}

/// Series and their values, as they are written: `name{label="value"}`.
#[derive(Debug)]
pub(crate) struct Metrics(pub(crate) BTreeMap<String, f64>);

impl Metrics {
    /// Reads a text of metrics.
    pub(crate) fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(
            lines
                .map(|line| {
                    let (series, value) = line.rsplit_once(' ').unwrap();
                    (series.to_owned(), value.parse().unwrap())
                })
                .collect(),
        )
    }

    /// The value of one series.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    /// The state that is 1 of a metric with states: the last label of the only such series that
    /// begins like this.
    pub(crate) fn state(&self, begins: &str) -> &str {
        let mut true_ones = self
            .0
            .iter()
            .filter(|(series, value)| series.starts_with(begins) && **value == 1.0);
        let (series, _) = true_ones
            .next()
            .unwrap_or_else(|| panic!("no {begins} is 1: {self:?}"));
        assert!(
            true_ones.next().is_none(),
            "{begins} has two states: {self:?}"
        );
        series.trim_end_matches("\"}").rsplit('"').next().unwrap()
    }

    /// The names of all metrics.
    pub(crate) fn names(&self) -> std::collections::BTreeSet<&str> {
        let names = self
            .0
            .keys()
            .map(|series| series.split('{').next().unwrap());
        names.collect()
    }
}
