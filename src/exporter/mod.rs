//! The HTTP front end for Prometheus: modules, the allow list, and what is answered to a scrape.
//!
//! How a target is probed, the clock and the files are the [`Backend`]'s; nothing here knows them.

pub mod allow;
pub mod config;
mod http;
pub mod lookups;
pub mod metrics;
pub mod target;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::report::Report;
use allow::Allow;
use config::{Config, Module};
use metrics::Counters;
use target::Target;

pub use http::serve;

/// What the exporter needs of the world.
pub trait Backend: 'static {
    /// Probes a target as a module says; never beyond the networks of `fence`.
    fn probe(&self, question: Question) -> impl Future<Output = Result<Report, Failure>>;

    /// What the process is at the moment.
    fn process(&self) -> Process;
}

/// One probe.
#[derive(Clone, Debug)]
pub struct Question {
    /// The module's name.
    pub name: String,
    /// The module.
    pub module: Rc<Module>,
    /// Where to.
    pub target: Target,
    /// The time that is left for it.
    pub timeout: Duration,
    /// The networks that its addresses must lie in, if any.
    pub fence: Option<Allow>,
}

/// Why there is no report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The target's name leads to an address outside of the networks.
    Outside(IpAddr),
    /// The module cannot be used; why.
    Unusable(String),
}

/// The process, as far as metrics tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// When it started, in seconds since 1970.
    pub start_time: i64,
    /// Its resident memory, if known.
    pub resident_bytes: Option<u64>,
}

/// A running exporter.
pub struct Exporter<B> {
    config: Config,
    modules: BTreeMap<String, Rc<Module>>,
    backend: Rc<B>,
    turns: Arc<Semaphore>,
    counters: Rc<Counters>,
    waiting: Cell<u32>,
}

impl<B: Backend> Exporter<B> {
    /// An exporter that does not listen yet.
    pub fn new(config: Config, backend: B) -> Self {
        let turns = Semaphore::new(config.max_probes.0.into());
        let modules = config.modules.iter();
        let modules = modules.map(|(name, module)| (name.clone(), Rc::new(module.clone())));
        Self {
            modules: modules.collect(),
            counters: Rc::new(Counters::new(config.modules.keys())),
            config,
            backend: Rc::new(backend),
            turns: Arc::new(turns),
            waiting: Cell::new(0),
        }
    }
}
