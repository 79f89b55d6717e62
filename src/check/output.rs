//! The output of a monitoring plugin: a first line of at most 80 columns, long text, and at the
//! end the perfdata, as the Monitoring Plugins Development Guidelines have it.
//!
//! A server's words come out harmless here: a `|` would begin perfdata, a line break a line.

use std::fmt::Write as _;

use super::{HostResult, Line, Metric, State};
use crate::render::escape::is_harmless;

/// The columns of the first line.
const FIRST_LINE: usize = 80;

/// The columns of a host's name in it, where there is not room for all.
const NAME: usize = 32;

/// The columns of a line of the long text.
const LONG_LINE: usize = 200;

/// The bytes of text: Nagios cuts a plugin's output at 8 KiB, and the perfdata is at its end.
const TEXT: usize = 6 * 1024;

/// The state and the whole output of a run over hosts; `verbosity` counts the `-v`.
pub fn plugin(hosts: &[HostResult], verbosity: u8) -> (State, String) {
    let Some(state) = hosts.iter().map(HostResult::state).reduce(State::worse) else {
        return unknown("no host was checked");
    };
    let mut out = first_line(state, hosts);
    // Where it would be too much, the details go first, then what is all right.
    let long = [(verbosity, true), (0, true), (0, false)]
        .into_iter()
        .map(|(verbosity, all)| long_text(hosts, verbosity, all))
        .find(|text| text.len() <= TEXT)
        .unwrap_or_else(|| cut(&long_text(hosts, 0, false)));
    out += &long;
    let perfdata = perfdata(hosts);
    if !perfdata.is_empty() {
        let _ = write!(out, " | {perfdata}");
    }
    out.push('\n');
    (state, out)
}

/// What to say where the check itself cannot be done.
pub fn unknown(why: &str) -> (State, String) {
    let state = State::Unknown;
    let why = clean(why);
    let first = format!("PGPROBE {}: {why}", state.word());
    let mut out = fit(&first, FIRST_LINE);
    if out != first {
        let mut room = 0;
        for word in fit(&why, LONG_LINE).split(' ') {
            let taken = columns(word) + 1;
            if taken > room {
                room = FIRST_LINE + 1;
                out.push('\n');
            } else {
                out.push(' ');
            }
            room = room.saturating_sub(taken);
            out += word;
        }
    }
    out.push('\n');
    (state, out)
}

/// What to say where the time was up before there was anything else to say.
pub fn timeout(seconds: f64) -> (State, String) {
    let state = State::Critical;
    let text = format!(
        "PGPROBE {}: timeout: no result within {seconds} s\n",
        state.word()
    );
    (state, text)
}

fn first_line(state: State, hosts: &[HostResult]) -> String {
    let head = format!("PGPROBE {}: ", state.word());
    let alike = hosts.iter().filter(|host| host.state() == state).count();
    let many = match hosts.len() {
        1 => String::new(),
        all => format!("{alike} of {all} hosts: "),
    };
    // The host to tell of: the first that is as bad.
    let Some(host) = hosts.iter().find(|host| host.state() == state) else {
        return fit(&head, FIRST_LINE);
    };
    let bad = host.lines.iter().find(|line| line.state == state);
    let text = match bad.filter(|_| state != State::Ok) {
        Some(line) if matches!(line.what, "connection" | "validity" | "arguments") => {
            line.text.clone()
        }
        Some(line) => format!("{}: {}", line.what, line.text),
        None => host.summary.clone(),
    };
    let (name, text) = (clean(&host.name), clean(&text));
    let whole = format!("{head}{many}{name}: {text}");
    if columns(&whole) <= FIRST_LINE {
        return whole;
    }
    fit(
        &format!("{head}{many}{}: {text}", fit(&name, NAME)),
        FIRST_LINE,
    )
}

/// Everything below the first line, each line with a line break before it.
fn long_text(hosts: &[HostResult], verbosity: u8, all: bool) -> String {
    let mut out = String::new();
    let mut add = |line: &str| {
        out.push('\n');
        out += &fit(&clean(line), LONG_LINE);
    };
    for (number, host) in hosts.iter().enumerate() {
        if hosts.len() > 1 {
            add(&format!("{}. {}", number + 1, host.name));
        }
        let lines = host.lines.iter();
        for Line { state, what, text } in lines.filter(|line| all || line.state != State::Ok) {
            add(&format!("[{}] {what}: {text}", state.word()));
        }
        for note in host.notes.iter().filter(|_| all) {
            add(&format!("note: {note}"));
        }
        let details = host.details.iter();
        for (_, detail) in details.filter(|(level, _)| all && *level <= verbosity) {
            add(detail);
        }
    }
    out
}

/// As much of a text as may be, in whole lines.
fn cut(text: &str) -> String {
    let mut kept = String::new();
    for line in text.lines().skip(1) {
        if kept.len() + line.len() + 32 > TEXT {
            kept += "\n(and more that there is no room for)";
            break;
        }
        kept.push('\n');
        kept += line;
    }
    kept
}

fn perfdata(hosts: &[HostResult]) -> String {
    let mut all = Vec::new();
    for (number, host) in hosts.iter().enumerate() {
        for metric in &host.metrics {
            let label = match hosts.len() {
                1 => metric.label.clone(),
                _ => format!("{}_{}", number + 1, metric.label),
            };
            all.push(perf(&label, metric));
        }
    }
    all.join(" ")
}

/// `label=value[UOM];[warn];[crit];[min];[max]`, without what is empty at the end.
fn perf(label: &str, metric: &Metric) -> String {
    let range = |range: Option<super::threshold::Range>| {
        range.map(|range| range.to_string()).unwrap_or_default()
    };
    let text = format!(
        "{label}={:.*}s;{};{};{}",
        metric.places,
        metric.value,
        range(metric.warning),
        range(metric.critical),
        if metric.from_zero { "0" } else { "" },
    );
    text.trim_end_matches(';').to_owned()
}

/// A text without what would mean something to a monitoring core or a terminal.
fn clean(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '|' | char::REPLACEMENT_CHARACTER => '?',
            character if is_harmless(character) => character,
            _ => '?',
        })
        .collect()
}

/// The columns that a text takes at most.
fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(character: char) -> usize {
    if character.is_ascii() { 1 } else { 2 }
}

/// A text shortened to so many columns.
fn fit(text: &str, room: usize) -> String {
    const MORE: &str = "...";
    if columns(text) <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(MORE.len());
    let kept = text.chars().take_while(|character| {
        let fits = width(*character) <= left;
        left = left.saturating_sub(width(*character));
        fits
    });
    kept.chain(MORE.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::threshold::Range;

    fn host(name: &str, lines: &[(State, &'static str, &str)]) -> HostResult {
        HostResult {
            name: name.into(),
            lines: lines
                .iter()
                .map(|(state, what, text)| Line::new(*state, what, *text))
                .collect(),
            notes: Vec::new(),
            details: vec![(1, "a detail".into())],
            summary: "all is well".into(),
            metrics: vec![Metric {
                label: "expires".into(),
                value: -5.0,
                places: 0,
                warning: Some(Range::at_least(20.0)),
                critical: None,
                from_zero: false,
            }],
        }
    }

    #[test]
    fn one_host_that_is_well() {
        let all = [host("db:5432", &[(State::Ok, "connection", "127.0.0.1")])];
        assert_eq!(
            plugin(&all, 0),
            (
                State::Ok,
                "PGPROBE OK: db:5432: all is well\n[OK] connection: 127.0.0.1 | expires=-5s;20:\n"
                    .into()
            )
        );
        assert!(plugin(&all, 1).1.contains("\na detail | expires"));
    }

    #[test]
    fn the_worst_decides_and_unknown_hides_nothing() {
        for (states, worst) in [
            (&[State::Ok, State::Unknown][..], State::Unknown),
            (&[State::Unknown, State::Warning], State::Warning),
            (&[State::Unknown, State::Critical], State::Critical),
            (
                &[State::Critical, State::Unknown, State::Ok],
                State::Critical,
            ),
            (&[State::Warning, State::Critical], State::Critical),
        ] {
            let lines: Vec<_> = states.iter().map(|state| (*state, "x", "y")).collect();
            assert_eq!(
                plugin(&[host("a", &lines)], 0).0,
                worst,
                "in one host: {states:?}"
            );
            let hosts: Vec<_> = lines.iter().map(|line| host("a", &[*line])).collect();
            assert_eq!(plugin(&hosts, 0).0, worst, "in several: {states:?}");
        }
    }

    #[test]
    fn the_first_line_keeps_its_state_and_its_80_columns() {
        for (name, text) in [
            ("db:5432", "a text ".repeat(40)),
            (
                &*"long.".repeat(50),
                "and a text that is still to be seen".into(),
            ),
            ("db:5432", "ü".repeat(100)),
            ("db\n:|5432", "\x1b[31m|\u{202e}\u{fffd}\r\n".repeat(20)),
        ] {
            let (_, out) = plugin(&[host(name, &[(State::Critical, "validity", &text)])], 0);
            let first = out.lines().next().unwrap();
            assert!(first.starts_with("PGPROBE CRITICAL: "), "{first}");
            assert!(first.ends_with("..."), "{first}");
            assert!(columns(first) <= 80, "{first}");
            assert_eq!(out.lines().count(), 2, "{out}");
            assert_eq!(out.matches('|').count(), 1, "{out}");
            assert!(!out.contains(['\x1b', '\u{202e}', '\u{fffd}', '\r']));
        }
        let (_, out) = plugin(
            &[host(
                &"long.".repeat(50),
                &[(State::Critical, "validity", "to be seen")],
            )],
            0,
        );
        assert!(out.lines().next().unwrap().contains("to be seen"), "{out}");
    }

    #[test]
    fn several_hosts_are_numbered_in_text_and_perfdata() {
        let hosts = [
            host("a:1", &[(State::Ok, "TLS", "fine")]),
            host("b:1", &[(State::Critical, "TLS", "bad")]),
        ];
        let (_, out) = plugin(&hosts, 0);
        assert_eq!(
            out,
            "PGPROBE CRITICAL: 1 of 2 hosts: b:1: TLS: bad\n1. a:1\n[OK] TLS: fine\n2. b:1\n\
             [CRITICAL] TLS: bad | 1_expires=-5s;20: 2_expires=-5s;20:\n"
        );
    }

    #[test]
    fn a_core_that_cuts_at_8_kib_still_gets_the_perfdata() {
        let text = "x".repeat(300);
        let lines = vec![(State::Critical, "validity", &*text); 60];
        let (_, out) = plugin(&[host("db", &lines)], 3);
        assert!(out.len() < 8 * 1024 && out.ends_with(" | expires=-5s;20:\n"));
        assert!(out.contains("no room"));
    }
}
