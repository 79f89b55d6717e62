//! Who may use whom: the architecture as a table, held against the source.
//!
//! What matters most: `pki` and `libpq` never see a socket or a clock, and `observe` never sees a
//! verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module, the modules of this crate that it may name, and whether it may name tokio.
const LAYERS: [(&str, &[&str], Tokio); 26] = [
    ("emulates", &[], Tokio::No),
    ("memo", &[], Tokio::No),
    ("curve448", &[], Tokio::No),
    // Bytes. Decoders fill the types of the evidence.
    ("wire", &["emulates", "observation"], Tokio::No),
    // Text.
    ("conninfo", &["emulates"], Tokio::No),
    // Evidence: the client's side, then all of it.
    ("client", &["conninfo", "emulates"], Tokio::No),
    (
        "observation",
        &["client", "emulates", "memo", "pki"],
        Tokio::No,
    ),
    // Judgement, each of its own matter.
    ("pki", &["curve448", "emulates", "memo"], Tokio::No),
    ("private_key", &["emulates", "tls"], Tokio::No),
    (
        "libpq",
        &[
            "client",
            "conninfo",
            "emulates",
            "memo",
            "observation",
            "pki",
            "report",
            "wire",
        ],
        Tokio::No,
    ),
    // What was found.
    ("report", &["emulates", "libpq", "observation"], Tokio::No),
    (
        "advice",
        &[
            "client",
            "emulates",
            "libpq",
            "observation",
            "pki",
            "report",
        ],
        Tokio::No,
    ),
    ("lints", &["advice", "libpq", "report"], Tokio::No),
    (
        "assess",
        &[
            "advice",
            "client",
            "emulates",
            "libpq",
            "lints",
            "observation",
            "pki",
            "report",
            "wire",
        ],
        Tokio::No,
    ),
    (
        "check",
        &["libpq", "observation", "pki", "render", "report"],
        Tokio::No,
    ),
    (
        "render",
        &["emulates", "libpq", "lints", "observation", "report"],
        Tokio::No,
    ),
    ("profiles", &["report"], Tokio::No),
    ("inventory", &["render", "report"], Tokio::No),
    // The world.
    ("net", &["observation"], Tokio::Yes),
    (
        "tls",
        &["curve448", "emulates", "memo", "observation", "pki", "wire"],
        Tokio::No,
    ),
    (
        "observe",
        &["curve448", "emulates", "net", "observation", "tls", "wire"],
        Tokio::Yes,
    ),
    (
        "scan",
        &[
            "assess",
            "client",
            "conninfo",
            "emulates",
            "libpq",
            "net",
            "observation",
            "observe",
            "report",
        ],
        Tokio::Yes,
    ),
    ("demo", &[], Tokio::Yes),
    (
        "exporter",
        &[
            "emulates",
            "libpq",
            "net",
            "observation",
            "render",
            "report",
        ],
        Tokio::Yes,
    ),
    ("cli", &["*"], Tokio::Yes),
    ("main", &["*"], Tokio::No),
];

/// Pairs that name each other: a verdict is written in the report's own types.
const MUTUAL: [(&str, &str); 1] = [("libpq", "report")];

/// What only some files may name, and why there.
const ONLY_IN: [(&str, &[&str]); 9] = [
    ("SystemTime", &["src/cli/mod.rs"]),
    ("std::env", &["src/cli/"]),
    ("std::fs", &["src/cli/"]),
    ("std::process", &["src/cli/", "src/main.rs"]),
    ("println!", &["src/cli/"]),
    ("TcpStream", &["src/net.rs", "src/demo"]),
    ("UnixStream", &["src/net.rs"]),
    ("lookup_host", &["src/net.rs"]),
    (".dangerous()", &["src/observe/handshake.rs"]),
];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tokio {
    Yes,
    No,
}

/// A source file: its path from the package's root and its text without comments and tests.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The module of the crate that it belongs to.
    fn module(&self) -> &str {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        path.split('/').next().unwrap()
    }

    /// How deep its module lies below the crate.
    fn depth(&self) -> usize {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        path.trim_end_matches("/mod").split('/').count()
    }

    /// The modules of this crate that it names.
    fn uses(&self) -> BTreeSet<&str> {
        let mut uses = BTreeSet::new();
        for (place, _) in self.text.match_indices("crate::") {
            let rest = &self.text[place + "crate::".len()..];
            match rest.strip_prefix('{') {
                Some(group) => uses.extend(first_names(group)),
                None => uses.extend(name(rest)),
            }
        }
        uses
    }
}

/// The identifier that a text begins with.
fn name(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    Some(&text[..end]).filter(|name| !name.is_empty())
}

/// The first segments of the paths in a group, up to its closing brace.
fn first_names(group: &str) -> Vec<&str> {
    let (mut names, mut depth, mut fresh) = (Vec::new(), 0, true);
    for (place, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && !c.is_whitespace() => {
                names.extend(name(&group[place..]));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(folder).unwrap();
        for path in entries
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<PathBuf>>()
        {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && path.file_stem().is_none_or(|stem| stem != "tests")
            {
                let text = product_code(&fs::read_to_string(&path).unwrap());
                let path = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push(Source { path, text });
            }
        }
    }
    assert!(
        found.len() > 20,
        "the source is not where it was: {} files",
        found.len()
    );
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// A file without its comments, and up to its tests, which stand at the end.
fn product_code(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod ")
    });
    lines[..tests.unwrap_or(lines.len())].join("\n")
}

#[test]
fn each_module_names_only_those_that_it_may() {
    let layers: BTreeMap<&str, (&[&str], Tokio)> = LAYERS
        .iter()
        .map(|(module, uses, tokio)| (*module, (*uses, *tokio)))
        .collect();
    let mut complaints = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.path != "src/lib.rs")
    {
        let module = source.module();
        let Some((allowed, tokio)) = layers.get(module) else {
            complaints.push(format!(
                "{}: {module} has no place in the table",
                source.path
            ));
            continue;
        };
        for used in source.uses() {
            if used != module && !allowed.contains(&used) && !allowed.contains(&"*") {
                complaints.push(format!("{}: {module} may not use {used}", source.path));
            }
        }
        if *tokio == Tokio::No && source.text.contains("tokio") {
            complaints.push(format!("{}: {module} may not use tokio", source.path));
        }
        let escape = "super::".repeat(source.depth());
        if source.text.contains(&escape) {
            complaints.push(format!("{}: say crate:: instead of {escape}", source.path));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_table_permits_nothing_that_nobody_does() {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in &sources() {
        let used = uses.entry(source.module().to_owned()).or_default();
        used.extend(source.uses().into_iter().map(String::from));
    }
    for (module, allowed, _) in LAYERS {
        let used = uses
            .get(module)
            .unwrap_or_else(|| panic!("there is no module {module}"));
        for permitted in allowed.iter().filter(|name| **name != "*") {
            assert!(
                used.contains(*permitted),
                "{module} no longer uses {permitted}"
            );
        }
    }
}

#[test]
fn the_layers_have_no_cycle_but_the_known_one() {
    let below = |module: &str| {
        let layer = LAYERS.iter().find(|(name, ..)| *name == module);
        layer.map_or(&[][..], |(_, uses, _)| uses)
    };
    for (module, ..) in LAYERS {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut open = vec![module];
        while let Some(next) = open.pop() {
            for used in below(next) {
                if MUTUAL.contains(&(next, used)) {
                    continue;
                }
                assert_ne!(*used, module, "{module} reaches itself by {next}");
                if reached.insert(used) {
                    open.push(used);
                }
            }
        }
    }
}

#[test]
fn doors_to_the_world_are_where_they_belong() {
    let mut complaints = Vec::new();
    for source in &sources() {
        for (name, places) in ONLY_IN {
            let here = places.iter().any(|place| source.path.starts_with(place));
            if source.text.contains(name) && !here {
                complaints.push(format!("{}: {name} belongs to {places:?}", source.path));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_scan_sees_what_it_should() {
    let source = |text: &str| Source {
        path: "src/pki/name.rs".into(),
        text: product_code(text),
    };
    let text = "use crate::{net::Network, wire::{postgres, tls}, x};\nlet y = crate::report::Z;\n\
                // crate::cli\n#[cfg(test)]\nmod tests { use crate::demo; }";
    let seen = source(text);
    assert_eq!(seen.uses(), BTreeSet::from(["net", "report", "wire", "x"]));
    assert_eq!((seen.module(), seen.depth()), ("pki", 2));
}
