//! The list of docs/fidelity.md of when a verdict is undetermined, compared with the source.

use std::collections::BTreeSet;

use crate::support::repository::repository;

/// The sources in which a reason may be written down, and what stands before it.
const PLACES: &[(&str, &[&str])] = &[
    (
        "src/libpq/verdict.rs",
        &[
            "unknown(",
            "ONLY_3_0_SPEAKS: &str =",
            "NEWER_EXTENSION: &str =",
            "POINT_FORMAT: &str =",
            "LONG_COOKIE: &str =",
        ],
    ),
    ("src/libpq/authentication.rs", &["Answer::Unknown("]),
    ("src/libpq/tls_error.rs", &["return Err("]),
    ("src/assess/trust.rs", &["NotRead { why, .. } => Some("]),
    ("src/tls/client.rs", &["let why ="]),
    ("src/tls/client/tls13.rs", &["let why ="]),
    ("src/assess/mod.rs", &["Possession::Unchecked("]),
    ("src/pki/path.rs", &["reason: ", "get_or_insert_with(|| "]),
];

/// In `src/pki/signature.rs`, as thiserror has it.
const NOT_CHECKED: &str = "signature algorithm … not checked";

#[test]
fn every_reason_is_in_the_documents_and_no_other() {
    let mut written = BTreeSet::from([NOT_CHECKED.to_owned()]);
    for (path, marks) in PLACES {
        let source = std::fs::read_to_string(repository(path)).unwrap();
        let (product, _) = source.split_once("#[cfg(test)]").unwrap_or((&source, ""));
        let before = written.len();
        for mark in *marks {
            written.extend(product.split(mark).skip(1).filter_map(literal));
        }
        assert!(written.len() > before, "no reason in {path}");
    }
    let page = std::fs::read_to_string(repository("docs/fidelity.md")).unwrap();
    let (_, section) = page.split_once("\n## Undetermined\n").unwrap();
    let section = section
        .split_once("\n## ")
        .map_or(section, |(section, _)| section);
    let first_cells = section.lines().filter_map(|line| {
        let (cell, _) = line.strip_prefix("| `")?.split_once(" | ")?;
        Some(format!("`{cell}"))
    });
    let listed: BTreeSet<String> = first_cells
        .flat_map(|cell| {
            let spans = cell.split('`').skip(1).step_by(2).map(str::to_owned);
            spans.collect::<Vec<_>>()
        })
        .collect();
    let missing: Vec<_> = written.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(&written).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "missing: {missing:#?}\nnot in the source: {stale:#?}"
    );
}

/// The string literal at the beginning of an argument, placeholders as an ellipsis; `None`: there is
/// none, as where a reason is handed on.
fn literal(argument: &str) -> Option<String> {
    let argument = argument.trim_start().trim_start_matches('&');
    let argument = argument
        .strip_prefix("format!(")
        .unwrap_or(argument)
        .trim_start();
    let mut characters = argument.strip_prefix('"')?.chars().peekable();
    let mut text = String::new();
    while let Some(one) = characters.next() {
        match one {
            '"' => return Some(text),
            '\\' => match characters.next()? {
                '\n' => while characters.next_if(|next| next.is_whitespace()).is_some() {},
                other => text.push(other),
            },
            '{' => {
                while characters.next()? != '}' {}
                text.push('…');
            }
            other => text.push(other),
        }
    }
    None
}

#[test]
fn literals_are_read_as_the_compiler_does() {
    for (argument, text) in [
        ("\"plain\", None)", Some("plain")),
        ("\n    &format!(\n  \"a {what} b\",", Some("a … b")),
        ("\"over \\\n      the line\".into())", Some("over the line")),
        ("format!(\"\\\"{path}\\\" was\"))", Some("\"…\" was")),
        ("why, None)", None),
        ("&reason, None)", None),
    ] {
        assert_eq!(literal(argument).as_deref(), text, "{argument}");
    }
}
