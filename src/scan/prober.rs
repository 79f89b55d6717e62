//! One target of a scan, from its place in the list to its evidence and its report, whatever happens.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::pace::{Gate, Rate, Turns, chance};
use super::source::Exclusions;
use super::stop::Stop;
use super::target::Target;
use crate::assess::{Judge, assess};
use crate::client::{Client, Given};
use crate::conninfo::Setting;
use crate::emulates::Emulates;
use crate::libpq::parameters::{Parameters, resolve};
use crate::net::Network;
use crate::observation::{
    Depth, Endpoint, Failure, HostObservation, OBSERVATION_VERSION, Observation, Step,
};
use crate::observe::plan::{Lookup, Plan};
use crate::observe::{observe, resolver_words};
use crate::report::{Report, ScanOutcome, ScanReport};

/// How long a target waits for descriptors or ports to come free before it is given up.
const LOCAL_PATIENCE: Duration = Duration::from_secs(120);

/// How many names are looked up at the same time: each takes a thread.
const LOOKUPS: usize = 64;

/// The waits before another try, at most.
const RETRY_WAIT: Duration = Duration::from_millis(500);

/// What a plan is made by; `None` where nothing is to be sent.
pub type MakePlan = Box<dyn Fn(&Parameters) -> Option<Plan> + Send + Sync>;

/// What is the same for all targets.
pub struct Prober {
    /// The client without a target: options and store, no environment, nobody's home.
    pub client: Arc<Client>,
    /// Its parameters.
    pub parameters: Parameters,
    /// Its anchors, loaded.
    pub judge: Judge,
    /// Who is emulated.
    pub emulates: Emulates,
    /// How much is asked.
    pub depth: Depth,
    /// Whether each address of a name is a target of its own.
    pub all_addresses: bool,
    /// The time for each target.
    pub timeout: Duration,
    /// How often a connection that failed in passing is tried again.
    pub retries: u32,
    /// Makes plans.
    pub plan: MakePlan,
    /// The time of day, in seconds since 1970.
    pub clock: fn() -> i64,
    /// The time at which validity is judged, if not then.
    pub at: Option<i64>,
    /// What is never probed, for names that resolve to it.
    pub exclusions: Exclusions,
    /// How many at once.
    pub gate: Gate,
    /// How many a second.
    pub rate: Rate,
    /// Which addresses are being asked.
    pub turns: Turns,
    /// How many names are being looked up.
    pub lookups: Semaphore,
    /// The wish to end.
    pub stop: Stop,
    /// How many are being asked.
    pub in_flight: AtomicUsize,
}

/// What is known of a target; the report follows from it.
pub struct Answered {
    observation: Observation,
    /// None where libpq refuses them.
    parameters: Option<Parameters>,
    scan: ScanReport,
}

/// The number of permits for [`Prober::lookups`].
pub fn lookups() -> Semaphore {
    Semaphore::new(LOOKUPS)
}

/// What was found of a name before anything was sent.
enum Found {
    /// These addresses, after so long.
    Addresses(Vec<SocketAddr>, f64),
    /// There was nothing to look up.
    Given,
    /// None.
    Failed(Failure, f64),
    /// Only excluded ones.
    Excluded,
}

impl Prober {
    /// Probes a target; what is known of it goes to `emit` at once. There is nothing of a target that
    /// was not begun when the scan was to end.
    pub async fn probe<N: Network>(
        &self,
        target: Target,
        network: &N,
        emit: &mut impl AsyncFnMut(Box<Answered>),
    ) {
        let named = target.hostaddr.is_none() && target.host.parse::<IpAddr>().is_err();
        if self.all_addresses && named {
            return Box::pin(self.probe_addresses(target, network, emit)).await;
        }
        if let Some(answered) = self.probe_one(&target, network, None).await {
            emit(answered).await;
        }
    }

    async fn probe_addresses<N: Network>(
        &self,
        target: Target,
        network: &N,
        emit: &mut impl AsyncFnMut(Box<Answered>),
    ) {
        match self
            .look_up(&Lookup::Name(target.host.clone()), network)
            .await
        {
            Found::Addresses(addresses, _) => {
                for address in addresses {
                    let target = Target {
                        hostaddr: Some(address.ip()),
                        ..target.clone()
                    };
                    if let Some(answered) = self.probe_one(&target, network, None).await {
                        emit(answered).await;
                    }
                }
            }
            found => {
                if let Some(answered) = self.probe_one(&target, network, Some(found)).await {
                    emit(answered).await;
                }
            }
        }
    }

    async fn probe_one<N: Network>(
        &self,
        target: &Target,
        network: &N,
        found: Option<Found>,
    ) -> Option<Box<Answered>> {
        let client = self.client_of(target);
        let mut observation = Observation {
            observation: OBSERVATION_VERSION,
            observed_at: (self.clock)(),
            client,
            emulates: self.emulates,
            depth: self.depth,
            protocol_version: 0,
            startup_parameters: Vec::new(),
            deadline_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
            hosts: Vec::new(),
        };
        let mut scan = ScanReport {
            target: target.key(),
            outcome: ScanOutcome::Probed,
            tries: 0,
            ms: 0.0,
            file: target.place.file.as_deref().map(str::to_owned),
            line: target.place.line,
            tag: target.place.tag.clone(),
            of_network: target.of_network,
            ignored: target.place.ignored.clone(),
            fields: target.place.fields.clone(),
        };
        let Some(parameters) = self.parameters_of(&observation.client) else {
            return Some(Box::new(Answered {
                observation,
                parameters: None,
                scan,
            }));
        };
        if let Some(mut plan) = (self.plan)(&parameters) {
            observation.protocol_version = plan.protocol_version;
            observation.startup_parameters = plan.startup_parameters.clone();
            self.ask(&mut plan, network, found, &mut observation, &mut scan)
                .await?;
        }
        Some(Box::new(Answered {
            observation,
            parameters: Some(parameters),
            scan,
        }))
    }

    /// The report; a fault of ours costs this target its evidence, and no other anything.
    pub fn judge(&self, answered: &Answered) -> Box<Report> {
        let observation = &answered.observation;
        let mut scan = answered.scan.clone();
        let Some(parameters) = &answered.parameters else {
            let report = assess(observation, self.emulates, observation.observed_at);
            return Box::new(Report {
                scan: Some(scan),
                ..report
            });
        };
        let now = self.at.unwrap_or(observation.observed_at);
        let judged = catch_unwind(AssertUnwindSafe(|| {
            self.judge.report(observation, parameters, now)
        }));
        let mut report = Box::new(judged.unwrap_or_else(|_| {
            scan.outcome = ScanOutcome::InternalError;
            let nothing = Observation {
                hosts: Vec::new(),
                ..observation.clone()
            };
            self.judge.report(&nothing, parameters, now)
        }));
        report.scan = Some(scan);
        report
    }

    /// Asks until there is an answer that counts; `None` if the scan is to end before.
    async fn ask<N: Network>(
        &self,
        plan: &mut Plan,
        network: &N,
        mut found: Option<Found>,
        observation: &mut Observation,
        scan: &mut ScanReport,
    ) -> Option<()> {
        let mut used = Duration::ZERO;
        let mut short_of_something: Option<Instant> = None;
        loop {
            let Some(host) = plan.hosts.first() else {
                return Some(());
            };
            let looked = match found.take() {
                Some(found) => found,
                None => self.look_up(&host.lookup, network).await,
            };
            let (addresses, ms) = match looked {
                Found::Excluded => {
                    scan.outcome = ScanOutcome::Excluded;
                    return Some(());
                }
                Found::Failed(failure, ms) => {
                    scan.tries += 1;
                    scan.ms += ms;
                    used += Duration::from_secs_f64(ms / 1e3);
                    if self.may_try_again(&failure, scan, used) {
                        sleep(RETRY_WAIT.mul_f64(chance())).await;
                        continue;
                    }
                    observation.hosts = vec![HostObservation {
                        index: host.index,
                        host: host.host.clone(),
                        hostaddr: host.hostaddr.clone(),
                        port: host.port,
                        resolve: Step::Failed { failure, ms },
                        addresses: Vec::new(),
                    }];
                    return Some(());
                }
                Found::Given => (Vec::new(), 0.0),
                Found::Addresses(addresses, ms) => (addresses, ms),
            };
            let all: Vec<IpAddr> = match &host.lookup {
                Lookup::Address(address) => vec![*address],
                _ => addresses.iter().map(SocketAddr::ip).collect(),
            };
            let seen = {
                let waiting = async {
                    let turns = self.turns.take(all).await;
                    let permit = self.gate.permit().await;
                    self.rate.turn().await;
                    (turns, permit)
                };
                let _held = tokio::select! {
                    biased;
                    () = self.stop.stopped() => return None,
                    held = waiting => held,
                };
                let _asking = Asking::begin(&self.in_flight);
                used += Duration::from_secs_f64(ms / 1e3);
                plan.deadline = self.timeout.saturating_sub(used);
                observation.observed_at = (self.clock)();
                let began = Instant::now();
                let seen = observe(plan, &Resolved { network, addresses }).await;
                used += began.elapsed();
                scan.ms += began.elapsed().as_secs_f64() * 1e3 + ms;
                seen
            };
            scan.ms = (scan.ms * 1e3).round() / 1e3;
            let local = seen.iter().any(fails_locally);
            if local {
                self.gate.slow_down();
                let since = *short_of_something.get_or_insert_with(Instant::now);
                if since.elapsed() < LOCAL_PATIENCE {
                    // The time of a target is for its server.
                    used = Duration::ZERO;
                    sleep(RETRY_WAIT.mul_f64(0.2 + chance())).await;
                    continue;
                }
                scan.outcome = ScanOutcome::LocalError;
            } else {
                self.gate.went_well();
            }
            scan.tries += 1;
            let transient = transient_failure(&seen).cloned();
            if let Some(failure) = transient
                && self.may_try_again(&failure, scan, used)
            {
                sleep(RETRY_WAIT.mul_f64(chance())).await;
                continue;
            }
            observation.hosts = seen;
            if let Some(Step::Observed { ms: shown, .. }) =
                observation.hosts.first_mut().map(|host| &mut host.resolve)
            {
                *shown = ms;
            }
            return Some(());
        }
    }

    fn may_try_again(&self, failure: &Failure, scan: &ScanReport, used: Duration) -> bool {
        is_transient(failure) && scan.tries <= self.retries && used + RETRY_WAIT < self.timeout
    }

    /// The addresses of a name, less the excluded ones.
    async fn look_up<N: Network>(&self, lookup: &Lookup, network: &N) -> Found {
        let excluded = |address: IpAddr| self.exclusions.addresses.has(address);
        let name = match lookup {
            Lookup::Address(address) if excluded(*address) => return Found::Excluded,
            Lookup::Name(name) => name,
            Lookup::Address(_) | Lookup::Socket(_) | Lookup::Impossible(_) => return Found::Given,
        };
        let _permit = self.lookups.acquire().await;
        let began = Instant::now();
        let resolved = timeout(self.timeout, network.resolve(name)).await;
        let ms = (began.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        match resolved {
            Err(_) => Found::Failed(Failure::Deadline, ms),
            Ok(Err(error)) => Found::Failed(Failure::Unresolved(resolver_words(&error)), ms),
            Ok(Ok(mut addresses)) => {
                let some = !addresses.is_empty();
                addresses.retain(|address| !excluded(address.ip()));
                if some && addresses.is_empty() {
                    return Found::Excluded;
                }
                Found::Addresses(addresses, ms)
            }
        }
    }

    /// The parameters of a client that [`Self::client_of`] made, if libpq takes them.
    fn parameters_of(&self, client: &Client) -> Option<Parameters> {
        let libpq = self.emulates.libpq;
        let quick = match client.given.get(&libpq) {
            Some(Given::Settings(settings)) => self.parameters.with_target(settings),
            _ => None,
        };
        quick.or_else(|| resolve(client, libpq).ok())
    }

    /// The client with this target: host, hostaddr, port, dbname and user, nothing else.
    fn client_of(&self, target: &Target) -> Client {
        let setting = |keyword: &str, value: String| Setting {
            keyword: keyword.to_owned(),
            value,
            secret: false,
        };
        let mut settings = vec![
            setting("host", target.host.clone()),
            setting("port", target.port.to_string()),
        ];
        settings.extend(
            target
                .hostaddr
                .map(|address| setting("hostaddr", address.to_string())),
        );
        settings.extend(target.dbname.clone().map(|name| setting("dbname", name)));
        settings.extend(target.user.clone().map(|name| setting("user", name)));
        Client {
            input: target.key(),
            given: BTreeMap::from([(self.emulates.libpq, Given::Settings(settings))]),
            options: self.client.options.clone(),
            environment: self.client.environment.clone(),
            os_user: self.client.os_user.clone(),
            home_of_user: None,
            effective_uid: self.client.effective_uid,
            files: BTreeMap::new(),
            private_keys: BTreeMap::new(),
            expected: None,
            shared: Some(Arc::clone(&self.client)),
        }
    }
}

/// Counts one that is being asked, also where it is left.
struct Asking<'a>(&'a AtomicUsize);

impl<'a> Asking<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether something of this machine ran out before a connection came about.
fn fails_locally(host: &HostObservation) -> bool {
    let local = |step: &Step<()>| matches!(step.failure(), Some(Failure::Local(_)));
    host.addresses.iter().any(|address| {
        local(&address.connect)
            || address
                .connections
                .iter()
                .any(|connection| local(&connection.connect))
    })
}

/// Why no address connected, where that may pass.
fn transient_failure(hosts: &[HostObservation]) -> Option<&Failure> {
    let mut addresses = hosts.iter().flat_map(|host| &host.addresses).peekable();
    addresses.peek()?;
    let mut last = None;
    for address in addresses {
        last = Some(
            address
                .connect
                .failure()
                .filter(|failure| is_transient(failure))?,
        );
    }
    last
}

/// Whether a failure to connect may pass: not a refusal, and not a deadline, which is all used up.
fn is_transient(failure: &Failure) -> bool {
    match failure {
        Failure::Reset | Failure::Unreachable(_) => true,
        // EAI_AGAIN.
        Failure::Unresolved(words) => words.starts_with("Temporary failure"),
        _ => false,
    }
}

/// A network on which a name has these addresses.
struct Resolved<'a, N> {
    network: &'a N,
    addresses: Vec<SocketAddr>,
}

impl<N: Network> Network for Resolved<'_, N> {
    type Stream = N::Stream;

    async fn resolve(&self, _: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(self.addresses.clone())
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<N::Stream> {
        self.network.connect(endpoint).await
    }
}

/// Shared by the threads of a scan.
pub type SharedProber = Arc<Prober>;
