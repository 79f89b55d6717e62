//! `pgprobe check`: a monitoring plugin, to the letter of the Monitoring Plugins guidelines.
//!
//! It says everything on stdout and nothing on stderr, always in the form of a plugin, and it ends
//! when its time is up, whatever it is waiting for.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::error::ErrorKind;

use super::args::emulates;
use super::check_args::{CheckArgs, USAGE};
use super::error::Error;
use super::probe::{Options, Prepared, ask, prepare};
use super::{expect, system_store, usage};
use crate::assess::{assess, revocation_not_checked};
use crate::check::output::{plugin, timeout, unknown};
use crate::check::policy::Policy;
use crate::check::{Asked, HostResult, State, Trust, judge};
use crate::client::{Client, FileFact};
use crate::emulates::Emulates;
use crate::libpq::parameters::{Origin, Parameters, SslMode};
use crate::libpq::root_certificates::{TrustSource, trust_source};
use crate::observation::Depth;
use crate::report::Anchors;

/// What is left of the time for judging and printing; at most a tenth of it.
const MARGIN: Duration = Duration::from_millis(100);

/// How long a writer may take whose reader does not read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Whether somebody has begun to print the result: there is only one.
static SAID: AtomicBool = AtomicBool::new(false);

/// Whether the command line is one of `check`, also if it cannot be read.
pub(super) fn is_meant(arguments: &[OsString]) -> bool {
    arguments.get(1).is_some_and(|word| word == "check")
}

/// Says that the arguments are wrong, or what they ask for: help or the version.
pub(super) fn refuse(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let text = match error.kind() {
        ErrorKind::DisplayHelp => error.to_string(),
        ErrorKind::DisplayVersion => format!("pgprobe {}\n", env!("CARGO_PKG_VERSION")),
        _ => misuse(&usage::line_and_hint(error, arguments).0),
    };
    say(State::Unknown, &text)
}

/// A first line that says what is wrong, and the short usage.
fn misuse(why: &str) -> String {
    unknown(why).1 + USAGE
}

/// Runs a check; the exit status.
pub(super) fn run(args: &CheckArgs) -> ExitCode {
    let began = Instant::now();
    let time = args.timeout;
    // A mistake of ours shall not look like one of the server, nor go to stderr.
    std::panic::set_hook(Box::new(|_| {}));
    let clock = std::thread::Builder::new().spawn(move || {
        std::thread::sleep(time);
        give_up(time);
    });
    if let Err(error) = clock {
        return say(State::Unknown, &unknown(&format!("no thread: {error}")).1);
    }
    let done = std::panic::catch_unwind(|| check(args, began));
    match done {
        Ok(Ok((state, text))) => say(state, &text),
        Ok(Err(error)) => say(State::Unknown, &misuse_or_failure(&error)),
        Err(_) => say(State::Unknown, &unknown("internal error of pgprobe").1),
    }
}

fn misuse_or_failure(error: &Error) -> String {
    match error {
        Error::NoTarget => misuse("no host: give -H, -u or a target, or set PGHOST"),
        Error::Target { message } => misuse(message),
        other => unknown(&other.to_string()).1,
    }
}

/// Prints the result, unless the other thread is at it: then it ends the process.
fn say(state: State, text: &str) -> ExitCode {
    if SAID.swap(true, Ordering::SeqCst) {
        loop {
            std::thread::park();
        }
    }
    let mut out = std::io::stdout().lock();
    // Where nobody reads it, there is the exit status still.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::from(state.code())
}

/// Ends the process when the time is up.
fn give_up(time: Duration) {
    let late = !SAID.swap(true, Ordering::SeqCst);
    let (state, text) = timeout(time.as_secs_f64());
    if late {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    } else {
        std::thread::sleep(LAST_WORDS);
    }
    #[expect(
        clippy::exit,
        reason = "the main thread may hang in a resolver or a file system, which nothing else ends"
    )]
    std::process::exit(state.code().into());
}

fn check(args: &CheckArgs, began: Instant) -> Result<(State, String), Error> {
    let mut policy = args.policy();
    // Such as at the moment of a renewal: the server is checked all the same.
    let expected = match args.expected_certificate().map(expect::read).transpose() {
        Ok(expected) => expected,
        Err(error) => {
            policy.expected_unreadable = Some(error.to_string());
            None
        }
    };
    let depth = if policy.needs_startup() {
        Depth::Startup
    } else {
        Depth::Handshake
    };
    let mut options = Options {
        settings: args.settings(),
        emulates: emulates(args.libpq_version, args.openssl, Emulates::default()),
        depth,
        all_addresses: false,
        compare_sni: false,
        timeout: args.timeout,
        enumerate: None,
        expected,
    };
    let targets = targets(args)?;
    let several = targets.len() > 1;
    let mut prepared = Vec::new();
    // The places of those that are none; the others are checked all the same.
    let mut wrong = Vec::new();
    for target in &targets {
        options.timeout = left(args.timeout, began);
        let done = prepare_one(target.as_ref(), &mut options);
        options.settings = args.settings();
        match done {
            Err(Error::Target { message }) if several => {
                let name = crate::conninfo::redact(target.as_ref().map_or("", Target::text));
                wrong.push(Some(HostResult::unknown(name, message)));
            }
            done => {
                prepared.push(done?);
                wrong.push(None);
            }
        }
    }
    // Reading files may have taken its time.
    for plan in prepared
        .iter_mut()
        .filter_map(|target| target.plan.as_mut())
    {
        plan.deadline = left(args.timeout, began);
    }
    ask(&mut prepared)?;
    let mut prepared = prepared.into_iter();
    let results: Vec<HostResult> = wrong
        .into_iter()
        .flat_map(|wrong| match wrong {
            Some(wrong) => vec![wrong],
            None => prepared
                .next()
                .map(|target| results(target, &options, &policy, args.at))
                .unwrap_or_default(),
        })
        .collect();
    Ok(plugin(&results, args.verbose))
}

fn prepare_one(target: Option<&Target>, options: &mut Options) -> Result<Prepared, Error> {
    if let Some(Target::Host(host)) = target {
        options.settings.push(("host".into(), host.clone()));
    }
    let text = match target {
        Some(Target::Text(text)) => Some(text.as_str()),
        Some(Target::Host(_)) | None => None,
    };
    let done = prepare(text, options)?;
    if options.depth != Depth::Handshake || !is_nobody(&done) {
        return Ok(done);
    }
    options.settings.push(("user".into(), "pgprobe".into()));
    prepare(text, options)
}

/// Whether libpq would stop because it knows no user name, as in a container whose user has no
/// passwd entry: a handshake needs none.
fn is_nobody(target: &Prepared) -> bool {
    let parameters = target.parameters.as_ref();
    target.plan.is_none() && parameters.is_some_and(|known| known.user().is_none())
}

/// What is left of the time for the network.
fn left(time: Duration, began: Instant) -> Duration {
    time.saturating_sub(MARGIN.min(time / 10))
        .saturating_sub(began.elapsed())
}

/// A target of the command line.
enum Target {
    /// What psql takes.
    Text(String),
    /// A host, whatever is in its name.
    Host(String),
}

impl Target {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Host(text) => text,
        }
    }
}

/// The targets; a single `None` if the environment decides.
fn targets(args: &CheckArgs) -> Result<Vec<Option<Target>>, Error> {
    let mut all = Vec::new();
    let settings = args.settings();
    let given = |keyword: &str| {
        let found = settings.iter().find(|(known, _)| known == keyword);
        found.map(|(_, value)| value.as_str())
    };
    if args.hostnames.len() > 1 && given("hostaddr").is_some() {
        let message = "--hostaddr is one address, and there are several -H".into();
        return Err(Error::Target { message });
    }
    for host in &args.hostnames {
        // An option of libpq goes before what a target says: another server would be checked.
        if let (Some(own), Some(port)) = (port_of(host), given("port"))
            && own != port
        {
            let message = format!("-H {host} and -p {port} name different ports");
            return Err(Error::Target { message });
        }
        all.push(Some(if host.starts_with(['/', '@']) {
            // A directory of sockets, which a target of libpq is only as `host=`.
            Target::Host(host.clone())
        } else if host.contains(['=', '/', '@', '?']) || host.contains(char::is_whitespace) {
            // It may hold a password, so it is not said again.
            let message = "-H takes host, host:port or [v6]:port; -u takes a whole target";
            return Err(Error::Target {
                message: message.into(),
            });
        } else {
            Target::Text(host.clone())
        }));
    }
    let texts = args.urls.iter().chain(&args.target);
    all.extend(texts.map(|text| Some(Target::Text(text.clone()))));
    Ok(if all.is_empty() { vec![None] } else { all })
}

/// The port of `host:port` or `[v6]:port`.
fn port_of(host: &str) -> Option<&str> {
    let (name, port) = host.rsplit_once(':')?;
    let one_name = name.ends_with(']') || !name.contains(':');
    let number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    (one_name && number).then_some(port)
}

fn results(
    mut target: Prepared,
    options: &Options,
    policy: &Policy,
    at: Option<i64>,
) -> Vec<HostResult> {
    let observation = &mut target.observation;
    let mut asked = Asked {
        trust: Trust::None,
        parameters: Vec::new(),
        notes: Vec::new(),
    };
    if let Some(parameters) = &target.parameters {
        asked = Asked {
            trust: trust_of(&observation.client, parameters),
            parameters: demands_of(parameters),
            notes: passed_over(&observation.client, parameters),
        };
        // Nothing else is judged by the system's store.
        if asked.trust == Trust::Anchors(Anchors::System) {
            system_store::gather(&mut observation.client, parameters, &observation.hosts);
        }
    }
    let now = at.unwrap_or(observation.observed_at);
    let report = assess(observation, options.emulates, now);
    judge(&report, policy, &asked)
}

/// Files that were given and that libpq does without when it cannot use them.
fn passed_over(client: &Client, parameters: &Parameters) -> Vec<String> {
    let mut notes = Vec::from_iter(revocation_not_checked(client, parameters));
    let given = parameters
        .origin("sslcert")
        .is_some_and(|it| it != Origin::Default);
    if let Some(path) = parameters.sslcert().filter(|_| given)
        && let FileFact::Absent { error, .. } = client.file(&path)
    {
        notes.push(format!(
            "libpq goes on without a client certificate: \"{path}\": {error}"
        ));
    }
    notes
}

/// What the target and the environment demand of the server beyond sslmode.
fn demands_of(parameters: &Parameters) -> Vec<(&'static str, String)> {
    let given = parameters
        .iter()
        .filter(|(_, _, origin)| *origin != Origin::Default);
    given
        .filter(|(keyword, value, _)| match *keyword {
            "channel_binding" | "gssencmode" | "sslcertmode" => *value == "require",
            "require_auth" | "sslcert" => !value.is_empty(),
            "target_session_attrs" => !matches!(*value, "" | "any"),
            _ => false,
        })
        .map(|(keyword, value, _)| (keyword, value.to_owned()))
        .collect()
}

/// The anchors that were given or found.
fn trust_of(client: &Client, parameters: &Parameters) -> Trust {
    let origin = parameters.origin("sslrootcert");
    if origin == Some(Origin::Option) && parameters.value("sslrootcert") == Some("mozilla") {
        return Trust::Anchors(Anchors::Mozilla);
    }
    match trust_source(client, parameters, SslMode::VerifyFull) {
        Ok(TrustSource::File(_)) => Trust::Anchors(Anchors::RootFile),
        Ok(TrustSource::System { .. }) => Trust::Anchors(Anchors::System),
        Ok(TrustSource::Unverified) => Trust::None,
        Err(error) => {
            let given = parameters
                .value("sslrootcert")
                .is_some_and(|file| !file.is_empty());
            if given && origin != Some(Origin::Default) {
                let message = error.message.lines().next().unwrap_or_default();
                Trust::Missing(message.to_owned())
            } else {
                Trust::None
            }
        }
    }
}
