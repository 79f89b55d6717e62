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

/// The bytes of the whole output: Nagios cuts it at 8 KiB (MAX_PLUGIN_OUTPUT_LENGTH), a NUL included,
/// and the perfdata is at its end.
const OUTPUT: usize = 8 * 1024 - 1;

/// The bytes of perfdata where there is not room for all of text and perfdata.
const PERFDATA: usize = 5 * 1024;

/// The bytes of notes where there is not room for all.
const NOTES: usize = 1024;

/// The state and the whole output of a run over hosts; `verbosity` counts the `-v`.
pub fn plugin(hosts: &[HostResult], verbosity: u8) -> (State, String) {
    let Some(state) = hosts.iter().map(HostResult::state).reduce(State::worse) else {
        return unknown("no host was checked");
    };
    let mut out = first_line(state, hosts);
    let room = OUTPUT.saturating_sub(out.len() + SEPARATOR.len() + "\n".len());
    let mut long = full_text(hosts, verbosity);
    let (mut perfdata, mut left_out) = perfdata(hosts, usize::MAX);
    if long.len() + perfdata.len() > room {
        (perfdata, left_out) = self::perfdata(hosts, PERFDATA.max(room.saturating_sub(long.len())));
        let said = left_out.as_ref().map_or(0, |said| said.len() + 1);
        long = long_text(hosts, verbosity, room.saturating_sub(perfdata.len() + said));
    }
    out += &long;
    if let Some(said) = left_out {
        add(&mut out, &said);
    }
    if !perfdata.is_empty() {
        out += SEPARATOR;
        out += &perfdata;
    }
    out.push('\n');
    (state, out)
}

/// Between text and perfdata.
const SEPARATOR: &str = " | ";

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

/// One more line, with a line break before it.
fn add(out: &mut String, line: &str) {
    out.push('\n');
    *out += &fit(&clean(line), LONG_LINE);
}

/// Everything below the first line.
fn full_text(hosts: &[HostResult], verbosity: u8) -> String {
    let mut out = String::new();
    for (number, host) in hosts.iter().enumerate() {
        heading(&mut out, hosts, number, host);
        for line in &host.lines {
            state_line(&mut out, line);
        }
        for note in &host.notes {
            add(&mut out, &format!("note: {note}"));
        }
        let details = host.details.iter();
        for (_, detail) in details.filter(|(level, _)| *level <= verbosity) {
            add(&mut out, detail);
        }
    }
    out
}

fn heading(out: &mut String, hosts: &[HostResult], number: usize, host: &HostResult) {
    if hosts.len() > 1 {
        add(out, &format!("{}. {}", number + 1, host.name));
    }
}

fn state_line(out: &mut String, line: &Line) {
    let Line { state, what, text } = line;
    add(out, &format!("[{}] {what}: {text}", state.word()));
}

/// As much of it as there is room for, and what it is that there is none for: first the details go,
/// level by level, then what is all right; never the notes.
fn long_text(hosts: &[HostResult], verbosity: u8, room: usize) -> String {
    for shown in (0..=verbosity).rev() {
        let mut out = full_text(hosts, shown);
        if shown < verbosity {
            add(
                &mut out,
                &format!(
                    "(no room for the details of -{})",
                    "v".repeat(verbosity.into())
                ),
            );
        }
        if out.len() <= room {
            return out;
        }
    }
    let mut bad = String::new();
    for (number, host) in hosts.iter().enumerate() {
        let mut lines = host
            .lines
            .iter()
            .filter(|line| line.state != State::Ok)
            .peekable();
        if lines.peek().is_some() {
            heading(&mut bad, hosts, number, host);
        }
        for line in lines {
            state_line(&mut bad, line);
        }
    }
    let notes = shared_notes(hosts);
    let rest = "\n(no room for what is all right, nor for details)";
    let room = room.saturating_sub(notes.len() + rest.len());
    let mut out = String::new();
    let lines: Vec<&str> = bad.lines().skip(1).collect();
    let more = |count: usize| format!("\n(and {count} lines that there is no room for)");
    let reserve = more(lines.len()).len();
    for (place, line) in lines.iter().enumerate() {
        let is_last = place + 1 == lines.len();
        if out.len() + line.len() + 1 + if is_last { 0 } else { reserve } > room {
            out += &more(lines.len() - place);
            break;
        }
        out.push('\n');
        out += line;
    }
    out + &notes + rest
}

/// Each note once, with how many hosts it is about.
fn shared_notes(hosts: &[HostResult]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for note in hosts.iter().flat_map(|host| &host.notes) {
        match counted.iter_mut().find(|(known, _)| known == note) {
            Some((_, count)) => *count += 1,
            None => counted.push((note, 1)),
        }
    }
    let mut out = String::new();
    for (place, (note, count)) in counted.iter().enumerate() {
        if out.len() > NOTES {
            let _ = write!(out, "\n(and {} more notes)", counted.len() - place);
            break;
        }
        match hosts.len() {
            all if all == *count => add(&mut out, &format!("note: {note}")),
            all => add(&mut out, &format!("note ({count} of {all} hosts): {note}")),
        }
    }
    out
}

/// As much of the perfdata as there is room for, in whole values, and what it is that there is none
/// for: first what connecting took, which is there while the server is well, then the last values.
fn perfdata(hosts: &[HostResult], room: usize) -> (String, Option<String>) {
    let all: Vec<(bool, String)> = hosts
        .iter()
        .enumerate()
        .flat_map(|(number, host)| {
            let metrics = host.metrics.iter();
            metrics.map(move |metric| {
                let label = match hosts.len() {
                    1 => metric.label.clone(),
                    _ => format!("{}_{}", number + 1, metric.label),
                };
                (metric.from_zero, perf(&label, metric))
            })
        })
        .collect();
    let length = |values: &[&str]| values.iter().map(|value| value.len() + 1).sum::<usize>();
    let values: Vec<&str> = all.iter().map(|(_, value)| value.as_str()).collect();
    if length(&values) <= room.saturating_add(1) {
        return (values.join(" "), None);
    }
    let mut kept: Vec<&str> = Vec::new();
    for (_, value) in all.iter().filter(|(is_time, _)| !is_time) {
        if length(&kept) + value.len() > room {
            break;
        }
        kept.push(value);
    }
    let said = format!(
        "(no room for {} of {} values of perfdata: check fewer hosts at once)",
        values.len() - kept.len(),
        values.len()
    );
    (kept.join(" "), Some(said))
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

    #[test]
    fn whatever_is_left_out_is_said_and_notes_and_whole_values_stay() {
        let many = |count: usize, line: &str| -> Vec<HostResult> {
            (0..count)
                .map(|number| {
                    let states = [(State::Ok, "TLS", line), (State::Critical, "chain", line)];
                    let mut one = host(&format!("db{number}.example.com:5432"), &states);
                    one.notes.push("no roots: not judged".into());
                    one.details = (1..=3)
                        .map(|level| (level, format!("level {level} {}", "y".repeat(60))))
                        .collect();
                    for label in ["connect", "tls"] {
                        one.metrics.push(Metric {
                            label: label.into(),
                            value: 0.001_234,
                            places: 6,
                            warning: None,
                            critical: None,
                            from_zero: true,
                        });
                    }
                    one
                })
                .collect()
        };
        for (count, verbosity) in [
            (1, 3),
            (20, 3),
            (30, 3),
            (40, 0),
            (50, 1),
            (100, 3),
            (400, 0),
        ] {
            for line in ["short", &*"long ".repeat(60), &*"ü".repeat(300)] {
                let (_, out) = plugin(&many(count, line), verbosity);
                let case = format!("{count} hosts, -v {verbosity} times: {out}");
                assert!(out.len() < 8 * 1024, "{} bytes, {case}", out.len());
                let (text, perfdata) = out.split_once(" | ").unwrap();
                assert!(text.contains("no roots: not judged"), "{case}");
                // Every value is whole, and what is not there is said.
                let values: Vec<&str> = perfdata.split_whitespace().collect();
                for value in &values {
                    let (label, number) = value.split_once('=').unwrap();
                    let whole = match label.rsplit_once('_').map_or(label, |(_, name)| name) {
                        "expires" => "-5s;20:",
                        "connect" | "tls" => "0.001234s;;;0",
                        other => panic!("{other}: {case}"),
                    };
                    assert_eq!(number, whole, "{case}");
                }
                let dropped = format!(
                    "(no room for {} of {} values",
                    3 * count - values.len(),
                    3 * count
                );
                assert_eq!(text.contains(&dropped), values.len() < 3 * count, "{case}");
                let levels = (1..=verbosity)
                    .filter(|level| text.matches(&format!("\nlevel {level} ")).count() == count)
                    .count();
                let all = levels == usize::from(verbosity);
                let lines = text.matches("[OK] TLS").count() == count;
                assert!(
                    lines && all
                        || text.contains("(no room for the details")
                        || text.contains("(no room for what is all right"),
                    "{case}"
                );
            }
        }
    }
}
