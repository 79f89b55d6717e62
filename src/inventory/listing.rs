//! Changes for people: by kind, what must be seen first is first.

use std::io::{self, Write};

use super::change::{Change, Kind};

/// A line is not longer than this where it can be helped.
const WIDTH: usize = 80;

/// Writes the changes, and a last line that counts them over the hosts of both scans.
///
/// # Errors
/// Those of writing.
pub fn write(changes: &[Change], hosts: usize, out: &mut impl Write) -> io::Result<()> {
    for kind in Kind::ALL {
        let of_kind: Vec<_> = changes.iter().filter(|one| one.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        writeln!(out, "{} ({})", kind.words(), of_kind.len())?;
        for change in of_kind {
            one(change, out)?;
        }
        writeln!(out)?;
    }
    let mut targets: Vec<_> = changes.iter().map(|change| &change.target).collect();
    targets.sort();
    targets.dedup();
    writeln!(out, "{} of {hosts} hosts changed", targets.len())
}

fn one(change: &Change, out: &mut impl Write) -> io::Result<()> {
    let Change { target, what, .. } = change;
    let (old, new) = match (&change.old, &change.new) {
        (Some(old), Some(new)) => (old, new),
        (Some(only), None) | (None, Some(only)) => return writeln!(out, "  {target}  {only}"),
        (None, None) => return writeln!(out, "  {target}"),
    };
    let short = format!("  {target}  {what}: {old} -> {new}");
    if short.chars().count() <= WIDTH {
        return writeln!(out, "{short}");
    }
    writeln!(out, "  {target}  {what}")?;
    writeln!(out, "      was {old}")?;
    writeln!(out, "      is  {new}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_changes_take_three_lines_and_the_worst_kind_is_first() {
        let change = |kind, old: &str, new: &str| Change {
            kind,
            target: "db1:5432".into(),
            what: "TLS version".into(),
            old: Some(old.into()),
            new: Some(new.into()),
        };
        let changes = [
            change(Kind::Stronger, "TLSv1.2", "TLSv1.3"),
            change(Kind::Weaker, &"a".repeat(40), &"b".repeat(40)),
        ];
        let mut out = Vec::new();
        write(&changes, 3, &mut out).unwrap();
        let expected = format!(
            "weaker (1)\n  db1:5432  TLS version\n      was {}\n      is  {}\n\nstronger (1)\n  \
             db1:5432  TLS version: TLSv1.2 -> TLSv1.3\n\n1 of 3 hosts changed\n",
            "a".repeat(40),
            "b".repeat(40)
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
