//! Reads files of records, for `report` and `diff`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::path::Path;

use super::error::Error;
use crate::inventory::record::{Label, Record};

/// A record is not longer than this, in bytes: a chain of many megabytes is not one of a server.
const LONGEST: u64 = 64 << 20;

/// More faults of a kind than these are counted, not told.
const MOST_TOLD: usize = 5;

/// Files, in the order of the arguments; of a directory those that end in `.ndjson`.
pub(super) struct Sources {
    sources: Vec<Source>,
    faults: usize,
}

struct Source {
    name: String,
    /// All of standard input, which can be read only once; null of a file.
    bytes: Option<Vec<u8>>,
}

impl Sources {
    /// Finds the files, and reads standard input if it is among them.
    pub(super) fn open(paths: &[String]) -> Result<Self, Error> {
        let mut sources = Vec::new();
        for path in paths {
            if path == "-" {
                let mut bytes = Vec::new();
                io::stdin()
                    .lock()
                    .read_to_end(&mut bytes)
                    .map_err(|error| read(path, error))?;
                sources.push(Source {
                    name: "standard input".to_owned(),
                    bytes: Some(bytes),
                });
            } else if Path::new(path).is_dir() {
                for name in directory(path)? {
                    sources.push(Source { name, bytes: None });
                }
            } else {
                sources.push(Source {
                    name: path.clone(),
                    bytes: None,
                });
            }
        }
        Ok(Self { sources, faults: 0 })
    }

    /// Gives what tells each record apart to `take`, with its number over all files.
    pub(super) fn labels(&mut self, mut take: impl FnMut(usize, Label)) -> Result<(), Error> {
        self.lines(|number, _, _, line| {
            take(number, Label::parse(line.unwrap_or_default()));
            Ok(())
        })
    }

    /// Gives each record to `take`, with its number over all files; a line that is none is told on
    /// stderr and passed over.
    pub(super) fn each(
        &mut self,
        mut take: impl FnMut(usize, Record) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut faults = 0;
        self.lines(|number, name, at, line| {
            match line.map_err(str::to_owned).and_then(Record::parse) {
                Ok(record) => return take(number, record),
                Err(why) if faults < MOST_TOLD => {
                    let name = crate::render::escape::escape(name);
                    let why = crate::inventory::shown(&why);
                    let _ = writeln!(
                        io::stderr(),
                        "warning: {name}: line {at} is passed over: {why}"
                    );
                }
                Err(_) => {}
            }
            faults += 1;
            Ok(())
        })?;
        if faults > MOST_TOLD {
            let more = faults - MOST_TOLD;
            let _ = writeln!(io::stderr(), "warning: {more} more lines are passed over");
        }
        self.faults = faults;
        Ok(())
    }

    /// Gives each line that is not empty to `take`: its number over all files, its file, its number
    /// there, and itself.
    fn lines(
        &self,
        mut take: impl FnMut(usize, &str, usize, Result<&str, &'static str>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut number = 0;
        for source in &self.sources {
            let reader: Box<dyn BufRead + '_> = match &source.bytes {
                Some(bytes) => Box::new(bytes.as_slice()),
                None => {
                    #[expect(clippy::disallowed_methods, reason = "records are read here")]
                    let file = File::open(&source.name).map_err(|e| read(&source.name, e))?;
                    Box::new(BufReader::with_capacity(1 << 16, file))
                }
            };
            let failed = |error| read(&source.name, error);
            let mut lines = Lines { reader, at: 0 };
            while let Some(line) = lines.next().map_err(failed)? {
                if line.as_ref().is_ok_and(|line| line.trim().is_empty()) {
                    continue;
                }
                take(
                    number,
                    &source.name,
                    lines.at,
                    line.as_deref().map_err(|why| *why),
                )?;
                number += 1;
            }
        }
        Ok(())
    }

    /// What to say when no line was a record.
    pub(super) fn nothing(&self) -> Error {
        Error::Records {
            path: self
                .sources
                .first()
                .map(|source| source.name.clone())
                .unwrap_or_default(),
            why: match (self.faults, self.sources.is_empty()) {
                (_, true) => "no file in it ends in .ndjson",
                (0, _) => "it is empty",
                _ => "no line of it is a record",
            },
        }
    }
}

fn directory(path: &str) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| read(path, error))? {
        let found = entry.map_err(|error| read(path, error))?.path();
        if found.extension().is_some_and(|ending| ending == "ndjson") {
            names.push(found.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn read(path: &str, error: io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        error,
    }
}

/// Lines of bounded length, counted from 1.
struct Lines<R> {
    reader: R,
    at: usize,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> io::Result<Option<Result<String, &'static str>>> {
        let mut line = Vec::new();
        if (&mut self.reader)
            .take(LONGEST)
            .read_until(b'\n', &mut line)?
            == 0
        {
            return Ok(None);
        }
        self.at += 1;
        if line.last() != Some(&b'\n') && u64::try_from(line.len()) == Ok(LONGEST) {
            // Find its end, keeping nothing.
            loop {
                line.clear();
                let read = (&mut self.reader)
                    .take(LONGEST)
                    .read_until(b'\n', &mut line)?;
                if read == 0 || line.last() == Some(&b'\n') {
                    return Ok(Some(Err("it is longer than any record")));
                }
            }
        }
        Ok(Some(String::from_utf8(line).map_err(|_| "it is not UTF-8")))
    }
}
