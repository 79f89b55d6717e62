//! What a scan says on standard error: a bar on a terminal, else a line now and then; a summary.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::scan::runner::{Ended, Running};
use crate::scan::source::{Counts, Input, Selection, count};
use crate::scan::tally::{SOON, Tally};

/// How often the bar is looked at.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// Columns that the bar leaves free: there the terminal shows `^C`.
const MARGIN: usize = 3;

/// The width of a terminal that does not say.
const COLUMNS: u16 = 80;

/// Standard error during a scan.
#[derive(Clone)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    every: Duration,
    began: Instant,
    said: Arc<Mutex<Instant>>,
    total: Arc<OnceLock<u128>>,
    stopping: Arc<AtomicBool>,
}

impl Progress {
    /// `shares` says that records go to standard output. Where that is a terminal, too, no bar is
    /// drawn between them.
    pub(super) fn new(quiet: bool, every: Duration, shares: bool) -> Self {
        let terminal = io::stderr().is_terminal() && !(shares && io::stdout().is_terminal());
        let bar = (terminal && !quiet).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        Self {
            bar,
            quiet,
            every,
            began: now,
            said: Arc::new(Mutex::new(now)),
            total: Arc::default(),
            stopping: Arc::default(),
        }
    }

    /// No new target is taken any more: nothing is left to wait for but what is in flight.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Counts the targets beside, so that the time left can be told.
    pub(super) fn count(&self, inputs: Vec<Input>, selection: Arc<Selection>) {
        if self.quiet {
            return;
        }
        let total = Arc::clone(&self.total);
        std::thread::spawn(move || total.set(count(inputs, &selection)));
    }

    /// Says a line unless the user wants none.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            self.say_always(text);
        }
    }

    /// Says a line.
    pub(super) fn say_always(&self, text: &str) {
        let write = || {
            let _ = writeln!(io::stderr(), "{text}");
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Shows how far it is, if it is time to.
    pub(super) fn show(&self, running: &Running) {
        if self.quiet {
            return;
        }
        if self.bar.is_none() {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.elapsed() < self.every {
                return;
            }
            *said = Instant::now();
        }
        let tally = running.tally();
        let stopping = self.stopping.load(Ordering::Relaxed);
        let state = State {
            tally: &tally,
            counts: running.counts(),
            in_flight: running.in_flight(),
            total: self.total.get().copied().filter(|_| !stopping),
            elapsed: self.began.elapsed(),
            stopping,
        };
        match &self.bar {
            Some(bar) => {
                let width = terminal_size::terminal_size_of(io::stderr());
                let width = width.map_or(COLUMNS, |(width, _)| width.0);
                bar.set_message(line(&state, usize::from(width).saturating_sub(MARGIN)));
            }
            None => self.say(&line(&state, usize::MAX)),
        }
    }

    /// Takes the bar away and says the summary.
    pub(super) fn finish(&self, ended: &Ended) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if !self.quiet {
            let text = summary(&ended.tally, ended.counts, self.began.elapsed());
            let _ = io::stderr().write_all(text.as_bytes());
        }
    }
}

/// How far a scan is.
struct State<'a> {
    tally: &'a Tally,
    counts: Counts,
    in_flight: usize,
    total: Option<u128>,
    elapsed: Duration,
    stopping: bool,
}

/// Done, time left, rate, in flight, what they ended in: as much of it as there is room for, the
/// most wanted first.
fn line(state: &State<'_>, width: usize) -> String {
    let tally = state.tally;
    let rate = rate(tally.records, state.elapsed);
    let counts = state.counts;
    let left_out =
        counts.excluded + u128::from(counts.duplicates + counts.of_other_shards + counts.done);
    let total = state.total.map(|total| total.saturating_sub(left_out));
    let mut done = grouped(tally.records.into());
    if let Some(total) = total {
        done += &format!(" of {}", grouped(total));
    }
    done += " done";
    let left = total.filter(|_| rate > 0.0).and_then(|total| {
        let left = u32::try_from(total.saturating_sub(tally.records.into())).ok()?;
        Some(format!("; {} left", span(f64::from(left) / rate)))
    });
    let end = if state.stopping {
        "; stopping".to_owned()
    } else {
        left.unwrap_or_default()
    };
    let mut statuses: Vec<_> = tally.statuses.iter().collect();
    statuses.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let statuses = statuses
        .into_iter()
        .map(|(status, count)| format!(", {status} {}", grouped((*count).into())));
    let parts = [
        format!(", {rate:.0}/s"),
        format!(", {} in flight", state.in_flight),
    ];
    let mut line = done;
    // All is ASCII. The rest is no use without what comes before it.
    for part in parts.into_iter().chain(statuses) {
        if line.len() + part.len() + end.len() > width {
            break;
        }
        line += &part;
    }
    if line.len() + end.len() <= width {
        line += &end;
    }
    line.truncate(width);
    line
}

/// What became of the targets.
fn summary(tally: &Tally, counts: Counts, elapsed: Duration) -> String {
    let list = |pairs: Vec<(&str, u64)>| {
        let shown = pairs.into_iter().filter(|(_, count)| *count > 0);
        let shown = shown.map(|(word, count)| format!("{word} {}", grouped(count.into())));
        shown.collect::<Vec<_>>().join(", ")
    };
    let mut statuses: Vec<_> = tally
        .statuses
        .iter()
        .map(|(word, count)| (*word, *count))
        .collect();
    statuses.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let versions = tally
        .versions
        .iter()
        .map(|(word, count)| (word.as_str(), *count));
    let excluded = u64::try_from(counts.excluded).unwrap_or(u64::MAX);
    let rows = [
        ("status", list(statuses)),
        ("TLS", list(versions.rev().collect())),
        (
            "certificates",
            list(vec![
                ("expired", tally.expired),
                (&format!("expire within {SOON} days:"), tally.expiring),
            ]),
        ),
        (
            "verify-full",
            list(vec![("TLS accepted from", tally.verify_full)]),
        ),
        (
            "left out",
            list(vec![
                ("double", counts.duplicates),
                ("excluded", excluded),
                ("of other shards", counts.of_other_shards),
                ("done already", counts.done),
                ("lines that are no targets", counts.bad),
            ]),
        ),
    ];
    let mut text = format!(
        "{} targets in {}, {:.0}/s\n",
        grouped(tally.records.into()),
        span(elapsed.as_secs_f64()),
        rate(tally.records, elapsed)
    );
    for (name, row) in rows {
        if !row.is_empty() {
            text += &format!("  {name:<13}{row}\n");
        }
    }
    text
}

fn rate(records: u64, elapsed: Duration) -> f64 {
    let records = u32::try_from(records).map_or(f64::from(u32::MAX), f64::from);
    records / elapsed.as_secs_f64().max(0.001)
}

/// A span of time in words.
fn span(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds).map_or(u64::MAX, |span| span.as_secs());
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..100 => format!("{whole} s"),
        100..7200 => format!("{} min", whole / 60),
        7200..172_800 => format!("{} h", whole / 3600),
        _ => format!("{} days", whole / 86_400),
    }
}

/// A number with commas.
pub(super) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    fn tally() -> Tally {
        Tally {
            records: 1500,
            statuses: [("tls", 1000), ("timeout", 500)].into(),
            versions: [("TLSv1.2".to_owned(), 1), ("TLSv1.3".to_owned(), 999)].into(),
            expiring: 3,
            ..Tally::default()
        }
    }

    #[test]
    fn the_line_says_done_rate_in_flight_errors_and_time_left_as_far_as_there_is_room() {
        let counts = Counts {
            duplicates: 500,
            ..Counts::default()
        };
        let tally = tally();
        let state = State {
            tally: &tally,
            counts,
            in_flight: 20,
            total: Some(5000),
            elapsed: Duration::from_secs(15),
            stopping: false,
        };
        let whole = "1,500 of 4,500 done, 100/s, 20 in flight, tls 1,000, timeout 500; 30 s left";
        for (width, text) in [
            (usize::MAX, whole),
            (whole.len(), whole),
            (
                whole.len() - 1,
                "1,500 of 4,500 done, 100/s, 20 in flight, tls 1,000; 30 s left",
            ),
            (40, "1,500 of 4,500 done, 100/s; 30 s left"),
            (31, "1,500 of 4,500 done; 30 s left"),
            (25, "1,500 of 4,500 done"),
            (9, "1,500 of "),
            (0, ""),
        ] {
            assert_eq!(line(&state, width), text);
        }
        let state = State {
            total: None,
            stopping: true,
            ..state
        };
        assert_eq!(
            line(&state, 50),
            "1,500 done, 100/s, 20 in flight; stopping"
        );
    }

    #[test]
    fn the_summary_leaves_out_what_is_nothing() {
        let counts = Counts {
            bad: 2,
            ..Counts::default()
        };
        let text = summary(&tally(), counts, Duration::from_secs(150));
        let expected = "1,500 targets in 2 min, 10/s\n\
            \x20 status       tls 1,000, timeout 500\n\
            \x20 TLS          TLSv1.3 999, TLSv1.2 1\n\
            \x20 certificates expire within 30 days: 3\n\
            \x20 left out     lines that are no targets 2\n";
        assert_eq!(text, expected);
    }
}
