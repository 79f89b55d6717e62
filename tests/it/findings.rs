//! Findings: what they are called and explained by, in the command and in the documents.

use std::fmt::Write as _;

use pgprobe::lints::LINTS;
use pgprobe::report::Severity;

use crate::support::fleet::pgprobe;
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
    for line in ran.stdout.lines().filter(|line| !line.starts_with("    ")) {
        assert!(line.chars().count() <= 80, "{line}");
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
