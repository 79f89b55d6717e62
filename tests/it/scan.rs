//! `pgprobe scan` against a few servers on loopback: what goes in, what comes out, nothing lost.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::certificates::signed;
use crate::support::pgprobe::{Client, Run, program};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::repository::repository;
use crate::support::scan::{Listeners, says};

/// The records of a run by target.
fn records(text: &str) -> BTreeMap<String, Value> {
    let mut records = BTreeMap::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let target = record["scan"]["target"].as_str().unwrap().to_owned();
        let before = records.insert(target, record);
        assert!(before.is_none(), "doubled: {line}");
    }
    records
}

fn statuses(run: &Run) -> Vec<(String, String)> {
    let of =
        |(target, record): (String, Value)| (target, record["status"].as_str().unwrap().to_owned());
    records(&run.stdout).into_iter().map(of).collect()
}

fn scan(arguments: &[&str]) -> Run {
    Client::new("").run(&[&["scan"], arguments].concat())
}

#[test]
fn a_network_has_a_record_for_each_address() {
    let listeners = Listeners::start("127.20.0.1", 3, b"N");
    let port = listeners.port.to_string();
    let run = scan(&["127.20.0.0/29", "--port", &port]);
    assert_eq!(run.status, Some(0), "{run:#?}");
    let expected: Vec<_> = (0..8)
        .map(|host| {
            let answers = (1..=3).contains(&host);
            let status = if answers { "no_tls" } else { "connect_failed" };
            (format!("127.20.0.{host}:{port}"), status.to_owned())
        })
        .collect();
    assert_eq!(statuses(&run), expected);
    assert!(run.stderr.starts_with("8 targets in "), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("status       connect_failed 5, no_tls 3\n")
    );
    assert_eq!(listeners.connections(), 3);
}

#[test]
fn a_scan_asks_as_the_single_probe_does_and_says_the_same() {
    let listeners = Listeners::start("127.20.1.1", 1, b"N");
    let target = format!("127.20.1.1:{}", listeners.port);
    let run = scan(&["-q", &target]);
    assert_eq!(run.stderr, "");
    let mut scanned = run.object();
    assert!(scanned["scan"].take().is_object());
    let mut probed = Client::new(&target)
        .json(&["--depth", "handshake"])
        .object();
    for report in [&mut scanned, &mut probed] {
        report["probed_at"].take();
        report["judged_at"].take();
        report["hosts"][0]["timings"].take();
        report["sslmodes"][4]["error"].take();
        report["sslmodes"][5]["error"].take();
        report["hosts"][0]["sslmodes"][4]["error"].take();
        report["hosts"][0]["sslmodes"][5]["error"].take();
    }
    // But for the root file, of which a scan has none at home.
    assert_eq!(scanned, probed);
}

#[test]
fn lines_come_from_files_and_standard_input_and_bad_ones_are_passed_over() {
    let listeners = Listeners::start("127.20.2.1", 2, b"N");
    let port = listeners.port;
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("list");
    let text = format!(
        "127.20.2.1:{port}\n127.0.0.0/99\n\n# no\n127.20.2.1:{port}\n{{\"ip\":\"127.20.2.2\",\
         \"port\":{port},\"owner\":\"ann\"}}\npostgresql://ann:hunter2@127.20.2.3:{port}/app\n"
    );
    fs::write(&list, &text).unwrap();
    let run = scan(&[list.to_str().unwrap()]);
    assert_eq!(run.status, Some(0), "{run:#?}");
    let records = records(&run.stdout);
    let targets: Vec<&String> = records.keys().collect();
    let last = format!("postgresql://ann@127.20.2.3:{port}/app");
    let expected = [
        &format!("127.20.2.1:{port}"),
        &format!("127.20.2.2:{port}"),
        &last,
    ];
    assert_eq!(targets, expected);
    let scan_of = |place: usize| &records[expected[place]]["scan"];
    assert_eq!(scan_of(1)["fields"]["owner"], "ann");
    assert_eq!(scan_of(1)["line"], 6);
    assert_eq!(scan_of(2)["ignored"], serde_json::json!(["password"]));
    assert!(run.stderr.contains("list, line 2: "), "{}", run.stderr);
    assert!(run.stderr.contains("double 1, lines that are no targets 1"));
    assert!(!format!("{run:?}").contains("hunter2"));

    let strict = scan(&["--strict", list.to_str().unwrap()]);
    assert_eq!(strict.status, Some(2));
    assert!(strict.stderr.starts_with("error: "), "{}", strict.stderr);

    let piped = with_input(&["scan", "-q"], &text);
    assert_eq!(piped.lines().count(), 4, "a stream is not remembered");
}

#[test]
fn lists_as_other_systems_write_them_are_read_or_refused_line_by_line() {
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("list");
    let with_mark = b"\xef\xbb\xbf127.20.3.1:9\r\n127.20.3.2:9\r\n127.20.3.3:9\0\n10.0.0-3.1-254\n";
    fs::write(&list, with_mark).unwrap();
    let run = scan(&[list.to_str().unwrap()]);
    let read: Vec<_> = statuses(&run)
        .into_iter()
        .map(|(target, _)| target)
        .collect();
    assert_eq!(read, ["127.20.3.1:9", "127.20.3.2:9"]);
    for line in [
        "line 3: \"9\\u{0}\" is no port",
        "line 4: \"10.0.0-3.1-254\": a range is from an address to an address",
    ] {
        assert!(run.stderr.contains(line), "{}", run.stderr);
    }

    let utf16: Vec<u8> = "\u{feff}127.20.3.1\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(&list, utf16).unwrap();
    let run = scan(&[list.to_str().unwrap()]);
    assert_eq!(run.stdout, "");
    let said = "line 1: the line is UTF-16, not UTF-8";
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

/// `pgprobe ARGUMENTS < text`: what it prints.
fn with_input(arguments: &[&str], text: &str) -> String {
    let mut child = Command::new(program())
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = text.to_owned();
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_excluded_is_never_asked_not_even_by_name() {
    let listeners = Listeners::start("127.0.0.1", 1, b"N");
    let port = listeners.port.to_string();
    let run = scan(&[
        "127.0.0.1",
        "localhost",
        "127.0.0.9",
        "::ffff:127.0.0.1",
        "::ffff:127.0.0.2/127",
        "-p",
        &port,
        "--exclude",
        "127.0.0.0/29,::1",
    ]);
    let records = records(&run.stdout);
    let outcome = &records[&format!("localhost:{port}")];
    assert_eq!(outcome["scan"]["outcome"], "excluded");
    assert_eq!(outcome["status"], "nothing_sent");
    assert_eq!(records.len(), 2, "{run:#?}");
    assert_eq!(listeners.connections(), 0);
}

#[test]
fn a_name_can_have_a_record_for_each_address() {
    let listeners = Listeners::start("127.0.0.1", 1, b"N");
    let target = format!("localhost:{}", listeners.port);
    let all = scan(&["--all-addresses", &target]);
    let keys: Vec<String> = records(&all.stdout).into_keys().collect();
    let v4 = format!(
        "postgresql://localhost:{}/?hostaddr=127.0.0.1",
        listeners.port
    );
    assert!(keys.contains(&v4), "{keys:?}");
    assert!(keys.iter().all(|key| key.contains("hostaddr=")), "{keys:?}");
    let first = scan(&[&target]);
    assert_eq!(statuses(&first), [(target, "no_tls".to_owned())]);
}

#[test]
fn big_networks_need_a_yes_and_files_do_not() {
    for networks in [
        &["10.0.0.0/15"][..],
        &["10.0.0.0/16", "10.1.0.1"],
        &["2001:db8::/64"],
    ] {
        let run = scan(networks);
        assert_eq!(run.status, Some(2));
        assert!(
            run.stderr.contains("hint: ") && run.stderr.contains("--yes"),
            "{run:?}"
        );
    }
}

#[test]
fn an_address_is_asked_once_at_a_time_and_a_rate_is_kept() {
    let listeners = Listeners::start("127.20.3.1", 1, b"");
    let ports = listeners.more_ports(4);
    let targets: Vec<String> = ports
        .iter()
        .map(|port| format!("127.20.3.1:{port}"))
        .collect();
    let mut arguments = vec!["--timeout", "0.3"];
    arguments.extend(targets.iter().map(String::as_str));
    let began = Instant::now();
    let run = scan(&arguments);
    assert_eq!(run.status, Some(0), "{run:#?}");
    assert!(statuses(&run).iter().all(|(_, status)| status == "timeout"));
    // Four that never answer, one after the other.
    assert!(began.elapsed() >= Duration::from_millis(1200));

    let began = Instant::now();
    scan(&["127.20.4.0/28", "-p", "9", "--rate", "20"]);
    assert!(
        began.elapsed() >= Duration::from_millis(700),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn parts_together_are_the_whole() {
    let whole = statuses(&scan(&["127.20.5.0/26", "-p", "9"]));
    let mut together = Vec::new();
    for part in ["1/3", "2/3", "3/3"] {
        together.extend(statuses(&scan(&[
            "127.20.5.0/26",
            "-p",
            "9",
            "--shard",
            part,
        ])));
    }
    together.sort();
    assert_eq!(together, whole);
}

#[test]
fn silence_after_tls_began_keeps_what_was_seen() {
    let listeners = Listeners::start("127.20.6.1", 1, b"S");
    let run = scan(&[
        "--timeout",
        "0.3",
        &format!("127.20.6.1:{}", listeners.port),
    ]);
    let record = run.object();
    assert_eq!(record["status"], "timeout");
    assert_eq!(record["hosts"][0]["ssl_request"]["answer"], "S");
    assert!(record["tls"]["offer"].is_object());
}

#[test]
fn without_descriptors_it_slows_down_and_loses_nothing() {
    let listeners = Listeners::start("127.20.7.1", 100, b"N");
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("out");
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "ulimit -n 24; exec \"$@\"", "sh"])
        .arg(program())
        .args(["scan", "127.20.7.1-100", "--concurrency", "100", "-p"])
        .arg(listeners.port.to_string())
        .arg("--output")
        .arg(&output);
    assert!(command.env_clear().status().unwrap().success());
    let records = records(&fs::read_to_string(&output).unwrap());
    assert_eq!(records.len(), 100);
    assert!(records.values().all(|record| record["status"] == "no_tls"));
}

#[test]
fn the_file_of_records_is_its_own_checkpoint() {
    let listeners = Listeners::start("127.20.8.1", 10, b"N");
    let port = listeners.port.to_string();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("scan.ndjson");
    let path = file.to_str().unwrap();
    let arguments = ["--output", path, "--resume", "127.20.8.1-10", "-p", &port];
    assert_eq!(scan(&arguments).status, Some(0));
    let whole = fs::read_to_string(&file).unwrap();
    // Again: nothing is done, nothing is changed.
    let again = scan(&arguments);
    assert_eq!(again.status, Some(0));
    assert!(again.stderr.contains("done already 10"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), whole);
    // Torn in the sixth record.
    let sixth = whole
        .lines()
        .take(5)
        .map(|line| line.len() + 1)
        .sum::<usize>()
        + 100;
    fs::write(&file, &whole[..sixth]).unwrap();
    assert_eq!(scan(&arguments).status, Some(0));
    let healed = fs::read_to_string(&file).unwrap();
    assert!(healed.starts_with(&whole[..sixth - 100]));
    assert_eq!(records(&healed).len(), 10);
    assert_eq!(listeners.connections(), 15);

    // Without --resume it is not touched.
    let refused = scan(&["--output", path, "127.20.8.1", "-p", &port]);
    assert_eq!(refused.status, Some(2));
    assert!(
        refused.stderr.contains("is not empty\nhint: --resume"),
        "{}",
        refused.stderr
    );
    // What is no scan is not touched either.
    let notes = folder.path().join("notes");
    fs::write(&notes, "dear diary\n").unwrap();
    let refused = scan(&[
        "--output",
        notes.to_str().unwrap(),
        "--resume",
        "127.20.8.1",
    ]);
    assert_eq!(refused.status, Some(2));
    assert_eq!(fs::read_to_string(&notes).unwrap(), "dear diary\n");
}

#[test]
fn what_an_earlier_run_found_counts_when_a_scan_goes_on() {
    let listeners = Listeners::start("127.20.10.1", 3, b"N");
    let port = listeners.port.to_string();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("scan.ndjson");
    let all = ["--output", file.to_str().unwrap(), "--resume", "-p", &port];
    let with = |more: &[&str]| scan(&[&all[..], more].concat()).status;
    assert_eq!(
        with(&["127.20.10.1-3", "--fail-on", "critical,high"]),
        Some(1)
    );
    // Nothing is asked any more, and the answer is the same.
    assert_eq!(
        with(&["127.20.10.1-3", "--fail-on", "critical,high"]),
        Some(1)
    );
    assert_eq!(
        with(&["127.20.10.1-3", "--fail-on", "key-not-proved"]),
        Some(0)
    );
    assert_eq!(listeners.connections(), 3);
}

/// A server that says `S` and then sends without end, or keeps the connection whatever comes.
fn endless(address: &str, sends: bool) -> u16 {
    let listener = std::net::TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let _ = std::io::Read::read(&mut stream, &mut [0; 8]);
                let mut there = stream.write_all(b"S").is_ok();
                // An empty record of TLS 1.2 after the other.
                let records = [22, 3, 3, 0, 0].repeat(10_000);
                while sends && there {
                    there = stream.write_all(&records).is_ok();
                }
                std::thread::sleep(Duration::from_secs(60));
            });
        }
    });
    port
}

#[test]
fn servers_that_never_stop_and_never_close_cost_their_own_record_and_nobody_elses() {
    let listeners = Listeners::start("127.20.11.1", 1, b"N");
    let lines: String = (0..6)
        .map(|number| format!("127.20.11.2:{}\n", endless("127.20.11.2", number % 2 == 0)))
        .collect();
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("targets");
    let good = format!("127.20.11.1:{}", listeners.port);
    fs::write(&list, format!("{lines}{good}\n")).unwrap();
    let began = Instant::now();
    let run = scan(&["--timeout", "1", list.to_str().unwrap()]);
    // Those of one address wait for each other.
    assert!(began.elapsed() < Duration::from_secs(40), "{run:?}");
    assert_eq!(run.status, Some(0));
    let statuses = statuses(&run);
    assert_eq!(statuses.len(), 7);
    for (target, status) in statuses {
        let expected: &[&str] = match target == good {
            true => &["no_tls"],
            false => &["timeout", "tls_failed"],
        };
        assert!(expected.contains(&status.as_str()), "{target} {status}");
    }
}

/// Kills a scan at random points until it has come to its end; what it has written then.
fn killed_again_and_again(file: &Path, arguments: &[&str], times: u32) -> (String, u32) {
    let mut killed = 0;
    let mut seed = 0x2545_f491_u32;
    loop {
        let mut child = Command::new(program())
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if killed == times {
            assert!(child.wait().unwrap().success());
            return (fs::read_to_string(file).unwrap(), killed);
        }
        // xorshift; the time grows, so that some come far.
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        std::thread::sleep(Duration::from_millis(u64::from(10 + seed % 120)));
        // A SIGKILL: nothing of ours runs any more. Some came to their end before.
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
    }
}

fn kills(times: u32, targets: u32) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("scan.ndjson");
    let listeners = Listeners::start("127.20.9.1", 20, b"N");
    let port = listeners.port.to_string();
    let list: String = (0..targets)
        .map(|number| format!("127.20.{}.{}\n", 9 + number / 250, 1 + number % 250))
        .collect();
    let path = folder.path().join("targets");
    fs::write(&path, list).unwrap();
    let (list, output) = (path.to_str().unwrap(), file.to_str().unwrap());
    let rate = (targets / times * 15).to_string();
    let arguments = [
        "scan", "-q", "--output", output, "--resume", list, "-p", &port, "--rate", &rate,
    ];
    let (text, killed) = killed_again_and_again(&file, &arguments, times);
    assert_eq!(killed, times);
    let records = records(&text);
    assert_eq!(records.len(), usize::try_from(targets).unwrap());
    let answered = |record: &&Value| record["status"] == "no_tls";
    assert_eq!(records.values().filter(answered).count(), 20);
}

#[test]
fn kills_at_random_points_lose_nothing_and_double_nothing() {
    // tests/run --all kills a hundred times.
    let times = std::env::var("PGPROBE_KILLS").map_or(10, |times| times.parse().unwrap());
    kills(times, times * 100);
}

#[test]
fn a_signal_ends_it_with_all_finished_records() {
    let listeners = Listeners::start("127.20.40.1", 200, b"N");
    let silent = Listeners::start("127.20.41.1", 1, b"");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("scan.ndjson");
        let asked = silent.connections();
        let child = Command::new(program())
            .args(["scan", "--rate", "100", "--timeout", "4", "--output"])
            .arg(&file)
            .arg(format!("127.20.41.1:{}", silent.port))
            .args(["127.20.40.1-200", "-p", &listeners.port.to_string()])
            .env_clear()
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = || fs::read_to_string(&file).map_or(0, |text| text.lines().count());
        while silent.connections() == asked || lines() < 20 {
            std::thread::sleep(Duration::from_millis(10));
        }
        let kill = Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.ends_with('\n'));
        let records = records(&text);
        assert!((20..200).contains(&records.len()), "{}", records.len());
        // It waited for the one that was being asked.
        let slow = &records[&format!("127.20.41.1:{}", silent.port)];
        assert_eq!(slow["status"], "timeout");
        assert!(says(&output.stderr, "stopping: "), "{output:?}");
    }
}

#[test]
fn a_reader_that_comes_late_gets_every_record() {
    // A few more than the pipe and what waits before it hold; all are asked before anybody reads.
    let targets = 96;
    let mut child = Command::new(program())
        .args([
            "scan",
            "127.22.0.0-127.22.0.95",
            "--port",
            "1",
            "--rate",
            "40",
        ])
        .env_clear()
        .env("HOME", "/nonexistent")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(4));
    assert!(child.try_wait().unwrap().is_none(), "it has all it wrote");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(
        records(&String::from_utf8(ended.stdout).unwrap()).len(),
        targets
    );
    let words = String::from_utf8(ended.stderr).unwrap();
    assert!(words.contains("connect_failed 96\n"), "{words}");
}

#[test]
fn a_sarif_log_of_a_part_does_not_pass_for_the_whole() {
    let listeners = Listeners::start("127.20.42.1", 100, b"N");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("scan.sarif");
    let invocation = || {
        let log: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        log["runs"][0]["invocations"][0].clone()
    };
    let port = listeners.port.to_string();
    let asked = listeners.connections();
    let child = Command::new(program())
        .args(["scan", "-q", "--rate", "10", "--format", "sarif"])
        .args(["--output", file.to_str().unwrap()])
        .args(["127.20.42.1-100", "-p", &port])
        .env_clear()
        .spawn()
        .unwrap();
    while listeners.connections() < asked + 3 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let ended = invocation();
    assert_eq!(ended["executionSuccessful"], false, "{ended}");
    let said = ended["toolExecutionNotifications"][0]["message"]["text"].as_str();
    assert!(said.unwrap().contains("ended by a signal"), "{ended}");
    fs::remove_file(&file).unwrap();

    // A line that is no target; and nothing of that.
    let targets = folder.path().join("targets");
    for (line, whole) in [("127.20.42.3-\n", false), ("", true)] {
        fs::write(&targets, format!("127.20.42.1\n{line}127.20.42.2\n")).unwrap();
        let path = targets.to_str().unwrap();
        let output = file.to_str().unwrap();
        let ran = scan(&[
            "-q", "--format", "sarif", "--output", output, "-p", &port, "--input", path,
        ]);
        let ended = invocation();
        assert_eq!(ended["executionSuccessful"], whole, "{ran:?} {ended}");
        let said = ended["toolExecutionNotifications"].to_string();
        assert_eq!(said.contains("line 2"), !whole, "{ended}");
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn the_exit_status_says_whether_anything_answered() {
    assert_eq!(scan(&["127.20.50.1", "-p", "9"]).status, Some(2));
    let nothing = scan(&["/dev/null"]);
    assert_eq!(nothing.status, Some(0), "{nothing:?}");
    assert_eq!(scan(&["--input", "/nonexistent"]).status, Some(2));
    let full = scan(&["127.20.50.1", "-p", "9", "--output", "/dev/full"]);
    assert_eq!(full.status, Some(2));
    let why = "cannot write \"/dev/full\": No space left on device";
    assert!(full.stderr.contains(why), "{}", full.stderr);
}

#[test]
fn progress_is_a_line_now_and_then_where_there_is_no_terminal() {
    let silent = Listeners::start("127.20.51.1", 1, b"");
    let target = format!("127.20.51.1:{}", silent.port);
    let run = scan(&["--timeout", "1", "--progress", "0.2", &target]);
    let line = "0 of 1 done, 0/s, 1 in flight\n";
    assert!(run.stderr.contains(line), "{}", run.stderr);
}

#[test]
fn gnu_parallel_runs_the_parts() {
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("targets");
    let lines: String = (1..=100)
        .map(|host| format!("127.20.60.{host}:9\n"))
        .collect();
    fs::write(&list, lines).unwrap();
    let output = Command::new(repository("contrib/scan/parallel"))
        .arg(&list)
        .arg("4")
        .env("PGPROBE", program())
        .env("HOME", folder.path())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    // Nothing answered, in each of the four.
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        records(&String::from_utf8(output.stdout).unwrap()).len(),
        100
    );
}

#[test]
fn manifests_are_what_their_readers_take() {
    let checks = [
        ("sh", vec!["-n", "contrib/scan/parallel"]),
        (
            "python3",
            vec![
                "-c",
                "import ast; ast.parse(open('contrib/scan/spark.py').read())",
            ],
        ),
        (
            "python3",
            vec![
                "-c",
                "import yaml; job = yaml.safe_load(open('contrib/scan/kubernetes.yaml')); \
                 assert job['kind'] == 'Job' and job['spec']['completionMode'] == 'Indexed'; \
                 line = job['spec']['template']['spec']['containers'][0]['command'][2]; \
                 assert f\"))/{job['spec']['completions']}\" in line, line; \
                 import subprocess; subprocess.run(['sh', '-n', '-c', line], check=True)",
            ],
        ),
    ];
    for (program, arguments) in checks {
        let output = Command::new(program)
            .args(&arguments)
            .current_dir(repository("."))
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn each_format_has_the_fields_that_its_readers_look_for() {
    let certificate = signed("db.internal", &["DNS:db.internal"]);
    let server = PgCluster::new(15);
    server.install(certificate.path(), &["server.crt", "server.key"]);
    let server = server.start(Setup {
        settings: "ssl = on",
        ..Setup::default()
    });
    let target = format!("127.0.0.1,db.internal,prod,{}", server.port);
    let root = certificate.file("ca.crt");
    let scan = |format: &str| {
        let run = scan(&["-q", "--format", format, "--sslrootcert", &root, &target]);
        assert_eq!(run.status, Some(0), "{run:?}");
        run
    };
    let tlsx = scan("tlsx").object();
    for (field, value) in [
        ("host", "db.internal"),
        ("ip", "127.0.0.1"),
        ("tls_version", "tls13"),
        ("subject_cn", "db.internal"),
        ("sni", "db.internal"),
    ] {
        assert_eq!(tlsx[field], value, "{tlsx}");
    }
    assert_eq!(tlsx["probe_status"], true);
    assert_eq!(tlsx["subject_an"], serde_json::json!(["db.internal"]));
    for absent in ["expired", "mismatched", "untrusted", "error"] {
        assert!(tlsx[absent].is_null(), "{absent}: {tlsx}");
    }
    let sha256 = certificate.fingerprint("server.crt");
    assert_eq!(tlsx["fingerprint_hash"]["sha256"], sha256.as_str());

    let zgrab2 = scan("zgrab2").object();
    assert_eq!(zgrab2["ip"], "127.0.0.1");
    assert_eq!(zgrab2["domain"], "db.internal");
    let postgres = &zgrab2["data"]["postgres"];
    assert_eq!(postgres["status"], "success");
    assert_eq!(postgres["result"]["is_ssl"], true);
    let log = &postgres["result"]["tls"]["handshake_log"];
    let parsed = &log["server_certificates"]["certificate"]["parsed"];
    assert_eq!(parsed["fingerprint_sha256"], sha256.as_str());
    assert_eq!(log["server_hello"]["version"]["name"], "TLSv1.3");

    let csv = scan("csv").stdout;
    let (header, row) = csv.split_once("\r\n").unwrap();
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_end().trim_matches('"');
        inner.split("\",\"").map(str::to_owned).collect()
    };
    let row: BTreeMap<_, _> = cells(header).into_iter().zip(cells(row)).collect();
    for (column, value) in [
        ("tag", "prod"),
        ("status", "tls"),
        ("verify_full_tls", "accepted"),
        ("protocol_version", "TLSv1.3"),
        ("sha256", sha256.as_str()),
    ] {
        assert_eq!(row[column], value, "{column} of {row:?}");
    }
}
