//! `pgprobe report` and `pgprobe diff`: records of recorded servers in, a page in a real browser and
//! a list of changes out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::installation::{cache, succeed};
use crate::support::pgprobe::program;
use crate::support::repository::repository;

/// When the servers were recorded, about.
const NOW: i64 = 1_795_392_000; // 2026-11-23

/// Reports of the recorded servers.
fn recorded() -> Vec<Value> {
    let mut files: Vec<PathBuf> = fs::read_dir(repository("tests/data/observations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    let reports = |file: &PathBuf| {
        let output = Command::new(program())
            .args(["assess", "--format", "json"])
            .arg(file)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        lines
    };
    files.iter().flat_map(reports).collect()
}

/// Hosts as a scan would write them: what the recorded servers are, under other names.
fn fleet(hosts: usize) -> Vec<Value> {
    let servers = recorded();
    (0..hosts)
        .map(|number| {
            let mut record = servers[number % servers.len()].clone();
            let name = format!("db{number}.example.com:5432");
            record["target"]["input"] = json!(name);
            if let Some(leaf) = record["certificates"].get_mut(0) {
                let end = NOW + (i64::try_from(number).unwrap() * 9 - 20) * 86_400;
                let end = time::OffsetDateTime::from_unix_timestamp(end).unwrap();
                let end = end.format(&time::format_description::well_known::Rfc3339);
                leaf["not_after"] = json!(end.unwrap());
                leaf["sha256"] = json!(format!("{number:064x}"));
            }
            record
        })
        .collect()
}

fn write(folder: &Path, name: &str, records: &[Value]) -> String {
    let path = folder.join(name);
    let lines: Vec<_> = records.iter().map(|record| format!("{record}\n")).collect();
    fs::write(&path, lines.concat()).unwrap();
    path.to_string_lossy().into_owned()
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(program()).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn page(folder: &Path, records: &[Value]) -> PathBuf {
    let input = write(folder, "scan.ndjson", records);
    let page = folder.join("scan.html");
    let output = page.to_string_lossy();
    let at = NOW.to_string();
    let done = run(&["report", &input, "--output", &output, "--at", &at]);
    assert_eq!(done, (0, String::new(), String::new()));
    page
}

#[test]
fn a_reader_sorts_searches_filters_and_opens_hosts_by_keyboard_in_a_browser() {
    let folder = TempDir::new().unwrap();
    let page = page(folder.path(), &fleet(60));
    let mut browser = Command::new("node");
    browser
        .arg(repository("tests/browser/page.mjs"))
        .arg(page)
        .env("BROWSER_MODULES", cache().join("browser"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        browser.arg(repository("docs"));
    }
    succeed(&mut browser);
}

#[test]
fn what_a_server_says_is_text_in_the_browser() {
    let folder = TempDir::new().unwrap();
    let mut records = fleet(30);
    for record in &mut records {
        let evil = "</script><script>console.log('run')</script><img src=x onerror=console.log(1)>";
        if let Some(leaf) = record["certificates"].get_mut(0) {
            leaf["subject"] = json!(evil);
            leaf["issuer"] = json!(format!("{evil}\u{202e}"));
        }
        record["sslmodes"][5]["error"] = json!({"code": evil, "message": evil});
        record["status"] = json!(evil);
    }
    let page = page(folder.path(), &records);
    let html = fs::read_to_string(&page).unwrap();
    assert_eq!(html.matches("<script").count(), 2);
    assert!(!html.contains("<img") && !html.contains('\u{202e}'));
    let mut browser = Command::new("node");
    browser
        .arg(repository("tests/browser/hostile.mjs"))
        .arg(page)
        .env("BROWSER_MODULES", cache().join("browser"));
    succeed(&mut browser);
}

#[test]
fn the_page_of_20_000_hosts_is_small_enough_and_beyond_that_a_table_stands_beside_it() {
    let folder = TempDir::new().unwrap();
    let servers = recorded();
    let good = servers.iter().find(|record| record["status"] == "tls");
    let mut good = good.unwrap().clone();
    // What the page does not show only makes the test slow.
    for certificate in good["certificates"].as_array_mut().unwrap() {
        certificate.as_object_mut().unwrap().remove("der");
    }
    for mode in good["sslmodes"].as_array_mut().unwrap() {
        mode.as_object_mut().unwrap().remove("attempts");
    }
    let mut records = String::new();
    for number in 0..20_001 {
        let mut record = json!({
            "schema": 1,
            "target": {"input": format!("db{number}.example.com:5432")},
            "probed_at": good["probed_at"],
            "status": good["status"],
            "host_index": 0,
            "sslmodes": good["sslmodes"],
            "tls": {"completed": true, "protocol_version": "TLSv1.3", "chain": good["tls"]["chain"]},
            "certificates": good["certificates"],
            "hosts": [],
        });
        record["certificates"][0]["sha256"] = json!(format!("{number:064x}"));
        record["certificates"][0]["subject"] = json!(format!("CN=db{number}.example.com"));
        record["sslmodes"][5]["error"] = json!({"code": "x", "message": format!("server certificate for \"db{number}.internal\" does not match host name \"db{number}.example.com\"")});
        records += &format!("{record}\n");
    }
    let input = folder.path().join("scan.ndjson");
    let last = records.trim_end().rfind('\n').unwrap();
    fs::write(&input, &records[..=last]).unwrap();
    let output = folder.path().join("scan.html");
    let arguments = [
        "report",
        input.to_str().unwrap(),
        "--output",
        output.to_str().unwrap(),
    ];
    assert_eq!(run(&arguments), (0, String::new(), String::new()));
    let size = fs::metadata(&output).unwrap().len();
    assert!(size < 30_000_000, "{size} bytes");
    assert!(!folder.path().join("scan.csv").exists());

    fs::write(&input, records).unwrap();
    let (code, _, said) = run(&arguments);
    assert_eq!(code, 0);
    assert!(
        said.contains("the page holds a part of 20001 hosts"),
        "{said}"
    );
    let html = fs::read_to_string(&output).unwrap();
    assert!(html.contains("All are in scan.csv."));
    let table = fs::read_to_string(folder.path().join("scan.csv")).unwrap();
    assert_eq!(table.lines().count(), 20_002);
    let mut left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["scan.csv", "scan.html", "scan.ndjson"]);
}

#[test]
fn shards_are_one_input_and_the_latest_record_of_a_target_counts() {
    let folder = TempDir::new().unwrap();
    let mut records = fleet(4);
    write(folder.path(), "1.ndjson", &records[..2]);
    let mut later = records[1].clone();
    later["probed_at"] = json!("2030-01-01T00:00:00Z");
    later["status"] = json!("timeout");
    records[1] = later;
    write(folder.path(), "2.ndjson", &records[1..]);
    let (code, html, said) = run(&["report", folder.path().to_str().unwrap()]);
    assert_eq!(code, 0);
    assert!(html.contains("<b>4</b>hosts"));
    assert!(html.contains("timeout"));
    assert!(
        said.contains("1 older records of the same targets do not count"),
        "{said}"
    );
}

#[test]
fn lines_that_are_no_records_are_told_and_passed_over() {
    let folder = TempDir::new().unwrap();
    let path = write(folder.path(), "scan.ndjson", &fleet(1));
    let mut text = fs::read_to_string(&path).unwrap();
    text += "\n{\"schema\":1,\"target\":{\"inp";
    fs::write(&path, &text).unwrap();
    let (code, html, said) = run(&["report", &path]);
    assert_eq!(code, 0);
    assert!(html.contains("<b>1</b>hosts"));
    assert!(
        said.contains("line 3 is passed over: it breaks off"),
        "{said}"
    );
    fs::write(&path, "nothing\n").unwrap();
    let (code, out, said) = run(&["report", &path]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        said.contains("no line of it is a record") && said.contains("hint:"),
        "{said}"
    );
    let (code, _, said) = run(&["diff", &path, "/nowhere.ndjson"]);
    assert_eq!(code, 2);
    assert!(said.contains("hint:"), "{said}");
}

#[test]
fn hostile_records_are_told_or_shown_and_never_break_the_page() {
    let mut good = fleet(1).remove(0);
    good["scan"] = json!({ "target": "good:5432" });
    let mut lines: Vec<Vec<u8>> = vec![good.to_string().into_bytes()];
    let mut add = |change: &dyn Fn(&mut Value)| {
        let mut record = good.clone();
        change(&mut record);
        lines.push(record.to_string().into_bytes());
    };
    let evil = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\0\u{1b}]0;x\u{7}";
    add(&|record| {
        record["scan"]["target"] = json!(format!("{evil}:5432"));
        record["target"]["input"] = json!(evil);
        record["certificates"][0]["subject"] = json!(evil);
        record["hosts"][0]["host"] = json!(evil);
        record["notes"] = json!([evil]);
    });
    add(&|record| {
        record["scan"]["target"] = json!("big:5432");
        record["certificates"][0]["subject"] = json!("A".repeat(4_000_000));
        record["certificates"][0]["not_after"] = json!("+999999-12-31T23:59:59Z");
        record["certificates"][0]["key_bits"] = json!(1e300);
    });
    add(&|record| record["schema"] = json!(2));
    // Each of the wrong type, in turn.
    let wrong = [
        json!(null),
        json!(-1),
        json!("x"),
        json!([null, 7, "x"]),
        json!({ "a": [] }),
    ];
    for name in [
        "schema",
        "target",
        "hosts",
        "certificates",
        "tls",
        "status",
        "sslmodes",
        "scan",
        "probed_at",
        "judged_at",
        "notes",
    ] {
        for value in &wrong {
            add(&|record| record[name] = value.clone());
        }
    }
    let torn = lines[0][..lines[0].len() / 2].to_vec();
    let deep = [b"{\"schema\":1,\"x\":".to_vec(), b"[".repeat(200_000)].concat();
    lines.extend([
        deep,
        b"\0\0\0".to_vec(),
        b"\xff\xfe".to_vec(),
        b"1e999".to_vec(),
        torn,
    ]);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("scan.ndjson");
    fs::write(&path, lines.join(&b'\n')).unwrap();
    let path = path.to_str().unwrap();
    let (code, html, said) = run(&["report", path]);
    assert_eq!(code, 0, "{said}");
    for raw in ["<script>document", "<img", "\0", "\u{1b}"] {
        assert!(!html.contains(raw), "{raw:?}");
    }
    assert!(html.len() < 1_000_000, "{}", html.len());
    assert!(
        said.contains("it is of version 2 of the contract"),
        "{said}"
    );
    assert!(said.contains("more lines are passed over"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains('\0'));
    let (code, changes, said) = run(&["diff", path, path]);
    assert_eq!(code, 0, "{said}");
    assert!(changes.contains("0 of"), "{changes}");
}

#[test]
fn a_comparison_names_what_is_new_gone_renewed_weaker_and_expired() {
    let folder = TempDir::new().unwrap();
    let mut records: Vec<Value> = fleet(40)
        .into_iter()
        .filter(|record| {
            record["status"] == "tls" && record["tls"]["protocol_version"] == "TLSv1.3"
        })
        .take(5)
        .collect();
    assert_eq!(records.len(), 5);
    for (number, record) in records.iter_mut().enumerate() {
        record["target"]["input"] = json!(format!("db{number}:5432"));
        record["probed_at"] = json!("2026-11-01T00:00:00Z");
        for certificate in record["certificates"].as_array_mut().unwrap() {
            certificate["not_after"] = json!("2027-01-01T00:00:00Z");
        }
    }
    let old = write(folder.path(), "old.ndjson", &records[..4]);
    assert_eq!(run(&["diff", &old, &old]).0, 0);
    for record in &mut records {
        record["probed_at"] = json!("2026-11-08T00:00:00Z");
    }
    // db0 is gone; db1 is renewed; db2 has lost TLS 1.3; db3 was not renewed; db4 is new.
    records[1]["certificates"][0]["not_after"] = json!("2028-01-01T00:00:00Z");
    records[1]["certificates"][0]["sha256"] = json!("77");
    records[2]["tls"]["protocol_version"] = json!("TLSv1.2");
    records[3]["probed_at"] = json!("2027-01-01T00:00:01Z");
    let new = write(folder.path(), "new.ndjson", &records[1..]);
    let (code, text, said) = run(&["diff", &old, &new]);
    assert_eq!((code, said.as_str()), (1, ""));
    let expected = "\
expired (1)
  db3:5432  certificate: until 2027-01-01 -> until 2027-01-01

weaker (1)
  db2:5432  TLS version: TLSv1.3 -> TLSv1.2

gone (1)
  db0:5432  TLSv1.3

new (1)
  db4:5432  TLSv1.3

renewed (1)
";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.ends_with("\n5 of 5 hosts changed\n"), "{text}");
    let (code, lines, _) = run(&["diff", &old, &new, "--format", "json"]);
    assert_eq!(code, 1);
    let kinds: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].take())
        .collect();
    assert_eq!(kinds, ["expired", "weaker", "gone", "new", "renewed"]);
}
