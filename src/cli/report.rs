//! `pgprobe report`: records to one page.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::{Error, output};
use super::records::Sources;
use crate::inventory::csv;
use crate::inventory::host::Host;
use crate::inventory::page::Page;

pub(super) const EXAMPLES: &str = "\
Examples:
  pgprobe report scan.ndjson --output scan.html
  pgprobe report shard-*.ndjson --output fleet.html --title \"All databases\"
  pgprobe report results/ > fleet.html    every .ndjson file in results/

Of more than 20,000 hosts the page holds all counts and the hosts that need
attention most; with --output, a file beside it (fleet.csv) then holds them all.
Of several records of one target the latest counts.
";

/// What a page takes.
#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// Files that `pgprobe scan` wrote, or directories of them; `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,

    /// Write the page to FILE, in place of what is there, instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,

    /// What the page is called.
    #[arg(long, value_name = "TEXT", default_value = "PostgreSQL and TLS")]
    title: String,

    /// Count expiry from this time (RFC 3339, or seconds since 1970) instead of now.
    #[arg(long, value_name = "TIME", value_parser = super::args::at)]
    at: Option<i64>,
}

pub(super) fn run(args: &ReportArgs) -> Result<u8, Error> {
    if args.output.is_none() && io::stdout().is_terminal() {
        return Err(Error::Options {
            why: "a page is not for a terminal",
            hint: "name a file: --output scan.html",
        });
    }
    let mut sources = Sources::open(&args.files)?;
    // Which record of each target is the latest one.
    let mut latest: HashMap<String, (String, usize)> = HashMap::new();
    sources.labels(|number, label| {
        let known = latest
            .entry(label.name().to_owned())
            .or_insert_with(|| (label.probed_at.clone(), number));
        if label.probed_at >= known.0 {
            *known = (label.probed_at, number);
        }
    })?;
    let mut page = Page::new(args.at.unwrap_or_else(super::now));
    let mut beside = match &args.output {
        Some(path) => Some(Beside::create(path)?),
        None => None,
    };
    let mut older = 0_u64;
    sources.each(|number, record| {
        if latest
            .get(record.name())
            .is_none_or(|latest| latest.1 != number)
        {
            older += 1;
            return Ok(());
        }
        let host = Host::from(&record);
        let Some(beside) = &mut beside else {
            page.add(host);
            return Ok(());
        };
        let remarks = page.add(host.clone());
        csv::row(&host, &remarks, &mut beside.file).map_err(|error| beside.failed(error))
    })?;
    let hosts = page.counted();
    if hosts == 0 {
        return Err(sources.nothing());
    }
    let name = beside.as_ref().map(|beside| file_name(&beside.path));
    let (html, short) = page.html(&args.title, name.as_deref());
    match &args.output {
        None => {
            let mut out = io::stdout().lock();
            out.write_all(html.as_bytes())
                .and_then(|()| out.flush())
                .map_err(output)?;
        }
        Some(path) => {
            let failed = |error| Error::Write {
                path: path.clone(),
                error,
            };
            let part = part_of(Path::new(path));
            std::fs::write(&part, html).map_err(failed)?;
            std::fs::rename(&part, path).map_err(failed)?;
        }
    }
    let mut said = io::stderr().lock();
    if older > 0 {
        let _ = writeln!(
            said,
            "note: {older} older records of the same targets do not count"
        );
    }
    match beside {
        Some(beside) if short => {
            let path = beside.path.to_string_lossy().into_owned();
            beside.keep()?;
            let path = crate::render::escape::escape(&path).into_owned();
            let _ = writeln!(
                said,
                "note: the page holds a part of {hosts} hosts; all are in {path}"
            );
        }
        None if short => {
            let _ = writeln!(
                said,
                "note: the page holds a part of {hosts} hosts; with --output FILE a CSV file \
                 beside it would hold all"
            );
        }
        _ => {}
    }
    Ok(0)
}

/// The table of all hosts, written while it is not known yet whether it is needed.
struct Beside {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
}

impl Beside {
    fn create(page: &str) -> Result<Self, Error> {
        let path = Path::new(page).with_extension("csv");
        if path == Path::new(page) {
            return Err(Error::Options {
                why: "a page is HTML, not CSV",
                hint: "name it so: --output scan.html; `pgprobe scan --format csv` writes CSV",
            });
        }
        let part = part_of(&path);
        let failed = |error| Error::Write {
            path: page.to_owned(),
            error,
        };
        let mut file = BufWriter::new(File::create(&part).map_err(failed)?);
        csv::header(&mut file).map_err(failed)?;
        Ok(Self { path, part, file })
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::Write {
            path: self.part.to_string_lossy().into_owned(),
            error,
        }
    }

    fn keep(mut self) -> Result<(), Error> {
        let done = self
            .file
            .flush()
            .and_then(|()| std::fs::rename(&self.part, &self.path));
        done.map_err(|error| self.failed(error))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.part);
    }
}

/// Where a file is written before it takes its name: in the same directory, so that it can.
fn part_of(path: &Path) -> PathBuf {
    path.with_file_name(format!(".{}.part", file_name(path)))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
