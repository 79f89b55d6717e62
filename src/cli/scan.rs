//! `pgprobe scan`: inputs, the file of records, signals and progress around a scan.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, IsTerminal as _, Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::args::emulates;
use super::demands::Demands;
use super::error::Error;
use super::progress::{self, Progress};
use super::scan_args::{ScanArgs, ScanFormatArg};
use super::{gather, now, probe};
use crate::assess::Judge;
use crate::conninfo::redact;
use crate::emulates::Emulates;
use crate::libpq::client_certificate::{ClientCertificate, client_certificate};
use crate::libpq::parameters::{ParameterError, resolve};
use crate::net::SystemNetwork;
use crate::private_key;
use crate::render;
use crate::render::escape::escape;
use crate::report::Report;
use crate::scan::block::{Block, BlockSet};
use crate::scan::checkpoint::{self, Done};
use crate::scan::pace::{Gate, Rate, Turns};
use crate::scan::prober::{Prober, lookups};
use crate::scan::runner::{self, Ended, Format, OnBad, Running};
use crate::scan::source::{Exclusions, Input, Item, Selection, Source};
use crate::scan::stop::Stop;

/// PostgreSQL's.
const PORT: u16 = 5432;

/// How many addresses the networks of a command line may have without `--yes`.
const MANY: u128 = 65_536;

/// How many targets at once by default, where the limit of open files allows it.
const CONCURRENCY: usize = 1000;

/// Descriptors that are not connections: the output, the runtimes, lookups.
const OTHER_DESCRIPTORS: usize = 160;

pub(super) fn run(args: &ScanArgs) -> Result<u8, Error> {
    let prober = prober(args)?;
    let demands = Arc::new(Mutex::new(Demands::new(&args.findings, false)?));
    let inputs = Inputs::of(args)?;
    let (mut output, done) = output(args, &demands)?;
    let header = match args.format {
        ScanFormatArg::Csv => render::csv_header(&mut output),
        ScanFormatArg::FindingsCsv => render::findings_csv_header(&mut output),
        ScanFormatArg::Sarif => render::sarif_header(&mut output),
        ScanFormatArg::Json | ScanFormatArg::Tlsx | ScanFormatArg::Zgrab2 => Ok(()),
    };
    header.map_err(super::error::output)?;
    let log = (args.format == ScanFormatArg::Sarif).then(|| Log::new(&mut output));
    let selection = Arc::new(Selection {
        ports: ports(args),
        ports_chosen: !args.port.is_empty(),
        exclusions: prober.exclusions.clone(),
        shard: args.shard,
        done: Arc::new(done.targets),
    });
    let concurrency = prober.gate.limit();
    let progress = Progress::new(args.quiet, args.progress, args.output.is_none());
    if let Some(again) = inputs.again() {
        progress.count(again, Arc::clone(&selection));
    }
    let stopped_by_input = Arc::new(AtomicBool::new(false));
    let source = Source::new(inputs.open()?, selection);
    let start = || {
        runner::start(
            source,
            on_bad(
                args.strict,
                progress.clone(),
                Arc::clone(&stopped_by_input),
                log.clone(),
            ),
            Arc::new(prober),
            &SystemNetwork,
            format(args.format, Arc::clone(&demands), log.clone()),
            output,
            threads(concurrency),
        )
    };
    let (running, signal) = supervise(start, &progress)?;
    let ended = running.wait();
    progress.finish(&ended);
    if let Some(log) = log {
        // What has no record is in no result: a log without a word of it would seem whole.
        if let Some(signal) = signal {
            log.first(format!(
                "the scan was ended by a signal (exit status {signal}): targets that it had not come \
                 to are not in this log"
            ));
        }
        log.finish().map_err(super::error::output)?;
    }
    let stopped = stopped_by_input.load(Ordering::SeqCst);
    let code = exit_code(ended, signal, stopped, args.output.as_deref())?;
    let failed = lock(&demands).finish(now())?;
    Ok(if code == 0 { failed } else { code })
}

/// Starts a scan, once the descriptors for watching it are there, and waits for its end; the signal
/// that ended it, if one did.
fn supervise(
    start: impl FnOnce() -> Running,
    progress: &Progress,
) -> Result<(Running, Option<u8>), Error> {
    super::block_on(async {
        let listen = |kind| signal(kind).map_err(Error::Runtime);
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let mut tick = tokio::time::interval(progress::TICK);
        let mut ended_by = None;
        let running = start();
        let mut finished = Box::pin(running.finished());
        loop {
            let signal = tokio::select! {
                () = &mut finished => break,
                _ = interrupt.recv() => 130,
                _ = terminate.recv() => 143,
                _ = tick.tick() => {
                    progress.show(&running);
                    continue;
                }
            };
            // The second time means now.
            running.stop(ended_by.is_some());
            progress.stop();
            if ended_by.replace(signal).is_none() {
                progress.say(&format!(
                    "stopping: {} targets are being asked, once more to leave them",
                    running.in_flight()
                ));
            }
        }
        drop(finished);
        Ok((running, ended_by))
    })?
}

fn exit_code(
    ended: Ended,
    signal: Option<u8>,
    stopped_by_input: bool,
    output: Option<&str>,
) -> Result<u8, Error> {
    ended.written.map_err(|error| match output {
        Some(path) if error.kind() != io::ErrorKind::BrokenPipe => Error::Write {
            path: redact(path),
            error,
        },
        _ => super::error::output(error),
    })?;
    if let Some(signal) = signal {
        return Ok(signal);
    }
    // What was done before may have answered.
    let nothing_answered =
        ended.tally.records > 0 && ended.tally.reached == 0 && ended.counts.done == 0;
    let failed = stopped_by_input || !ended.whole || ended.tally.unfinished > 0 || nothing_answered;
    Ok(if failed { 2 } else { 0 })
}

fn ports(args: &ScanArgs) -> Vec<u16> {
    let mut ports = Vec::new();
    for port in &args.port {
        if !ports.contains(port) {
            ports.push(*port);
        }
    }
    if ports.is_empty() {
        ports.push(PORT);
    }
    ports
}

/// Everything that is the same for all targets.
fn prober(args: &ScanArgs) -> Result<Prober, Error> {
    let emulates = emulates(args.libpq_version, args.openssl, Emulates::default());
    let settings = args.libpq.settings();
    let keys = Mutex::new(None);
    let load_key = |key: &[u8], password: Option<&[u8]>, certificate: &[u8]| {
        let loaded = private_key::load(key, password, certificate, emulates.openssl)?;
        *keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        Ok(())
    };
    let client = gather::gather_options(&settings, emulates.libpq, &load_key);
    let parameters = resolve(&client, emulates.libpq).map_err(|error| Error::Scan {
        message: match error {
            ParameterError::Libpq(error) => error.message,
            other => other.to_string(),
        },
        hint: "these parameters are the same for all targets; pgprobe help scan lists them",
    })?;
    let judge = Judge::new(&client, &parameters, emulates);
    let usable = client_certificate(&client, &parameters) == Ok(ClientCertificate::Usable);
    let key = keys
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .filter(|_| usable)
        .map(|key| {
            let openssl = emulates.openssl;
            key.with_issuers(|leaf| crate::assess::issuers_of(leaf, &client, &parameters, openssl))
        });
    let options = probe::Options {
        settings,
        emulates,
        depth: args.depth.into(),
        all_addresses: false,
        timeout: args.timeout,
        compare_sni: false,
        enumerate: None,
        expected: None,
    };
    Ok(Prober {
        client: Arc::new(client),
        parameters,
        judge,
        emulates,
        depth: options.depth,
        all_addresses: args.all_addresses,
        timeout: args.timeout,
        retries: args.retries,
        plan: Box::new(move |parameters| probe::plan(parameters, &options, key.as_ref())),
        clock: now,
        at: args.at,
        exclusions: exclusions(args)?,
        gate: Gate::new(concurrency(args)),
        rate: Rate::new(args.rate, args.jitter.unwrap_or_default()),
        turns: Turns::default(),
        lookups: lookups(),
        stop: Stop::default(),
        in_flight: AtomicUsize::new(0),
    })
}

/// As many as were asked for, or the default, as far as the limit of open files allows.
fn concurrency(args: &ScanArgs) -> usize {
    let wanted = args.concurrency.map_or(CONCURRENCY, |number| {
        usize::try_from(number).unwrap_or(usize::MAX)
    });
    let needed = u64::try_from(wanted.saturating_add(OTHER_DESCRIPTORS)).unwrap_or(u64::MAX);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return wanted;
    };
    let mut limit = soft;
    if soft < needed {
        let raised = needed.min(hard);
        if setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() {
            limit = raised;
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let allowed = limit
        .saturating_sub(OTHER_DESCRIPTORS)
        .max(limit / 2)
        .max(1);
    wanted.min(allowed)
}

fn threads(concurrency: usize) -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(concurrency))
}

/// What `--exclude` takes.
const EXCLUDES: &str =
    "it takes 192.0.2.1, 192.0.2.0/24, 192.0.2.1-20, 2001:db8::/64 or a host name";

fn exclusions(args: &ScanArgs) -> Result<Exclusions, Error> {
    let mut words: Vec<String> = args.exclude.clone();
    for path in &args.exclude_file {
        let mut text = String::new();
        open(path)?
            .read_to_string(&mut text)
            .map_err(|error| read_error(path, error))?;
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        words.extend(lines.map(|line| line.trim().to_owned()));
    }
    let mut blocks = Vec::new();
    let mut exclusions = Exclusions::default();
    for word in words
        .iter()
        .map(|word| word.trim())
        .filter(|word| !word.is_empty())
    {
        match Block::parse(word) {
            Some(Ok(block)) => blocks.push(block),
            Some(Err(why)) => {
                return Err(Error::Scan {
                    message: format!("cannot exclude \"{word}\": {why}"),
                    hint: EXCLUDES,
                });
            }
            None if word.contains(['/', ':', ' ', ',']) => {
                return Err(Error::Scan {
                    message: format!(
                        "cannot exclude \"{word}\": it is no address, network, range or name"
                    ),
                    hint: EXCLUDES,
                });
            }
            None => {
                exclusions.names.insert(word.to_ascii_lowercase());
            }
        }
    }
    exclusions.addresses = BlockSet::new(blocks);
    Ok(exclusions)
}

/// Where targets come from, by name.
struct Inputs {
    arguments: Vec<String>,
    files: Vec<String>,
}

impl Inputs {
    fn of(args: &ScanArgs) -> Result<Self, Error> {
        let mut inputs = Self {
            arguments: Vec::new(),
            files: args.input.clone(),
        };
        let mut addresses: u128 = 0;
        for target in &args.targets {
            let block = Block::parse(target);
            if target == "-" || (block.is_none() && is_file(target)) {
                inputs.files.push(target.clone());
                continue;
            }
            let looks_like_a_path = target.contains('/') && !target.contains(['=', ':', '[']);
            if block.is_none() && looks_like_a_path {
                open(target)?; // it says why not
            }
            if let Some(Ok(block)) = block {
                addresses = addresses.saturating_add(block.count());
            }
            inputs.arguments.push(target.clone());
        }
        if addresses > MANY && !args.yes {
            return Err(Error::Scan {
                message: format!(
                    "these networks have {} addresses",
                    progress::grouped(addresses)
                ),
                hint: "if you are allowed to scan all of them, say --yes",
            });
        }
        if inputs.arguments.is_empty() && inputs.files.is_empty() {
            if io::stdin().is_terminal() {
                return Err(Error::Scan {
                    message: "no targets".into(),
                    hint: "try `pgprobe scan 192.0.2.0/24`, `pgprobe scan targets.txt`, or give \
                         targets on standard input",
                });
            }
            inputs.files.push("-".into());
        }
        Ok(inputs)
    }

    fn open(&self) -> Result<Vec<Input>, Error> {
        let mut inputs = vec![Input::Arguments(self.arguments.clone())];
        for path in &self.files {
            let name = Arc::from(redact(path));
            inputs.push(if path == "-" {
                Input::Lines {
                    name,
                    reader: Box::new(BufReader::with_capacity(64 * 1024, io::stdin())),
                    remembers: false,
                }
            } else {
                Input::Lines {
                    name,
                    reader: Box::new(BufReader::with_capacity(64 * 1024, open(path)?)),
                    remembers: Path::new(path).is_file(),
                }
            });
        }
        Ok(inputs)
    }

    /// The same once more, to count, where that can be read twice.
    fn again(&self) -> Option<Vec<Input>> {
        let twice = self
            .files
            .iter()
            .all(|path| path != "-" && Path::new(path).is_file());
        twice.then(|| self.open().ok()).flatten()
    }
}

/// Whether an argument names something that can be read as a file.
fn is_file(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_dir())
}

fn open(path: &str) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .open(path)
        .map_err(|error| read_error(path, error))
}

fn read_error(path: &str, error: io::Error) -> Error {
    Error::Read {
        path: redact(path),
        error,
    }
}

/// A file of records that no other process writes to.
struct Locked(Flock<File>);

impl Write for Locked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Where records go, and what is there already.
fn output(
    args: &ScanArgs,
    demands: &Mutex<Demands>,
) -> Result<(Box<dyn Write + Send>, Done), Error> {
    let Some(path) = &args.output else {
        return Ok((Box::new(io::stdout()), Done::default()));
    };
    if args.resume && args.format != ScanFormatArg::Json {
        return Err(Error::Options {
            why: "--resume goes on with records of --format json only",
            hint: "leave --format out, or make the other form of the finished file",
        });
    }
    let failed = |error: io::Error| Error::Write {
        path: redact(path),
        error,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return match args.resume {
            true => Err(failed(io::Error::other(
                "to go on it must be a regular file",
            ))),
            false => Ok((Box::new(file), Done::default())),
        };
    }
    let mut file =
        Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
            nix::errno::Errno::EWOULDBLOCK => {
                failed(io::Error::other("another scan is writing to it"))
            }
            errno => failed(errno.into()),
        })?;
    let length = file.metadata().map_err(failed)?.len();
    if length > 0 && !args.resume {
        return Err(Error::Scan {
            message: format!("\"{}\" is not empty", redact(path)),
            hint: "--resume goes on with it; a new scan takes a new file",
        });
    }
    if !args.resume {
        return Ok((Box::new(Locked(file)), Done::default()));
    }
    let any = lock(demands).any();
    let note = |line: &[u8]| {
        if any {
            lock(demands).judge_earlier(line);
        }
    };
    let done = BufReader::with_capacity(1 << 20, &mut *file);
    let done = checkpoint::read(done, note).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Error::Scan {
            message: format!("cannot go on with \"{}\": {error}", redact(path)),
            hint: "--resume takes what an earlier scan wrote with --format json",
        },
        _ => read_error(path, error),
    })?;
    file.set_len(done.length).map_err(failed)?;
    file.seek(SeekFrom::Start(done.length)).map_err(failed)?;
    Ok((Box::new(Locked(file)), done))
}

fn format(format: ScanFormatArg, demands: Arc<Mutex<Demands>>, log: Option<Log>) -> Format {
    let any = lock(&demands).any();
    Box::new(move |report, out| {
        let judged = any.then(|| {
            let mut report = report.clone();
            lock(&demands).judge(&mut report);
            report
        });
        let report = judged.as_ref().unwrap_or(report);
        if let Some(log) = &log {
            log.note(report);
        }
        let written = match format {
            ScanFormatArg::Json => render::json_line(report, out),
            ScanFormatArg::Csv => render::csv(report, out),
            ScanFormatArg::Tlsx => render::tlsx(report, out),
            ScanFormatArg::Zgrab2 => render::zgrab2(report, out),
            ScanFormatArg::Sarif => render::sarif_results(report, out),
            ScanFormatArg::FindingsCsv => render::findings_csv(report, out),
        };
        // Memory takes everything.
        let _ = written;
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A SARIF log that is written as the results come: without the comma before the first, and with an
/// end.
#[derive(Clone)]
struct Log(Arc<Mutex<Logged>>);

struct Logged {
    output: Box<dyn Write + Send>,
    begun: bool,
    unreached: Vec<String>,
}

impl Log {
    /// Takes the place of an output.
    fn new(output: &mut Box<dyn Write + Send>) -> Self {
        let log = Self(Arc::new(Mutex::new(Logged {
            output: Box::new(io::sink()),
            begun: false,
            unreached: Vec::new(),
        })));
        let before = std::mem::replace(output, Box::new(log.clone()));
        lock(&log.0).output = before;
        log
    }

    /// Remembers a target that did not answer.
    fn note(&self, report: &Report) {
        let notifications = render::sarif_notifications(report);
        lock(&self.0).unreached.extend(notifications);
    }

    /// Remembers what is to be told before all else.
    fn first(&self, notification: String) {
        lock(&self.0).unreached.insert(0, notification);
    }

    /// Remembers something else that the log lacks.
    fn add(&self, notification: String) {
        lock(&self.0).unreached.push(notification);
    }

    /// Writes the end.
    fn finish(&self) -> io::Result<()> {
        let mut logged = lock(&self.0);
        let unreached = std::mem::take(&mut logged.unreached);
        render::sarif_footer(&unreached, &mut logged.output)?;
        logged.output.flush()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut logged = lock(&self.0);
        let first = !logged.begun && !bytes.is_empty();
        logged.begun |= first;
        match bytes.strip_prefix(b",").filter(|_| first) {
            Some(rest) => logged.output.write_all(rest)?,
            None => logged.output.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        lock(&self.0).output.flush()
    }
}

/// Says what is wrong with a line and whether to go on.
fn on_bad(strict: bool, progress: Progress, stopped: Arc<AtomicBool>, log: Option<Log>) -> OnBad {
    Box::new(move |item| {
        let (text, fatal) = match item {
            Item::Target(_) => return true,
            Item::Bad { place, why } => {
                let file = place.file.as_deref().map(|file| match file {
                    "-" => "standard input",
                    file => file,
                });
                let at = match (file, place.line) {
                    (Some(file), Some(line)) => format!("{file}, line {line}: "),
                    _ => String::new(),
                };
                (format!("{at}{why}"), strict)
            }
            Item::Unreadable { name, error } => (format!("cannot read \"{name}\": {error}"), true),
        };
        let kind = if fatal { "error" } else { "passed over" };
        progress.say_always(&format!("{kind}: {}", escape(&text)));
        if let Some(log) = &log {
            log.add(format!("{kind}: {text}"));
        }
        if fatal {
            stopped.store(true, Ordering::SeqCst);
        }
        !fatal
    })
}
