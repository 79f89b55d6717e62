//! `pgprobe exporter`: what the HTTP front end needs of this machine.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::error::Error;
use super::probe::{Options, observation, plan};
use super::usage::BadValue;
use super::{block_on, gather, now, system_store};
use crate::assess::assess;
use crate::client::{Client, FileFact};
use crate::exporter::allow::Fenced;
use crate::exporter::config::{CONFIG_LIMIT, Config, Listen, Module};
use crate::exporter::lookups::Lookups;
use crate::exporter::{Backend, Exporter, Failure, Process, Question, serve};
use crate::libpq::client_certificate::{ClientCertificate, client_certificate};
use crate::libpq::parameters::{ParameterError, resolve};
use crate::net::SystemNetwork;
use crate::observe::observe;
use crate::private_key::{self, ClientKey};
use crate::report::Report;

/// For so long what was read of a module's files is used again.
const FILES_AGE: Duration = Duration::from_secs(10);

/// So many names are looked up at the same time: each takes a thread, and one whose resolver hangs
/// keeps it longer than any probe waits.
const LOOKUPS: usize = 128;

/// The most that is read of a password file.
const PASSWORD_LIMIT: u64 = 4096;

pub(super) const EXAMPLES: &str = "\
Examples:
  pgprobe exporter
  pgprobe exporter --config /etc/pgprobe/exporter.toml
  curl 'http://127.0.0.1:10432/probe?target=db.example.com:5432'";

/// What the exporter takes.
#[derive(Args, Debug)]
pub(crate) struct ExporterArgs {
    /// The configuration, in TOML: modules, the allow list, limits. Without one there is one
    /// module, which does one quiet handshake, and only this machine may ask.
    #[arg(long, value_name = "FILE")]
    config: Option<String>,

    /// Where to listen [default: listen of the configuration, or 127.0.0.1:10432].
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address)]
    listen: Option<Listen>,

    /// Check the configuration, and end.
    #[arg(long)]
    check_config: bool,
}

fn listen_address(text: &str) -> Result<Listen, BadValue> {
    text.parse().map_err(|_: String| BadValue {
        why: "not an address and a port".into(),
        takes: "an address and a port, such as 127.0.0.1:10432 or [::]:10432",
    })
}

pub(super) fn run(args: &ExporterArgs) -> Result<u8, Error> {
    let mut config = match &args.config {
        Some(path) => read_config(path)?,
        None => Config::default_module(),
    };
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    let address = config.listen.0;
    // Whoever reaches the port decides where this machine connects to.
    if !address.ip().is_loopback() && config.allow.is_none() {
        return Err(Error::Unfenced(address));
    }
    let machine = Machine::new();
    for (name, module) in &config.modules {
        validate(name, module)?;
        complain(name, module);
        // A key that does not load is found now, not at the first scrape.
        read_files(module).map_err(Error::Module)?;
    }
    if args.check_config {
        return Ok(0);
    }
    let local = LocalSet::new();
    block_on(local.run_until(listen(address, config, machine)))??;
    Ok(0)
}

async fn listen(address: SocketAddr, config: Config, machine: Machine) -> Result<(), Error> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| Error::Listen { address, error })?;
    let address = listener.local_addr().unwrap_or(address);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Runtime)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Runtime)?;
    let mut out = std::io::stderr();
    let _ = writeln!(out, "listening on http://{address}");
    let exporter = Rc::new(Exporter::new(config, machine));
    serve(listener, exporter, async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
    .await;
    Ok(())
}

fn read_config(path: &str) -> Result<Config, Error> {
    let failed = |error| Error::Read {
        path: path.to_owned(),
        error,
    };
    let wrong = |line, message| Error::Config {
        path: path.to_owned(),
        line,
        message,
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the configuration is read"
    )]
    let file = std::fs::File::open(path).map_err(failed)?;
    let limit = u64::try_from(CONFIG_LIMIT).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > CONFIG_LIMIT {
        return Err(wrong(
            None,
            "it is longer than a configuration can be".into(),
        ));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong(None, "it is not UTF-8".into()))?;
    let folder = Path::new(path)
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // libpq is told whole paths: the exporter's folder means nothing to who reads a message.
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    Config::parse(&text, &folder).map_err(|error| wrong(error.line, error.message))
}

/// What a module's keys take, for those that libpq reads itself.
const TAKES: [(&str, &str); 9] = [
    (
        "sslcertmode",
        "sslcertmode is disable, allow or require (from libpq 16 on)",
    ),
    (
        "sslnegotiation",
        "sslnegotiation is postgres or direct (from libpq 17 on)",
    ),
    (
        "channel_binding",
        "channel_binding is disable, prefer or require",
    ),
    ("gssencmode", "gssencmode is disable, prefer or require"),
    (
        "require_auth",
        "require_auth is a list of password, md5, gss, sspi, scram-sha-256, oauth and none, or of \
         these with a ! before each (from libpq 16 on)",
    ),
    (
        "protocol_version",
        "ssl_min_protocol_version and ssl_max_protocol_version are TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3",
    ),
    (
        "protocol version range",
        "ssl_min_protocol_version must not be above ssl_max_protocol_version",
    ),
    (
        "sslrootcert=system",
        "sslrootcert = \"system\" goes with sslmode = \"verify-full\", or none",
    ),
    (
        "connect_timeout",
        "connect_timeout is a whole number of seconds",
    ),
];

/// Refuses what libpq would refuse of a module's every target.
fn validate(name: &str, module: &Module) -> Result<(), Error> {
    let refused = |message: String| {
        let known = TAKES.iter().find(|(word, _)| message.contains(word));
        Err(Error::ModuleValue {
            module: name.to_owned(),
            libpq: module.emulates.libpq.major(),
            hint: known.map_or(
                "docs/monitoring/prometheus.md lists what each key takes",
                |it| it.1,
            ),
            message,
        })
    };
    // A host of no meaning: what it says must hold for each.
    let mut settings = module.settings.clone();
    settings.push(("host".into(), "localhost".into()));
    let parameters = match resolve(&Client::new(None, &settings), module.emulates.libpq) {
        Ok(parameters) => parameters,
        Err(error) => return refused(error.to_string()),
    };
    let given = parameters
        .sslmode()
        .filter(|_| module.setting("sslmode").is_some());
    let error = match given {
        Some(mode) => parameters.validate(mode).err(),
        None => {
            let all: Option<Vec<_>> = parameters.refusals().into_iter().collect();
            all.and_then(|all| all.into_iter().next_back())
        }
    };
    match error.or_else(|| parameters.connect_timeout().err()) {
        Some(error) => refused(error.message),
        None => Ok(()),
    }
}

/// Says which files of a module are missing; what libpq makes of that is its verdict.
fn complain(name: &str, module: &Module) {
    for (keyword, path) in module.files() {
        if let FileFact::Absent { error, .. } | FileFact::Unreadable { error, .. } =
            gather::file_fact(path)
        {
            let mut out = std::io::stderr();
            let _ = writeln!(out, "warning: module {name}: {keyword} \"{path}\": {error}");
        }
    }
}

/// This machine: its network, its clock, and the files that the modules name.
struct Machine {
    start_time: i64,
    network: Lookups<SystemNetwork>,
    files: RefCell<BTreeMap<String, (Instant, Rc<Files>)>>,
}

/// What was read of a module's files.
struct Files {
    client: Client,
    key: Option<ClientKey>,
}

impl Machine {
    fn new() -> Self {
        Self {
            start_time: now(),
            network: Lookups::new(SystemNetwork, LOOKUPS),
            files: RefCell::default(),
        }
    }

    /// The files of a module as they were a moment ago: probes at the same time share them.
    fn files(&self, name: &str, module: &Module) -> Result<Rc<Files>, String> {
        if let Some((read, files)) = self.files.borrow().get(name)
            && read.elapsed() < FILES_AGE
        {
            return Ok(Rc::clone(files));
        }
        let files = Rc::new(read_files(module)?);
        let mut kept = self.files.borrow_mut();
        // Of many modules, those that nobody asks for hold no memory.
        kept.retain(|_, (read, _)| read.elapsed() < FILES_AGE);
        kept.insert(name.to_owned(), (Instant::now(), Rc::clone(&files)));
        Ok(files)
    }
}

fn read_files(module: &Module) -> Result<Files, String> {
    let password = match &module.sslpassword_file {
        Some(path) => Some(read_password(path)?),
        None => None,
    };
    let keys = RefCell::new(None);
    let load_key = |key: &[u8], password: Option<&[u8]>, certificate: &[u8]| {
        let loaded = private_key::load(key, password, certificate, module.emulates.openssl)?;
        keys.replace(Some(loaded));
        Ok(())
    };
    let client = gather::gather_module(&module.settings, password.as_deref(), &load_key);
    Ok(Files {
        client,
        key: keys.into_inner(),
    })
}

fn read_password(path: &str) -> Result<String, String> {
    let failed =
        |error: std::io::Error| format!("cannot read sslpassword_file \"{path}\": {error}");
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the key's password is read"
    )]
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(PASSWORD_LIMIT)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

impl Backend for Machine {
    async fn probe(&self, question: Question) -> Result<Report, Failure> {
        let Question {
            name,
            module,
            target,
            timeout,
            fence,
        } = question;
        let files = self.files(&name, &module).map_err(Failure::Unusable)?;
        // Host and port are all that a scrape decides.
        let mut settings = module.settings.clone();
        settings.push(("host".into(), target.host.to_string()));
        settings.push(("port".into(), target.port.to_string()));
        let mut client = Client::new(None, &settings);
        client.input = target.to_string();
        client.effective_uid = files.client.effective_uid;
        let options = Options {
            settings,
            emulates: module.emulates,
            depth: module.depth,
            all_addresses: false,
            timeout,
            expected: None,
            compare_sni: false,
            enumerate: None,
        };
        let parameters = match resolve(&client, module.emulates.libpq) {
            Ok(parameters) => Some(parameters),
            Err(ParameterError::Libpq(_)) => None,
            Err(ParameterError::Target(error)) => return Err(Failure::Unusable(error.message)),
            Err(ParameterError::Unsupported(why)) => return Err(Failure::Unusable(why)),
        };
        let plan = parameters.as_ref().and_then(|known| {
            let certificate = client_certificate(&files.client, known);
            let usable = certificate == Ok(ClientCertificate::Usable);
            let openssl = module.emulates.openssl;
            let key = files.key.clone().filter(|_| usable).map(|key| {
                key.with_issuers(|leaf| {
                    crate::assess::issuers_of(leaf, &files.client, known, openssl)
                })
            });
            plan(known, &options, key.as_ref())
        });
        let fenced = Fenced::new(&self.network, fence.as_ref());
        let began = now();
        let hosts = match &plan {
            Some(plan) => observe(plan, &fenced).await,
            None => Vec::new(),
        };
        if let Some(address) = fenced.outside() {
            return Err(Failure::Outside(address));
        }
        // Only from here on, and so for one probe at a time, the files are there twice.
        client.files = files.client.files.clone();
        client.private_keys = files.client.private_keys.clone();
        if let Some(parameters) = parameters.as_ref().filter(|_| !hosts.is_empty()) {
            system_store::gather(&mut client, parameters, &hosts);
        }
        let mut seen = observation(client, plan.as_ref(), &options);
        seen.observed_at = began;
        seen.hosts = hosts;
        Ok(assess(&seen, module.emulates, began))
    }

    fn process(&self) -> Process {
        Process {
            start_time: self.start_time,
            resident_bytes: resident_bytes(),
        }
    }
}

/// Resident memory, as Linux tells it; elsewhere there is no such metric.
fn resident_bytes() -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the process asks after itself here"
    )]
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}
