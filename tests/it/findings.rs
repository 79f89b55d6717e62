//! Findings: what they are called and explained by, in the command and in the documents.

use std::fmt::Write as _;

use pgprobe::lints::LINTS;
use pgprobe::report::Severity;
use serde_json::Value;

use crate::support::certificates::Workshop;
use crate::support::fleet::{Servers, pgprobe};
use crate::support::installation::cache;
use crate::support::pgprobe::Client;
use crate::support::postgres::{PgCluster, Setup};
use crate::support::repository::{assert_file, repository};

/// The lines in `docs/findings.md` that what is made stands between.
const TABLE: (&str, &str) = (
    "<!-- Made by tests/it/findings.rs from src/lints; UPDATE_DOCS=1 writes it. -->\n",
    "<!-- end of the table -->\n",
);

/// Puts a text between two lines of a document.
fn between(document: &str, (begin, end): (&str, &str), made: &str) -> String {
    let (before, rest) = document.split_once(begin).expect(begin);
    let (_, after) = rest.split_once(end).expect(end);
    format!("{before}{begin}{made}{end}{after}")
}

#[test]
fn the_document_has_a_line_for_every_lint() {
    let mut table =
        String::from("\n| finding | severity | what it is | written in |\n|---|---|---|---|\n");
    for severity in Severity::ALL {
        for lint in LINTS.iter().filter(|lint| lint.severity == severity) {
            writeln!(
                table,
                "| `{}` | {} | {} | {} |",
                lint.name,
                severity.name(),
                lint.summary,
                lint.citation.replace('|', "\\|")
            )
            .unwrap();
        }
    }
    table.push('\n');
    let text = std::fs::read_to_string(repository("docs/findings.md")).unwrap();
    assert_file("docs/findings.md", &between(&text, TABLE, &table));
}

#[test]
fn explain_list_has_a_line_for_each_with_its_name_first() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["explain", "--list"][..], &["explain"]] {
        let ran = pgprobe(folder.path(), &[], arguments);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let names: Vec<_> = ran
            .stdout
            .lines()
            .map(|line| line.split_whitespace().next().unwrap())
            .collect();
        let all: Vec<_> = LINTS.iter().map(|lint| lint.name).collect();
        assert_eq!(names, all);
    }
}

#[test]
fn explain_says_of_every_lint_why_where_and_what_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = vec!["explain"];
    arguments.extend(LINTS.iter().map(|lint| lint.name));
    let ran = pgprobe(folder.path(), &[], &arguments);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    for lint in LINTS {
        let head = format!("{} ({}):", lint.name, lint.severity.name());
        assert!(ran.stdout.contains(&head), "{head}");
    }
    for label in ["why ", "written in ", "fix "] {
        let lines = ran.stdout.lines().filter(|line| line.starts_with(label));
        assert!(lines.count() >= LINTS.len(), "{label}");
    }
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        // What is filled in for a server is an example here.
        assert!(!line.contains('{'), "{line}");
    }
}

#[test]
fn a_name_that_there_is_not_gets_a_line_and_the_nearest_ones() {
    let folder = tempfile::tempdir().unwrap();
    for (name, hint) in [
        ("certificate-expird", "there is certificate-expired"),
        ("\u{1b}[31m", "`pgprobe explain --list` has all"),
    ] {
        let ran = pgprobe(folder.path(), &[], &["explain", name]);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
        assert!(
            ran.stderr.starts_with("error: there is no finding \""),
            "{ran:?}"
        );
        assert!(ran.stderr.contains(&format!("\nhint: {hint}")), "{ran:?}");
        assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 2, "{ran:?}");
    }
}

/// Lint and severity of each finding on a host.
fn found(host: &Value) -> Vec<(String, String)> {
    let findings = host["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .iter()
        .map(|one| (text(&one["lint"]), text(&one["severity"])))
        .collect()
}

/// A CA, an intermediate one, and `server.crt` with the chain below the root, for a name.
fn chained(name: &str) -> Workshop {
    let workshop = Workshop::new();
    workshop.write(
        "ca.ext",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign",
    );
    workshop.write(
        "server.ext",
        &format!(
            "subjectAltName=DNS:{name}\nkeyUsage=critical,digitalSignature\n\
             extendedKeyUsage=serverAuth"
        ),
    );
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    workshop.run(&format!(
        "openssl req -new -x509 -days 3650 {key} -out root.crt -keyout root.key -subj '/CN=Root'
         openssl req -new {key} -out issuing.csr -keyout issuing.key -subj '/CN=Issuing'
         openssl x509 -req -in issuing.csr -CA root.crt -CAkey root.key -CAcreateserial \
             -out issuing.crt -days 1000 -extfile ca.ext
         openssl req -new {key} -out server.csr -keyout server.key -subj '/CN={name}'
         openssl x509 -req -in server.csr -CA issuing.crt -CAkey issuing.key -CAcreateserial \
             -out leaf.crt -days 365 -extfile server.ext
         cat leaf.crt issuing.crt > server.crt
         chmod 600 server.key"
    ));
    workshop
}

#[test]
fn a_server_by_the_book_has_nothing_above_info() {
    let workshop = chained("db.example.test");
    let server = PgCluster::new(18);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    let server = server.start(Setup {
        settings: "ssl = on\nssl_min_protocol_version = 'TLSv1.3'",
        hba: "hostssl all all all scram-sha-256",
        ident: "",
    });
    let client = Client::new(format!(
        "host=db.example.test hostaddr=127.0.0.1 port={} user=myuser dbname=postgres \
         sslrootcert=root.crt",
        server.port
    ))
    .in_folder(workshop.path());
    for options in [
        &[][..],
        &["--depth", "handshake"],
        &["--depth", "full", "--compare-sni", "--enumerate"],
    ] {
        let run = client.json(options);
        let host = run.at("/hosts/0");
        assert_eq!(host["status"], "tls", "{run:?}");
        let worse: Vec<_> = found(&host)
            .into_iter()
            .filter(|(_, severity)| severity != "info")
            .collect();
        assert_eq!(worse, [], "{options:?}");
        assert_eq!(host["suggestions"], serde_json::json!([]));
    }
    // The same with an enumeration keeps to the strictest of the profiles, but for the lifetime.
    let run = client.json(&[
        "--enumerate",
        "--profile",
        "cis-postgresql-17",
        "--profile",
        "mozilla-modern",
        "--fail-on",
        "low,cis-postgresql-17",
    ]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let outcomes = |profile: usize| -> Vec<(String, String)> {
        let rules = run.at(&format!("/hosts/0/profiles/{profile}/rules"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let rules = rules.as_array().unwrap().iter();
        rules
            .map(|rule| (text(&rule["id"]), text(&rule["outcome"])))
            .collect()
    };
    for (id, outcome) in outcomes(0) {
        // One user is refused without TLS, and nobody else was asked for.
        let expected = if id == "6.8-hostssl" {
            "not_observed"
        } else {
            "pass"
        };
        assert_eq!(outcome, expected, "{id}");
    }
    for (id, outcome) in outcomes(1) {
        let expected = if id == "certificate-lifespan" {
            "fail"
        } else {
            "pass"
        };
        assert_eq!(outcome, expected, "{id}");
    }
}

#[test]
fn what_is_suggested_clears_what_was_found() {
    let workshop = Workshop::like(
        "openssl req -new -nodes -newkey rsa:2048 -out server.csr -keyout server.key -subj /CN=db
         openssl x509 -req -in server.csr -signkey server.key -days 5000 -out server.crt",
    );
    let server = PgCluster::new(15).permissive();
    server.install(workshop.path(), &["server.crt", "server.key"]);
    let settings = "ssl = on\nssl_min_protocol_version = 'TLSv1'\n\
                    ssl_max_protocol_version = 'TLSv1.2'\n\
                    ssl_ciphers = 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'";
    let hba = "host all all all password";
    let mut server = server.start(Setup {
        settings,
        hba,
        ident: "",
    });
    let client = Client::new(format!(
        "host=db.example.test hostaddr=127.0.0.1 port={} user=myuser dbname=postgres",
        server.port
    ));
    let host = client.json(&["--enumerate"]).at("/hosts/0");
    let names: Vec<_> = found(&host).into_iter().map(|(name, _)| name).collect();
    for name in [
        "cleartext-password-in-plaintext",
        "null-cipher",
        "anonymous-cipher",
        "tls-1-0-or-1-1",
        "tls-1-3-missing",
        "no-forward-secrecy",
        "x509-version-1",
        "self-signed-certificate",
        "host-name-mismatch",
        "certificate-lifetime-too-long",
        "cbc-cipher",
    ] {
        assert!(names.iter().any(|one| one == name), "{name}: {names:?}");
    }
    // Of one cause there is one.
    for covered in [
        "plaintext-accepted",
        "cleartext-password-authentication",
        "subject-alt-name-missing",
        "post-quantum-group-missing",
    ] {
        assert!(!names.iter().any(|one| one == covered), "{covered}");
    }
    let (mut new_settings, mut new_hba) = (settings.to_owned(), hba.to_owned());
    let mut cleared = Vec::new();
    for suggestion in host["suggestions"].as_array().unwrap() {
        let lines: Vec<_> = suggestion["lines"].as_array().unwrap().iter().collect();
        for line in lines.iter().map(|line| line.as_str().unwrap()) {
            match suggestion["place"].as_str().unwrap() {
                "postgresql_conf" => new_settings += &format!("\n{line}"),
                "pg_hba_conf" => new_hba = format!("{line}\n{new_hba}"),
                other => panic!("{other}"),
            }
        }
        let clears = suggestion["clears"].as_array().unwrap().iter();
        cleared.extend(clears.map(|name| name.as_str().unwrap().to_owned()));
    }
    assert!(cleared.len() >= 6, "{cleared:?}");
    server.reload(Setup {
        settings: &new_settings,
        hba: &new_hba,
        ident: "",
    });
    let host = client.json(&["--enumerate"]).at("/hosts/0");
    for (name, _) in found(&host) {
        assert!(!cleared.contains(&name), "{name} is still there");
    }
}

#[test]
fn of_one_cause_on_a_real_server_there_is_one_finding() {
    let workshop = chained("db.example.test");
    workshop.write(
        "ca.ext",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign",
    );
    workshop.run(
        "openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 \
             -out old-root.crt -keyout old-root.key -subj '/CN=Old Root'
         openssl x509 -req -in issuing.csr -CA old-root.crt -CAkey old-root.key -CAcreateserial \
             -out expired.crt -days -1 -extfile ca.ext
         openssl x509 -req -in issuing.csr -CA root.crt -CAkey root.key -CAcreateserial \
             -out again.crt -days 1000 -extfile ca.ext
         cat leaf.crt expired.crt issuing.crt > crossed.crt
         cp leaf.crt alone.crt
         cat issuing.crt root.crt > cas.crt
         openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 \
             -out client.crt -keyout client.key -subj '/CN=myuser'
         chmod 600 client.key",
    );
    let mut server = PgCluster::new(15).permissive();
    let files = [
        "server.crt",
        "crossed.crt",
        "alone.crt",
        "cas.crt",
        "server.key",
    ];
    server.install(workshop.path(), &files);
    server = server.start(Setup {
        settings: "ssl = on",
        hba: "host all all all scram-sha-256",
        ident: "",
    });
    let target = format!(
        "host=db.example.test hostaddr=127.0.0.1 port={} user=myuser dbname=postgres",
        server.port
    );
    let client = Client::new(target).in_folder(workshop.path());
    let mut above_info = |settings: &str, hba: &str, options: &[&str]| {
        server.reload(Setup {
            settings,
            hba,
            ident: "",
        });
        let host = client.json(options).at("/hosts/0");
        let findings = host["findings"].as_array().unwrap().iter();
        let worse = findings.filter(|one| one["severity"] != "info");
        worse.cloned().collect::<Vec<_>>()
    };
    let names = |findings: &[Value]| -> Vec<String> {
        let names = findings.iter().map(|one| one["lint"].as_str().unwrap());
        names.map(str::to_owned).collect()
    };
    let by_tls = "hostssl all all all scram-sha-256";
    // A curve that no client offers: what fails for it is not said beside it.
    let weak = "ssl = on\nssl_ecdh_curve = 'secp160r1'\nssl_ciphers = 'DEFAULT:@SECLEVEL=0'";
    let found = above_info(weak, by_tls, &["--enumerate"]);
    let about_groups: Vec<_> = names(&found)
        .into_iter()
        .filter(|name| name != "weak-signature-scheme")
        .collect();
    assert_eq!(about_groups, ["weak-group"]);
    let weak = found
        .iter()
        .find(|one| one["lint"] == "weak-group")
        .unwrap();
    assert_eq!(
        weak["fixes"][0]["paste"],
        serde_json::json!(["ssl_ecdh_curve = 'prime256v1'"])
    );
    // An expired certificate of a CA that is sent beside a valid one breaks nothing.
    let crossed = "ssl = on\nssl_cert_file = 'crossed.crt'";
    assert_eq!(names(&above_info(crossed, by_tls, &[])), [""; 0]);
    // The server does not take the client's certificate, and lets it in without TLS.
    let asks = "ssl = on\nssl_ca_file = 'cas.crt'\nssl_cert_file = 'alone.crt'";
    let certificate = ["--sslcert", "client.crt", "--sslkey", "client.key"];
    let hba = "host all all all scram-sha-256";
    let found = above_info(asks, hba, &certificate);
    assert!(
        names(&found).contains(&"plaintext-accepted".to_owned()),
        "{found:#?}"
    );
    // A line of pg_hba.conf is for the address that the server's refusal of plaintext has named.
    let found = above_info("ssl = on", "hostssl all all all trust", &[]);
    assert_eq!(names(&found), ["trust-authentication"]);
    let first = found[0]["fixes"][0]["text"].as_str().unwrap();
    assert!(first.starts_with("set a password first"), "{first}");
    assert_eq!(
        found[0]["fixes"][1]["paste"],
        serde_json::json!(["host  \"postgres\"  \"myuser\"  127.0.0.1/32  scram-sha-256"])
    );
}

#[test]
fn the_old_name_of_the_groups_is_taken_by_every_release() {
    for major in [10, 18] {
        let workshop = chained("db.example.test");
        let server = PgCluster::new(major);
        server.install(workshop.path(), &["server.crt", "server.key"]);
        let server = server.start(Setup {
            settings: "ssl = on\nssl_ecdh_curve = 'prime256v1'",
            hba: "hostssl all all all trust",
            ident: "",
        });
        let target = format!(
            "host=db.example.test hostaddr=127.0.0.1 port={}",
            server.port
        );
        let run = Client::new(target).json(&["--depth", "handshake"]);
        assert_eq!(
            run.at("/hosts/0/tls/group"),
            "secp256r1",
            "{major}: {run:?}"
        );
    }
}

/// The recorded observations of real servers, by name.
fn recordings() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(repository("tests/data/observations"))
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".json").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// `pgprobe assess` of a recording, a day after it was made.
fn assess(name: &str, options: &[&str]) -> crate::support::pgprobe::Run {
    let folder = repository("tests/data/observations");
    let file = format!("{name}.json");
    let arguments = [&["assess", &file, "--at", "2026-11-24"], options].concat();
    pgprobe(&folder, &[], &arguments)
}

#[test]
fn real_servers_have_these_findings() {
    let mut text = String::new();
    for name in recordings() {
        let ran = assess(&name, &["--format", "json"]);
        for line in ran.stdout.lines() {
            let report: Value = serde_json::from_str(line).unwrap();
            for host in report["hosts"].as_array().unwrap() {
                let found: Vec<_> = found(host)
                    .into_iter()
                    .map(|(lint, severity)| format!("{severity} {lint}"))
                    .collect();
                writeln!(text, "{name}: {}", found.join(", ")).unwrap();
            }
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("findings", text);
    });
}

/// Checks a SARIF log against the schema of OASIS; its results.
fn assert_sarif(text: &str) -> Vec<Value> {
    let schema = std::fs::read_to_string(cache().join("sarif/sarif-2.1.0.json"));
    let schema = schema.expect("tests/setup has been run");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let log: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&log)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // The schema notices what is not of it.
    let mut wrong = log.clone();
    wrong["runs"][0]["results"] = serde_json::json!([{"level": "terrible"}]);
    assert!(!validator.is_valid(&wrong));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), LINTS.len());
    let results = run["results"].as_array().unwrap().clone();
    let mut prints = std::collections::BTreeSet::new();
    for result in &results {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        let print = result["partialFingerprints"]["pgprobeFinding/v1"].as_str();
        assert!(prints.insert(print.unwrap().to_owned()), "{result:#}");
    }
    results
}

#[test]
fn sarif_keeps_to_its_schema() {
    let mut results = 0;
    for name in recordings() {
        let ran = assess(&name, &["--format", "sarif"]);
        results += assert_sarif(&ran.stdout).len();
    }
    assert!(results > 50, "{results}");
}

#[test]
fn a_target_that_does_not_answer_is_an_error_of_the_invocation() {
    let ran = assess("connection-refused", &["--format", "sarif"]);
    assert_eq!(assert_sarif(&ran.stdout), [Value::Null; 0]);
    let log: Value = serde_json::from_str(&ran.stdout).unwrap();
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let said = invocation["toolExecutionNotifications"][0]["message"]["text"].as_str();
    assert!(said.unwrap().contains("connect_failed"), "{invocation}");
}

#[test]
fn a_target_that_shows_nothing_is_never_green() {
    for name in [
        "connection-refused",
        "unknown-name",
        "closed",
        "not-postgresql",
        "web-server",
    ] {
        let ran = assess(name, &["-q", "--fail-on", "critical"]);
        assert_eq!(ran.status, Some(2), "{name}: {ran:?}");
        let ran = assess(name, &["--format", "sarif"]);
        assert_eq!(ran.status, Some(2), "{name}: {ran:?}");
        assert_sarif(&ran.stdout);
        let log: Value = serde_json::from_str(&ran.stdout).unwrap();
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false, "{name}");
        let said = &invocation["toolExecutionNotifications"];
        assert_eq!(said.as_array().map(Vec::len), Some(1), "{said}");
    }
    for name in ["good", "unix-socket", "no-tls"] {
        let ran = assess(name, &["--format", "sarif"]);
        assert_ne!(ran.status, Some(2), "{name}");
        let log: Value = serde_json::from_str(&ran.stdout).unwrap();
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], true, "{name}");
    }
}

#[test]
fn what_a_pooler_ends_is_mended_by_the_pooler() {
    let host = assess("pgbouncer", &["--format", "json"]).at("/hosts/0");
    assert_eq!(host["suggestions"], serde_json::json!([]));
    let findings = host["findings"].as_array().unwrap();
    for finding in findings {
        let fixes = finding["fixes"].as_array().unwrap();
        for fix in fixes.iter().filter(|fix| fix["place"] != "elsewhere") {
            let text = fix["text"].as_str().unwrap();
            assert!(
                text.starts_with("where PostgreSQL ends TLS itself"),
                "{fix}"
            );
        }
    }
    let plaintext = &findings[0]["fixes"][0];
    assert_eq!(findings[0]["lint"], "plaintext-accepted");
    assert_eq!(
        plaintext["paste"],
        serde_json::json!(["client_tls_sslmode = require"])
    );
}

#[test]
fn fail_on_decides_the_exit_status() {
    for (options, status) in [
        (&[][..], 0),
        (&["--fail-on", "critical"], 0),
        (&["--fail-on", "high"], 1),
        (&["--fail-on", "medium"], 1),
        (&["--fail-on", "plaintext-accepted"], 1),
        (&["--fail-on", "no-tls,md5-authentication"], 1),
        (&["--fail-on", "no-tls"], 0),
        (&["--profile", "cis-postgresql-17"], 0),
        (
            &[
                "--profile",
                "cis-postgresql-17",
                "--fail-on",
                "cis-postgresql-17",
            ],
            1,
        ),
        (
            &[
                "--profile",
                "mozilla-intermediate",
                "--fail-on",
                "mozilla-intermediate",
            ],
            0,
        ),
    ] {
        let ran = assess("md5", &[&["-q"], options].concat());
        assert_eq!(ran.status, Some(status), "{options:?}: {ran:?}");
    }
    // What it covers counts, and unreachable is unreachable.
    let ran = assess("trust", &["-q", "--fail-on", "critical"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    let ran = assess("connection-refused", &["-q", "--fail-on", "info"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
}

#[test]
fn options_about_findings_are_refused_in_a_line_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let known = |finding: &str, reason: &str, until: &str| {
        format!(
            "[[known]]\ntarget = \"*\"\nfinding = \"{finding}\"\nreason = \"{reason}\"\n\
             until = {until}\n"
        )
    };
    let bad = [
        (file("1", "[[known"), "line 1: "),
        (
            file("2", &known("nonsense", "x", "2027-01-01")),
            "entry 1: there is no finding \"nonsense\"",
        ),
        (
            file("3", &known("no-tls", " ", "2027-01-01")),
            "entry 1: it has no reason",
        ),
        (
            file("4", &known("no-tls", "x", "12:00:00")),
            "entry 1: until is no date",
        ),
    ];
    let mut wrong = vec![
        (
            vec!["--fail-on", "hihg"],
            "there is no finding \"hihg\"",
            "`pgprobe explain --list` has all",
        ),
        (
            vec!["--fail-on", "mozilla-modern"],
            "--fail-on names a profile that --profile does not",
            "give it with --profile",
        ),
        (
            vec!["--profile", "mozilla-modren"],
            "cannot use \"mozilla-modren\" as a profile: there is no profile of that name",
            "`pgprobe help profiles`",
        ),
        (
            vec!["--profile", "./not-there.toml"],
            "cannot read \"./not-there.toml\"",
            "is the name right",
        ),
        (
            vec!["--baseline", "./not-there"],
            "cannot read \"./not-there\"",
            "is the name right",
        ),
    ];
    for (path, why) in &bad {
        wrong.push((
            vec!["--baseline", path],
            why,
            "`pgprobe TARGET --write-baseline FILE`",
        ));
    }
    for (options, why, hint) in wrong {
        let ran = assess("md5", &options);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        let line = ran.stderr.lines().next().unwrap();
        assert!(line.starts_with("error: ") && line.contains(why), "{ran:?}");
        assert!(
            ran.stderr.contains("\nhint: ") && ran.stderr.contains(hint),
            "{ran:?}"
        );
        assert_eq!(ran.stderr.lines().count(), 2, "{ran:?}");
    }
}

#[test]
fn what_a_baseline_knows_fails_nothing_until_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known.toml");
    let path = path.to_str().unwrap();
    let ran = assess("md5", &["-q", "--write-baseline", path]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let written = std::fs::read_to_string(path).unwrap();
    assert!(written.contains(
        "target = \"db.example.com:5432\"\nuser = \"ann\"\ndatabase = \"ann\"\nfinding = \
         \"md5-authentication\""
    ));
    // It is not written over.
    let ran = assess("md5", &["-q", "--write-baseline", path]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("hint: it is left as it is"), "{ran:?}");

    let ran = assess("md5", &["-q", "--baseline", path, "--fail-on", "low"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let ran = assess("md5", &["--baseline", path, "--format", "json"]);
    let host = ran.at("/hosts/0");
    let findings = host["findings"].as_array().unwrap().iter();
    assert!(findings.clone().count() > 0);
    for finding in findings.filter(|one| one["severity"] != "info") {
        assert!(finding["known"]["reason"].is_string(), "{finding}");
    }
    let ran = assess("md5", &["--baseline", path, "--format", "sarif"]);
    for result in assert_sarif(&ran.stdout) {
        assert_eq!(result["suppressions"][0]["kind"], "external", "{result}");
    }
    let ran = assess("md5", &["--baseline", path]);
    assert!(ran.stdout.contains("(by the baseline)"), "{}", ran.stdout);

    // The day after, it counts again; and what another server has is not known.
    let until = written
        .split("until = ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let file = "md5.json";
    let observations = repository("tests/data/observations");
    for (at, status) in [
        (format!("{until}T23:59:59Z"), 0),
        (format!("{until}T23:59:59+00:00"), 0),
        (String::from("2100-01-01"), 1),
    ] {
        let arguments = [
            "assess",
            file,
            "--at",
            &at,
            "-q",
            "--baseline",
            path,
            "--fail-on",
            "md5-authentication",
        ];
        let ran = pgprobe(&observations, &[], &arguments);
        assert_eq!(ran.status, Some(status), "{at}: {ran:?}");
        assert_eq!(ran.stderr.contains("expired on"), status == 1, "{ran:?}");
    }
    let ran = assess(
        "trust",
        &["-q", "--baseline", path, "--fail-on", "critical"],
    );
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(
        ran.stderr
            .contains("md5-authentication of db.example.com:5432 was not found"),
        "{ran:?}"
    );
}

#[test]
fn a_baseline_is_written_without_doubles_and_knows_users_apart() {
    let folder = repository("tests/data/observations");
    let written = tempfile::tempdir().unwrap();
    let path = written.path().join("known.toml");
    let path = path.to_str().unwrap();
    let twice = written.path().join("md5-twice.json");
    let once = std::fs::read_to_string(folder.join("md5.json")).unwrap();
    std::fs::write(&twice, format!("{0}\n{0}\n", once.trim_end())).unwrap();
    let twice = twice.to_str().unwrap();
    let arguments = ["assess", twice, "-q", "--write-baseline", path];
    let ran = pgprobe(&folder, &[], &arguments);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text.matches("\"md5-authentication\"").count(), 1, "{text}");
    assert!(
        text.contains("user = \"ann\"\ndatabase = \"ann\"\n"),
        "{text}"
    );
    let fails = |text: &str| {
        let path = written.path().join("edited.toml");
        std::fs::write(&path, text).unwrap();
        let options = ["-q", "--fail-on", "md5-authentication", "--baseline"];
        let ran = assess("md5", &[&options[..], &[path.to_str().unwrap()]].concat());
        (ran.status, ran.stderr)
    };
    assert_eq!(fails(&text).0, Some(0));
    assert_eq!(
        fails(&text.replace("user = \"ann\"", "user = \"bob\"")).0,
        Some(1)
    );
    assert_eq!(fails(&text.replace("user = \"ann\"\n", "")).0, Some(0));
    // Of two entries for one finding the one that is not out of date counts, in either order.
    let entry = |until: &str| {
        format!(
            "[[known]]\ntarget = \"*\"\nfinding = \"md5-authentication\"\nreason = \"x\"\n\
             until = {until}\n"
        )
    };
    let (old, new) = (entry("2020-01-01"), entry("2100-01-01"));
    for both in [format!("{old}{new}"), format!("{new}{old}")] {
        let (status, said) = fails(&both);
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains("another entry knows it"), "{said}");
        assert!(!said.contains("counts again"), "{said}");
    }
    let (status, said) = fails(&old);
    assert_eq!(status, Some(1));
    assert!(said.contains("counts again"), "{said}");
}

#[test]
fn what_a_baseline_knows_of_a_certificate_is_not_known_of_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known.toml");
    let path = path.to_str().unwrap();
    let ran = assess("expired", &["-q", "--write-baseline", path]);
    assert_eq!(ran.stderr, "", "{ran:?}");
    let written = std::fs::read_to_string(path).unwrap();
    let line = |line: &&str| line.starts_with("certificate = ");
    let sha256 = written.lines().find(line).unwrap();
    for (text, is_known) in [
        (written.clone(), true),
        // As it was written before, without one.
        (written.replace(&format!("{sha256}\n"), ""), true),
        (written.replace(sha256, "certificate = \"00\""), false),
    ] {
        std::fs::write(path, text).unwrap();
        let ran = assess("expired", &["--format", "json", "--baseline", path]);
        let findings = ran.at("/hosts/0/findings");
        let mut findings = findings.as_array().unwrap().iter();
        let expired = findings.find(|one| one["lint"] == "certificate-expired");
        assert_eq!(expired.unwrap()["known"].is_object(), is_known, "{ran:?}");
    }
}

#[test]
fn a_profile_of_ones_own_is_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("house.toml");
    // The one of the help topic.
    let topic = include_str!("../../src/cli/help/profiles.txt");
    let begin = topic.find("    name = ").unwrap();
    let end = topic.find("\nChecks without").unwrap();
    std::fs::write(
        &path,
        topic[begin..end].replace("\n    ", "\n").trim_start(),
    )
    .unwrap();
    let options = ["--profile", path.to_str().unwrap(), "--format", "json"];
    let rule = assess("good", &options).at("/hosts/0/profiles/0/rules/0");
    assert_eq!(rule["outcome"], "not_observed", "{rule}");
    let rule = assess("old-suites", &options).at("/hosts/0/profiles/0/rules/0");
    assert_eq!(rule["outcome"], "fail", "{rule}");
    assert_eq!(rule["source"], "original");
    // Every name of a check stands in the topic.
    let source = include_str!("../../src/profiles/mod.rs");
    let (_, checks) = source.split_once("pub enum Check {").unwrap();
    let (checks, _) = checks.split_once("\n}").unwrap();
    for line in checks.lines().filter(|line| !line.contains("///")) {
        let name = line.trim().trim_end_matches(',').split('(').next().unwrap();
        let mut word = String::new();
        for c in name.chars() {
            if c.is_ascii_uppercase() && !word.is_empty() {
                word.push('_');
            }
            word.push(c.to_ascii_lowercase());
        }
        assert!(topic.contains(&word), "{word}");
    }
    for profile in pgprobe::profiles::all() {
        assert!(
            topic.contains(&profile.name) || profile.name.starts_with("cis-postgresql-1"),
            "{}",
            profile.name
        );
    }
}

#[test]
fn a_scan_is_one_log_and_fails_by_what_it_found() {
    let servers = Servers::start();
    let ports = ["good", "no-tls"].map(|name| servers.named(name).address.port());
    let closed = crate::support::fleet::closed_port();
    let targets = [ports[0], ports[1], closed].map(|port| format!("127.0.0.1:{port}"));
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    let scan = |options: &[&str], targets: &[&str]| {
        servers.pgprobe(&[&["scan", "-q", "--depth", "startup"], options, targets].concat())
    };
    let ran = scan(&["--format", "sarif"], &targets);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let results = assert_sarif(&ran.stdout);
    assert!(
        results.iter().any(|one| one["ruleId"] == "no-tls"),
        "{results:#?}"
    );
    let log: Value = serde_json::from_str(&ran.stdout).unwrap();
    let said = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(said.as_array().unwrap().len(), 1, "{said}");
    // A target that was named and shows nothing is not green; of a network, nothing is there.
    let network = format!("127.0.0.0/30:{closed}");
    for (fail_on, targets, status) in [
        ("no-tls", &targets[..2], 1),
        ("certificate-expired", &targets[..2], 0),
        ("certificate-expired", &targets[..], 2),
        ("certificate-expired", &[targets[0], &network][..], 0),
    ] {
        let ran = scan(&["--fail-on", fail_on], targets);
        assert_eq!(ran.status, Some(status), "{fail_on} {targets:?}");
    }
    let ran = scan(&["--format", "findings-csv"], &targets);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("\"target\",\"tag\",\"host\""));
    // Each target has a line, whatever became of it.
    for target in &targets {
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with(&format!("\"{target}\""))),
            "{target}"
        );
    }
}

#[test]
fn the_document_has_what_the_demo_fleet_shows() {
    let servers = Servers::start();
    let ran = servers.pgprobe(&["demo", "--format", "json"]);
    let mut text = String::from(
        "# Findings of the demo fleet\n\n<!-- Made by tests/it/findings.rs; UPDATE_DOCS=1 writes it. -->\n\n\
         What `pgprobe demo` finds on each of its servers; [findings.md](findings.md) says what each is.\n\n\
         | server | what it is | findings |\n|---|---|---|\n",
    );
    let text_ran = servers.pgprobe(&["demo"]);
    let shown: Vec<_> = text_ran.stdout.lines().collect();
    let heads = shown.windows(2).filter_map(|pair| {
        let name = pair[0].strip_prefix("== ")?;
        Some((name, pair[1].trim()))
    });
    for (line, (name, about)) in ran.stdout.lines().zip(heads) {
        let report: Value = serde_json::from_str(line).unwrap();
        writeln!(text, "| {name} | {about} | {} |", cell(&report["hosts"][0])).unwrap();
    }
    assert_eq!(
        text.lines().filter(|line| line.starts_with("| ")).count(),
        10
    );
    assert_file("docs/findings-demo.md", &text);
}

/// The findings on a host as the cell of a table.
pub(crate) fn cell(host: &Value) -> String {
    let cells: Vec<_> = found(host)
        .into_iter()
        .map(|(lint, severity)| format!("{severity}: `{lint}`"))
        .collect();
    if cells.is_empty() {
        "none".into()
    } else {
        cells.join("<br>")
    }
}
