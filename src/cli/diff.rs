//! `pgprobe diff`: what changed between two scans.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write as _};

use clap::{Args, ValueEnum};

use super::error::{Error, output};
use super::records::Sources;
use crate::inventory::change::{Change, Kind, alone, changes};
use crate::inventory::host::Host;
use crate::inventory::listing;

pub(super) const EXAMPLES: &str = "\
Examples:
  pgprobe diff last-week.ndjson today.ndjson
  pgprobe diff last-week/ today/             directories of shards
  pgprobe diff old.ndjson new.ndjson --format json

Exit status, as of diff(1):
  0  nothing changed
  1  something did
  2  a file cannot be read, or holds no record
";

/// What a comparison takes.
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// What an earlier scan wrote: a file, a directory of its shards, or `-` for standard input.
    #[arg(value_name = "OLD")]
    old: String,

    /// What a later scan wrote.
    #[arg(value_name = "NEW")]
    new: String,

    /// How to show it; `json` is a change a line.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// An object a line.
    Json,
}

pub(super) fn run(args: &DiffArgs) -> Result<u8, Error> {
    if args.old == "-" && args.new == "-" {
        return Err(Error::Options {
            why: "standard input can be only one of the two",
            hint: "write one of them to a file",
        });
    }
    let mut old = hosts(&args.old)?;
    let new = hosts(&args.new)?;
    let gone = old.keys().filter(|name| !new.contains_key(*name)).count();
    let total = new.len() + gone;
    let mut found: Vec<Change> = Vec::new();
    for (name, host) in &new {
        match old.remove(name) {
            Some(before) => found.extend(changes(&before, host)),
            None => found.push(alone(host, Kind::New)),
        }
    }
    found.extend(old.values().map(|host| alone(host, Kind::Gone)));
    found.sort_by(|a, b| {
        let order = |change: &Change| (change.kind, change.target.clone(), change.what.clone());
        order(a).cmp(&order(b))
    });
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match args.format {
        Format::Text => listing::write(&found, total, &mut out),
        Format::Json => found.iter().try_for_each(|change| {
            serde_json::to_writer(&mut out, change)?;
            writeln!(out)
        }),
    };
    written.and_then(|()| out.flush()).map_err(output)?;
    Ok(u8::from(!found.is_empty()))
}

/// The hosts of a scan by name; of several records of one target the latest.
fn hosts(path: &str) -> Result<HashMap<String, Host>, Error> {
    let mut sources = Sources::open(&[path.to_owned()])?;
    let mut hosts: HashMap<String, Host> = HashMap::new();
    sources.each(|_, record| {
        let host = Host::from(&record);
        let name = record.name().to_owned();
        if hosts
            .get(&name)
            .is_none_or(|known| known.by_time(&host).is_le())
        {
            hosts.insert(name, host);
        }
        Ok(())
    })?;
    if hosts.is_empty() {
        return Err(sources.nothing());
    }
    Ok(hosts)
}
