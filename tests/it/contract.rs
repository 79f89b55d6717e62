//! The JSON contract: its schema, its manual, and that every output keeps to it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;

use pgprobe::assess::assess;
use pgprobe::emulates::Emulates;
use pgprobe::observation::Observation;
use pgprobe::report::Report;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::support::fleet::{Servers, closed_port};
use crate::support::repository::{assert_file, repository};

/// In `docs/json.md`, what follows this line is made by [`manual`].
const GENERATED: &str = "<!-- Made from report.schema.json by tests/it/contract.rs; edit the doc \
                         comments of src/report.rs instead. -->\n";

#[test]
fn schema_file_is_that_of_the_types() {
    assert_file("docs/report.schema.json", &pretty(&schema()));
}

#[test]
fn manual_says_what_every_field_and_word_means() {
    let path = repository("docs/json.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (by_hand, _) = text
        .split_once(GENERATED)
        .expect("the line where the made part begins");
    let (before, example) = by_hand.split_once("```json\n").expect("the example");
    let (_, after) = example.split_once("```\n").expect("its end");
    let by_hand = format!("{before}```json\n{}```\n{after}", short_example());
    assert_file(
        "docs/json.md",
        &format!("{by_hand}{GENERATED}{}", manual(&schema())),
    );
}

#[test]
fn example_is_real_output() {
    let mut text = serde_json::to_string_pretty(&example()).unwrap();
    text.push('\n');
    assert_keeps(&text.replace('\n', " "));
    assert_file("docs/report.example.json", &text);
}

#[test]
fn every_field_and_word_has_a_description() {
    let schema = schema();
    let mut mute = Vec::new();
    for (name, definition) in definitions(&schema) {
        for (field, of) in fields(definition) {
            if description(of).is_empty() {
                mute.push(format!("{name}.{field}"));
            }
        }
        for (word, meaning) in words(definition) {
            if meaning.is_empty() {
                mute.push(format!("{name} {word}"));
            }
        }
    }
    assert!(mute.is_empty(), "no doc comment: {mute:?}");
}

#[test]
fn demo_keeps_to_the_schema() {
    let servers = Servers::start();
    for arguments in [
        &["demo", "--format", "json"][..],
        &[
            "demo",
            "--format",
            "json",
            "--libpq",
            "15",
            "--openssl",
            "1.1.1",
        ],
    ] {
        let ran = servers.pgprobe(arguments);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let reports = assert_keeps(&ran.stdout);
        assert_eq!(reports.len(), 9);
    }
}

#[test]
fn every_way_a_probe_can_end_keeps_to_the_schema() {
    let servers = Servers::start();
    let plain = servers.named("no-tls").address.port();
    let good = servers.named("good").address.port();
    let closed = closed_port();
    let client = "sslcert=client.crt sslkey=client.key";
    let folder = servers.folder.path().to_str().unwrap();
    let socket = UnixListener::bind(format!("{folder}/.s.PGSQL.5432")).unwrap();
    std::thread::spawn(move || answer_authentication_ok(&socket));
    for (target, options, status, expected) in [
        (
            format!("host=127.0.0.1 port={good}"),
            "--depth full",
            0,
            "tls",
        ),
        (
            format!("host=127.0.0.1 port={good}"),
            "--depth handshake",
            0,
            "tls",
        ),
        (format!("host=127.0.0.1 port={good} {client}"), "", 0, "tls"),
        (
            format!("host=127.0.0.1 port={plain} sslmode=require"),
            "",
            1,
            "no_tls",
        ),
        (
            format!("host=127.0.0.1 port={closed}"),
            "",
            2,
            "connect_failed",
        ),
        ("host=/nonexistent".into(), "", 2, "connect_failed"),
        (format!("host={folder} port=5432"), "", 0, "unix_socket"),
        (
            format!("host=127.0.0.1,127.0.0.1,/nonexistent port={closed},{good},5432"),
            "",
            0,
            "tls",
        ),
        (
            format!("host=127.0.0.1 port={good} sslmode=sometimes"),
            "",
            1,
            "tls",
        ),
        ("host=127.0.0.1 port=0".into(), "", 2, "nothing_sent"),
        ("host=127.0.0.1 nonsense=1".into(), "", 2, "nothing_sent"),
        (
            format!("postgresql://a:secret@127.0.0.1:{good}/?sslmode=require&sslrootcert=system"),
            "",
            1,
            "tls",
        ),
    ] {
        let mut arguments = vec![target.as_str(), "--format", "json"];
        arguments.extend(options.split_whitespace());
        let ran = servers.pgprobe(&arguments);
        assert_eq!(ran.stderr, "", "{target}");
        let reports = assert_keeps(&ran.stdout);
        assert_eq!(reports.len(), 1, "{target}");
        assert_eq!(reports[0]["status"], expected, "{target}: {}", ran.stdout);
        assert_eq!(ran.status, Some(status), "{target}: {}", ran.stdout);
    }
}

#[test]
fn a_word_or_field_outside_the_schema_is_noticed() {
    let servers = Servers::start();
    let ran = servers.pgprobe(&[&servers.named("good").conninfo, "--format", "json"]);
    let good: Value = serde_json::from_str(&ran.stdout).unwrap();
    let validator = validator();
    assert!(validator.is_valid(&good));
    for (pointer, key, value) in [
        ("/tls", "surprise", json!(1)),
        ("/hosts/0/sslmodes/0", "outcome", json!("perhaps")),
        ("", "schema", json!("1")),
        ("/certificates/0", "subject", Value::Null),
    ] {
        let mut bad = good.clone();
        let at = bad
            .pointer_mut(pointer)
            .and_then(Value::as_object_mut)
            .unwrap();
        at.insert(key.into(), value);
        assert!(!validator.is_valid(&bad), "{pointer}/{key}");
    }
    let mut bad = good;
    bad.as_object_mut().unwrap().remove("notes");
    assert!(!validator.is_valid(&bad), "a field is missing");
}

/// A Unix socket that lets everybody in.
fn answer_authentication_ok(socket: &UnixListener) {
    for stream in socket.incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"R\0\0\0\x08\0\0\0\0").unwrap();
    }
}

/// Checks lines of output against the schema; the reports on them.
pub(crate) fn assert_keeps(lines: &str) -> Vec<Value> {
    let validator = validator();
    let reports: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for report in &reports {
        let errors: Vec<_> = validator
            .iter_errors(report)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}\n{report:#}");
    }
    reports
}

/// As the schema, and without fields beyond it: a later version may have more, this one has not.
fn validator() -> jsonschema::Validator {
    let mut schema = schema();
    let closed = |object: &mut Value| {
        let object = object.as_object_mut().unwrap();
        if object.contains_key("properties") {
            object.insert("additionalProperties".into(), Value::Bool(false));
        }
    };
    closed(&mut schema);
    for definition in schema["$defs"].as_object_mut().unwrap().values_mut() {
        closed(definition);
    }
    jsonschema::validator_for(&schema).unwrap()
}

fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    generator.into_root_schema_for::<Report>().to_value()
}

/// The report on the server that the README begins with.
fn example() -> Report {
    let saved = std::fs::read_to_string(repository("tests/data/observations/wrong-name.json"));
    let observation: Observation = serde_json::from_str(&saved.unwrap()).unwrap();
    assess(&observation, Emulates::default(), observation.observed_at)
}

/// The verdicts of the example, one a line.
fn short_example() -> String {
    let mut lines = Vec::new();
    for verdict in &example().sslmodes {
        let mut line = String::new();
        for (name, value) in [
            ("mode", json!(verdict.mode)),
            ("outcome", json!(verdict.outcome)),
            ("encrypted", json!(verdict.encrypted)),
            ("tls", json!(verdict.tls)),
            ("error", json!(verdict.error)),
        ] {
            let comma = if line.is_empty() { "" } else { ", " };
            write!(line, "{comma}\"{name}\": {value}").unwrap();
        }
        lines.push(format!("  {{{line}}}"));
    }
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// JSON with a final newline.
fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// A table for each object and each vocabulary, in the order in which a reader meets them.
fn manual(schema: &Value) -> String {
    let mut text = String::new();
    for (name, definition) in definitions(schema) {
        let places = places(schema, &name);
        write!(text, "\n## {name}\n\n").unwrap();
        if !places.is_empty() {
            write!(text, "In {}. ", places.join(", ")).unwrap();
        }
        writeln!(text, "{}", description(definition)).unwrap();
        if !fields(definition).is_empty() {
            text += "\n| field | type | meaning |\n|---|---|---|\n";
            for (field, of) in fields(definition) {
                let kind = kind(of);
                writeln!(text, "| `{field}` | {kind} | {} |", description(of)).unwrap();
            }
        }
        if !words(definition).is_empty() {
            text += "\n| word | meaning |\n|---|---|\n";
            for (word, meaning) in words(definition) {
                writeln!(text, "| `{word}` | {meaning} |").unwrap();
            }
        }
    }
    text
}

/// The report and what it refers to, breadth first.
fn definitions(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = vec![("Report".to_owned(), schema)];
    let mut known = BTreeSet::new();
    let mut next = 0;
    while let Some((_, definition)) = found.get(next).cloned() {
        for (_, field) in fields(definition) {
            for name in references(field) {
                if known.insert(name.clone()) {
                    let of = &schema["$defs"][&name];
                    found.push((name, of));
                }
            }
        }
        next += 1;
    }
    let all: BTreeSet<_> = schema["$defs"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(known, all, "the walk misses definitions");
    found
}

/// The fields in the order of the struct, which `required` keeps; all are always there.
fn fields(definition: &Value) -> Vec<(String, &Value)> {
    let none = Map::new();
    let properties = definition["properties"].as_object().unwrap_or(&none);
    let required = definition["required"].as_array().into_iter().flatten();
    let fields: Vec<_> = required
        .map(|name| {
            (
                name.as_str().unwrap().to_owned(),
                &definition["properties"][name.as_str().unwrap()],
            )
        })
        .collect();
    assert_eq!(fields.len(), properties.len(), "a field is optional");
    fields
}

/// The words of a vocabulary and their meanings.
fn words(definition: &Value) -> Vec<(String, String)> {
    let cases = definition["oneOf"].as_array().into_iter().flatten();
    let mut words: Vec<_> = cases
        .map(|case| {
            (
                case["const"].as_str().unwrap().to_owned(),
                description(case),
            )
        })
        .collect();
    let bare = definition["enum"].as_array().into_iter().flatten();
    words.extend(bare.map(|word| (word.as_str().unwrap().to_owned(), String::new())));
    words
}

fn references(field: &Value) -> Vec<String> {
    let mut names = Vec::new();
    match field {
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value.as_str()) {
                    ("$ref", Some(path)) => names.push(path.rsplit('/').next().unwrap().to_owned()),
                    _ => names.extend(references(value)),
                }
            }
        }
        Value::Array(list) => names.extend(list.iter().flat_map(references)),
        _ => {}
    }
    names
}

/// Where a definition is used: `sslmodes[]`, `hosts[].tls`, ...
fn places(schema: &Value, wanted: &str) -> Vec<String> {
    let mut places = Vec::new();
    let mut open = vec![(String::new(), schema)];
    while let Some((path, definition)) = open.pop() {
        for (field, of) in fields(definition).into_iter().rev() {
            for name in references(of) {
                let array = if kind(of).contains("array") { "[]" } else { "" };
                let place = format!("{path}{field}{array}");
                if name == wanted {
                    places.insert(0, format!("`{place}`"));
                }
                open.insert(0, (format!("{place}."), &schema["$defs"][&name]));
            }
        }
    }
    // The top repeats what one of the hosts says.
    let short: Vec<_> = places
        .iter()
        .filter(|place| !place.starts_with("`hosts[]."))
        .cloned()
        .collect();
    if short.is_empty() { places } else { short }
}

fn kind(of: &Value) -> String {
    if let Some(path) = of["$ref"].as_str() {
        let name = path.rsplit('/').next().unwrap();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(choices) = of["anyOf"].as_array() {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let simple = |name: &str| match name {
        "array" => match of["items"].as_object() {
            Some(_) => format!("array of {}", kind(&of["items"])),
            None => "array".into(),
        },
        other => other.to_owned(),
    };
    match &of["type"] {
        Value::String(name) => simple(name),
        Value::Array(names) => {
            let names = names.iter().map(|name| simple(name.as_str().unwrap()));
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => panic!("no type: {of}"),
    }
}

/// A description as one line that a table can hold.
fn description(of: &Value) -> String {
    let text = of["description"].as_str().unwrap_or_default();
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}
