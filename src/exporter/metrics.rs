//! What the exporter tells of itself at `/metrics`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Write};

use super::Process;
use crate::render::openmetrics::{self, Exposition, Family, Kind, Series};

/// The metrics, in the order in which they are written.
pub const METRICS: [Family<'static>; 10] = [
    Family {
        name: "pgprobe_build_info",
        kind: Kind::Gauge,
        help: "The version of pgprobe.",
        labels: &["version"],
    },
    Family {
        name: "pgprobe_exporter_probes_total",
        kind: Kind::Counter,
        help: "How many probes were made.",
        labels: &["module"],
    },
    Family {
        name: "pgprobe_exporter_probes_without_success_total",
        kind: Kind::Counter,
        help: "How many of them had probe_success 0.",
        labels: &["module"],
    },
    Family {
        name: "pgprobe_exporter_refused_requests_total",
        kind: Kind::Counter,
        help: "How many requests were refused: bad ones, those that the allow list forbids, and \
               those for which there was no turn or no room.",
        labels: &["reason"],
    },
    Family {
        name: "pgprobe_exporter_probes_in_flight",
        kind: Kind::Gauge,
        help: "How many probes run now.",
        labels: &[],
    },
    Family {
        name: "pgprobe_exporter_probes_waiting",
        kind: Kind::Gauge,
        help: "How many requests wait for a turn now.",
        labels: &[],
    },
    Family {
        name: "pgprobe_exporter_probes_limit",
        kind: Kind::Gauge,
        help: "How many probes may run at the same time: max_probes.",
        labels: &[],
    },
    Family {
        name: "pgprobe_exporter_modules",
        kind: Kind::Gauge,
        help: "How many modules are configured.",
        labels: &[],
    },
    Family {
        name: "process_start_time_seconds",
        kind: Kind::Gauge,
        help: "When the process started, in seconds since 1970.",
        labels: &[],
    },
    Family {
        name: "process_resident_memory_bytes",
        kind: Kind::Gauge,
        help: "Resident memory of the process.",
        labels: &[],
    },
];

/// Why a request was refused.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Refusal {
    /// It is none that the exporter knows.
    BadRequest,
    /// The allow list.
    NotAllowed,
    /// No turn came in time.
    Busy,
    /// There were too many connections.
    Connections,
}

impl Refusal {
    const ALL: [Self; 4] = [
        Self::BadRequest,
        Self::NotAllowed,
        Self::Busy,
        Self::Connections,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::NotAllowed => "not_allowed",
            Self::Busy => "busy",
            Self::Connections => "connections",
        }
    }
}

/// What is counted while the exporter runs.
#[derive(Debug, Default)]
pub struct Counters {
    probes: RefCell<BTreeMap<String, Probes>>,
    refused: RefCell<BTreeMap<Refusal, u64>>,
    in_flight: Cell<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Probes {
    made: u64,
    without_success: u64,
}

impl Counters {
    /// All at 0, so that a rate is right from the beginning.
    pub fn new<'a>(modules: impl Iterator<Item = &'a String>) -> Self {
        let probes = modules.map(|name| (name.clone(), Probes::default()));
        let refused = Refusal::ALL.into_iter().map(|reason| (reason, 0));
        Self {
            probes: RefCell::new(probes.collect()),
            refused: RefCell::new(refused.collect()),
            in_flight: Cell::new(0),
        }
    }

    /// Counts a probe as in flight for as long as the answer lives, even if it breaks off.
    pub(super) fn fly(&self) -> impl Drop + '_ {
        self.in_flight.set(self.in_flight.get() + 1);
        Flight(&self.in_flight)
    }

    pub(super) fn probed(&self, module: &str, success: bool) {
        if let Some(probes) = self.probes.borrow_mut().get_mut(module) {
            probes.made += 1;
            probes.without_success += u64::from(!success);
        }
    }

    pub(super) fn refused(&self, reason: Refusal) {
        *self.refused.borrow_mut().entry(reason).or_default() += 1;
    }

    /// Writes [`METRICS`].
    pub(super) fn write(
        &self,
        waiting: u32,
        limit: u16,
        process: Process,
        exposition: Exposition,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let probes = self.probes.borrow();
        for family in METRICS {
            let mut series = Series::default();
            let mut add = |label: Option<&str>, value: f64| series.add(label, value);
            match family.name {
                "pgprobe_build_info" => add(Some(env!("CARGO_PKG_VERSION")), 1.0),
                "pgprobe_exporter_probes_total" => {
                    for (module, probes) in probes.iter() {
                        add(Some(module), count(probes.made));
                    }
                }
                "pgprobe_exporter_probes_without_success_total" => {
                    for (module, probes) in probes.iter() {
                        add(Some(module), count(probes.without_success));
                    }
                }
                "pgprobe_exporter_refused_requests_total" => {
                    for (reason, number) in self.refused.borrow().iter() {
                        add(Some(reason.name()), count(*number));
                    }
                }
                "pgprobe_exporter_probes_in_flight" => add(None, self.in_flight.get().into()),
                "pgprobe_exporter_probes_waiting" => add(None, waiting.into()),
                "pgprobe_exporter_probes_limit" => add(None, limit.into()),
                "pgprobe_exporter_modules" => add(None, length(probes.len())),
                "process_start_time_seconds" => {
                    add(
                        None,
                        count(u64::try_from(process.start_time).unwrap_or_default()),
                    );
                }
                "process_resident_memory_bytes" => {
                    if let Some(bytes) = process.resident_bytes {
                        add(None, count(bytes));
                    }
                }
                _ => {}
            }
            family.write(&series, exposition, out)?;
        }
        openmetrics::end(exposition, out)
    }
}

struct Flight<'a>(&'a Cell<u32>);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// A count as a sample; beyond 2^53 it would be rounded, which no count here reaches.
fn count(number: u64) -> f64 {
    number.to_string().parse().unwrap_or_default()
}

fn length(number: usize) -> f64 {
    u32::try_from(number).unwrap_or(u32::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_written() {
        let counters = Counters::new(["a".to_owned()].iter());
        counters.probed("a", false);
        let process = Process {
            start_time: 7,
            resident_bytes: Some(9),
        };
        let mut text = Vec::new();
        counters
            .write(1, 2, process, Exposition::OpenMetrics, &mut text)
            .unwrap();
        let text = String::from_utf8(text).unwrap();
        for family in METRICS {
            assert!(
                text.contains(&format!("\n{}", family.name)),
                "{}",
                family.name
            );
        }
        assert!(
            text.contains("# TYPE pgprobe_exporter_probes counter\n"),
            "{text}"
        );
        assert!(text.contains("pgprobe_exporter_probes_without_success_total{module=\"a\"} 1\n"));
        assert!(text.ends_with("# EOF\n"));
    }
}
