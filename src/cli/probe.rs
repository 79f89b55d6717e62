//! The probe: from a target to its report.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::args::ProbeArgs;
use super::error::Error;
use super::{block_on, ciphers, expect, gather, now, output, system_store, textfile};
use crate::assess::assess;
use crate::client::{Client, ExpectedFile};
use crate::emulates::Emulates;
use crate::libpq::client_certificate::{ClientCertificate, client_certificate};
use crate::libpq::host_name::inet_aton;
use crate::libpq::parameters::{
    HostKind, HostSpec, ParameterError, Parameters, SslMode, SslNegotiation, resolve,
};
use crate::libpq::verdict::version_range;
use crate::net::SystemNetwork;
use crate::observation::{Depth, OBSERVATION_VERSION, Observation, Purpose};
use crate::observe::plan::{EnumeratePlan, HostPlan, Lookup, Plan, TlsPlan};
use crate::observe::{join_all, observe};
use crate::private_key::{self, ClientKey};
use crate::render::openmetrics::Exposition;
use crate::wire::tls::openssl;

/// How many targets of one command line are asked at the same time.
const SIDE_BY_SIDE: usize = 32;

/// The time for a target unless `--timeout` says otherwise.
const DEADLINE: Duration = Duration::from_secs(10);

/// What stays the same for all targets of a run.
pub(super) struct Options {
    pub(super) settings: Vec<(String, String)>,
    pub(super) emulates: Emulates,
    pub(super) depth: Depth,
    pub(super) all_addresses: bool,
    pub(super) compare_sni: bool,
    pub(super) timeout: Duration,
    pub(super) enumerate: Option<EnumeratePlan>,
    pub(super) expected: Option<ExpectedFile>,
}

pub(super) fn run(args: &ProbeArgs) -> Result<u8, Error> {
    run_showing(args, output::Shown::new(&args.judge)?)
}

/// Probes the targets and shows each report by `shown`.
pub(super) fn run_showing(args: &ProbeArgs, mut shown: output::Shown<'_>) -> Result<u8, Error> {
    if args.save_chain.is_some() && args.targets.len() > 1 {
        return Err(Error::Options {
            why: "--save-chain takes one target",
            hint: "run it once for each target, with a file of its own",
        });
    }
    let options = Options {
        settings: args.libpq.settings(),
        emulates: args.judge.emulates(Emulates::default()),
        depth: args.depth.into(),
        all_addresses: args.all_addresses,
        timeout: args.timeout.unwrap_or(DEADLINE),
        enumerate: ciphers::plan(args),
        compare_sni: args.compare_sni,
        expected: args.expect_cert.as_deref().map(expect::read).transpose()?,
    };
    let targets: Vec<Option<&str>> = if args.targets.is_empty() {
        vec![None]
    } else {
        args.targets
            .iter()
            .map(|target| Some(target.as_str()))
            .collect()
    };
    // All targets are read before the first is asked, so that a wrong one costs nothing.
    let prepared = targets
        .into_iter()
        .map(|target| prepare(target, &options))
        .collect::<Result<Vec<_>, _>>()?;
    ciphers::announce(args);
    let mut code = 0;
    let mut saved = Vec::new();
    let mut reports = Vec::new();
    for Prepared {
        observation, time, ..
    } in observe_all(prepared)?
    {
        let took = output::Took {
            time,
            timeout: options.timeout,
        };
        let mut report = assess(
            &observation,
            options.emulates,
            args.judge.at.unwrap_or(observation.observed_at),
        );
        if args.compare_sni {
            report.notes.extend(nothing_to_compare(&observation));
        }
        code = code.max(shown.exit_code(&report));
        if args.save_observation.is_some() {
            serde_json::to_writer(&mut saved, &observation)
                .map_err(|error| Error::Output(error.into()))?;
            saved.push(b'\n');
        }
        if let Some(path) = &args.save_chain {
            let ders = report
                .certificates
                .iter()
                .map(|certificate| certificate.der.as_str());
            write(path, ders.map(pem).collect::<String>().as_bytes())?;
        }
        if args.textfile.is_some() {
            reports.push((report.clone(), took));
        }
        shown.add_timed(report, took)?;
    }
    code = code.max(shown.finish()?);
    if let Some(path) = &args.textfile {
        let timed = reports.iter().map(|(report, took)| (report, Some(*took)));
        textfile::write(path, &output::metrics(timed, Exposition::Prometheus))?;
    }
    if let Some(path) = &args.save_observation {
        write(path, &saved)?;
    }
    Ok(code)
}

/// Why `--compare-sni` has compared nothing, where that is so.
fn nothing_to_compare(observation: &Observation) -> Option<String> {
    let addresses = observation.hosts.iter().flat_map(|host| &host.addresses);
    let mut named = None;
    for connection in addresses.flat_map(|address| &address.connections) {
        if connection.purpose == Purpose::WithoutServerName {
            return None;
        }
        let offer = connection.offer.as_ref();
        named = named.max(offer.map(|offer| offer.sni_wanted.is_some()));
    }
    let why = match named {
        Some(false) => {
            "libpq sends no server name here (an address, or sslsni=0), so every handshake is \
             without"
        }
        _ => "no TLS handshake with a server name took place",
    };
    Some(format!("--compare-sni had nothing to compare: {why}"))
}

fn write(path: &str, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|error| Error::Write {
        path: crate::conninfo::redact(path),
        error,
    })
}

/// RFC 7468: lines of 64 characters.
fn pem(der: &str) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = der;
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text + "-----END CERTIFICATE-----\n"
}

/// A target that is ready to be asked.
pub(super) struct Prepared {
    pub(super) observation: Observation,
    pub(super) parameters: Option<Parameters>,
    pub(super) plan: Option<Plan>,
    /// How long asking it took.
    pub(super) time: Duration,
}

/// Probes one target.
pub(super) fn probe(target: Option<&str>, options: &Options) -> Result<Observation, Error> {
    let prepared = prepare(target, options)?;
    let asked = observe_all(vec![prepared])?.pop();
    asked.map(|asked| asked.observation).ok_or(Error::NoTarget)
}

/// Asks all of them side by side, and gathers what the chains need of the system's store.
fn observe_all(mut prepared: Vec<Prepared>) -> Result<Vec<Prepared>, Error> {
    for some in prepared.chunks_mut(SIDE_BY_SIDE) {
        ask(some)?;
        for target in some {
            let seen = &target.observation.hosts;
            if let Some(parameters) = target.parameters.as_ref().filter(|_| !seen.is_empty()) {
                system_store::gather(&mut target.observation.client, parameters, seen);
            }
        }
    }
    Ok(prepared)
}

/// Asks all of them at the same time.
pub(super) fn ask(prepared: &mut [Prepared]) -> Result<(), Error> {
    let plans: Vec<_> = prepared.iter().map(|target| target.plan.clone()).collect();
    let asking = plans.iter().map(|plan| async move {
        let began = Instant::now();
        let hosts = match plan {
            Some(plan) => observe(plan, &SystemNetwork).await,
            None => Vec::new(),
        };
        (hosts, began.elapsed())
    });
    let seen = block_on(join_all(asking))?;
    for (target, (hosts, time)) in prepared.iter_mut().zip(seen) {
        target.observation.hosts = hosts;
        target.time = time;
    }
    Ok(())
}

/// Gathers the client's side and decides what to ask.
pub(super) fn prepare(target: Option<&str>, options: &Options) -> Result<Prepared, Error> {
    let openssl = options.emulates.openssl;
    let keys = std::cell::RefCell::new(None);
    let load_key = |key: &[u8], password: Option<&[u8]>, certificate: &[u8]| {
        let loaded = private_key::load(key, password, certificate, openssl)?;
        keys.replace(Some(loaded));
        Ok(())
    };
    let libpq = options.emulates.libpq;
    let mut client = gather::gather(target, &options.settings, libpq, &load_key);
    client.expected.clone_from(&options.expected);
    let parameters = match resolve(&client, libpq) {
        Ok(parameters) => Some(parameters),
        Err(ParameterError::Libpq(_)) => None,
        Err(ParameterError::Target(error)) => {
            return Err(Error::Target {
                message: error.message,
            });
        }
        Err(ParameterError::Unsupported(message)) => return Err(Error::Target { message }),
    };
    if target.is_none()
        && parameters
            .as_ref()
            .is_some_and(|known| !names_a_server(known))
    {
        return Err(Error::NoTarget);
    }
    let plan = parameters.as_ref().and_then(|parameters| {
        let usable = client_certificate(&client, parameters) == Ok(ClientCertificate::Usable);
        let key = keys.take().filter(|_| usable);
        let key = key.map(|key| {
            key.with_issuers(|leaf| crate::assess::issuers_of(leaf, &client, parameters, openssl))
        });
        plan(parameters, options, key.as_ref())
    });
    Ok(Prepared {
        observation: observation(client, plan.as_ref(), options),
        parameters,
        plan,
        time: Duration::ZERO,
    })
}

/// An observation in which nothing is seen yet.
pub(super) fn observation(client: Client, plan: Option<&Plan>, options: &Options) -> Observation {
    Observation {
        observation: OBSERVATION_VERSION,
        observed_at: now(),
        client,
        emulates: options.emulates,
        depth: options.depth,
        protocol_version: plan.map_or(0, |plan| plan.protocol_version),
        startup_parameters: plan
            .map(|plan| plan.startup_parameters.clone())
            .unwrap_or_default(),
        deadline_ms: u64::try_from(options.timeout.as_millis()).unwrap_or(u64::MAX),
        hosts: Vec::new(),
    }
}

/// Whether something other than a default names the server.
fn names_a_server(parameters: &Parameters) -> bool {
    ["host", "hostaddr", "service"].iter().any(|keyword| {
        parameters
            .value(keyword)
            .is_some_and(|value| !value.is_empty())
    })
}

/// What to ask; `None` where libpq would send nothing in any mode.
pub(super) fn plan(
    parameters: &Parameters,
    options: &Options,
    key: Option<&ClientKey>,
) -> Option<Plan> {
    let valid = |mode: &SslMode| parameters.validate(*mode).is_ok();
    if parameters.connect_timeout().is_err() || !SslMode::ALL.iter().any(valid) {
        return None;
    }
    let library = options.emulates.openssl;
    let (low, high) = version_range(parameters);
    let tls = (low <= high).then(|| TlsPlan {
        min_version: low,
        max_version: high,
        groups: openssl::groups(library, high).to_vec(),
        signature_schemes: openssl::signature_schemes(library, low).to_vec(),
        alpn: parameters.offers_alpn().then(|| "postgresql".to_owned()),
        openssl: library,
        curious: false,
        client_key: key.and_then(ClientKey::client_certificate),
    });
    let hosts = parameters.hosts().iter();
    Some(Plan {
        depth: options.depth,
        hosts: hosts
            .filter_map(|host| host_plan(host, parameters))
            .collect(),
        all_addresses: options.all_addresses,
        compare_sni: options.compare_sni,
        tls,
        direct: parameters.sslnegotiation() == SslNegotiation::Direct,
        protocol_version: parameters.max_protocol_version().code(),
        startup_parameters: parameters.startup_parameters(),
        connect_timeout: parameters
            .connect_timeout()
            .ok()
            .flatten()
            .map(|seconds| Duration::from_secs(seconds.into())),
        deadline: options.timeout,
        enumerate: options.enumerate,
    })
}

/// How to reach a host; `None` where libpq stops at its port.
fn host_plan(host: &HostSpec, parameters: &Parameters) -> Option<HostPlan> {
    let port = host.port().ok()?;
    let lookup = match host.kind() {
        HostKind::UnixSocket(directory) => match HostSpec::socket_path(directory, port) {
            Ok(path) => Lookup::Socket(path),
            Err(error) => Lookup::Impossible(error.message),
        },
        HostKind::Address(text) => match numeric(text) {
            Some(address) => Lookup::Address(address),
            // An address with a zone is for the resolver.
            None if text.contains('%') => Lookup::Name(text.to_owned()),
            None => Lookup::Impossible("Name or service not known".into()),
        },
        HostKind::Name(name) => match numeric(name) {
            Some(address) => Lookup::Address(address),
            None => Lookup::Name(name.to_owned()),
        },
    };
    Some(HostPlan {
        index: host.index,
        host: host.host.clone(),
        hostaddr: host.hostaddr.clone(),
        lookup,
        port,
        server_name: parameters.sni(host).map(str::to_owned),
    })
}

/// getaddrinfo(3) with AI_NUMERICHOST: as inet_aton(3), but nothing may follow.
fn numeric(text: &str) -> Option<IpAddr> {
    let v4 = || inet_aton(text).filter(|_| !text.contains(|c: char| c.is_ascii_whitespace()));
    text.parse().ok().or_else(|| v4().map(IpAddr::V4))
}
