//! All targets of a scan, one after the other: inputs read line by line, networks counted through,
//! less what is excluded, of another shard, double, or done already.

use std::collections::{HashSet, VecDeque};
use std::io::{self, BufRead};
use std::net::IpAddr;
use std::sync::Arc;

use super::block::{Addresses, Block, BlockSet};
use super::input::{Entry, Hosts, Ports, read_line};
use super::target::{Place, Target, fingerprint};

/// A longer line is no list of targets; a record of ours, which may be a line too, is shorter.
const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// How many targets of one input are remembered, so that none is probed twice.
const REMEMBERED: usize = 1_000_000;

/// Networks smaller than this are remembered address by address.
const SMALL: u128 = 256;

/// How many bigger networks of one input are remembered.
const REMEMBERED_BLOCKS: usize = 1_000;

/// Where targets come from.
pub enum Input {
    /// The arguments of the command.
    Arguments(Vec<String>),
    /// The lines of a file or stream.
    Lines {
        /// Its name, `-` for standard input.
        name: Arc<str>,
        /// What is in it.
        reader: Box<dyn BufRead + Send>,
        /// Whether its targets are remembered, so that none is probed twice.
        remembers: bool,
    },
}

impl std::fmt::Debug for Input {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Arguments(arguments) => out.debug_tuple("Arguments").field(arguments).finish(),
            Self::Lines { name, .. } => out.debug_tuple("Lines").field(name).finish(),
        }
    }
}

/// A part of the targets, from 1 to `of`: by host, so that one address is never in two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shard {
    /// Which.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

impl Shard {
    /// Whether a host is in this part: the same answer on every machine and in every release.
    pub fn has(self, host: &str) -> bool {
        // The remainder needs bits that are mixed well; the low ones of FNV-1a are not.
        let hash = fingerprint(host);
        let mixed = u64::try_from((hash ^ (hash >> 64)) & u128::from(u64::MAX)).unwrap_or_default();
        let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        (mixed ^ (mixed >> 33)) % self.of.max(1) + 1 == self.number
    }
}

/// What is never probed.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    /// Addresses.
    pub addresses: BlockSet,
    /// Names, in lower case.
    pub names: HashSet<String>,
}

/// What decides which targets there are.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The ports, where a line names none.
    pub ports: Vec<u16>,
    /// Whether the user chose them.
    pub ports_chosen: bool,
    /// What is never probed.
    pub exclusions: Exclusions,
    /// Which part.
    pub shard: Option<Shard>,
    /// The fingerprints of what is done already.
    pub done: Arc<HashSet<u128>>,
}

/// What a source yields.
#[derive(Debug)]
pub enum Item {
    /// A target.
    Target(Target),
    /// A line that is none.
    Bad {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        why: String,
    },
    /// An input that cannot be read to its end.
    Unreadable {
        /// Which.
        name: Arc<str>,
        /// Why.
        error: io::Error,
    },
}

/// How many targets there were and what was left out of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Targets that were yielded.
    pub targets: u64,
    /// Double ones.
    pub duplicates: u64,
    /// Excluded ones.
    pub excluded: u128,
    /// Of other shards.
    pub of_other_shards: u64,
    /// Done already.
    pub done: u64,
    /// Lines that are no targets.
    pub bad: u64,
}

/// The targets of all inputs.
pub struct Source {
    selection: Arc<Selection>,
    inputs: VecDeque<Input>,
    current: Option<Reading>,
    entries: VecDeque<Entry>,
    expansion: Option<Expansion>,
    counts: Counts,
}

/// An input that is being read.
struct Reading {
    input: Input,
    line: u64,
    seen: Option<Seen>,
}

/// An entry that is being spelled out: its ports one after the other, so that two ports of an
/// address are not asked at once.
struct Expansion {
    entry: Entry,
    ports: VecDeque<u16>,
    addresses: Option<Addresses>,
}

/// What was seen of one input.
#[derive(Default)]
struct Seen {
    keys: HashSet<u128>,
    blocks: Vec<(Block, u16)>,
}

impl Source {
    /// The targets of these inputs in order.
    pub fn new(inputs: Vec<Input>, selection: Arc<Selection>) -> Self {
        Self {
            selection,
            inputs: inputs.into(),
            current: None,
            entries: VecDeque::new(),
            expansion: None,
            counts: Counts::default(),
        }
    }

    /// What was yielded and left out so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The next entry, or what is wrong with its line.
    fn next_entry(&mut self) -> Option<Result<Entry, Item>> {
        loop {
            if let Some(entry) = self.entries.pop_front() {
                return Some(Ok(entry));
            }
            let reading = match &mut self.current {
                Some(reading) => reading,
                None => {
                    let input = self.inputs.pop_front()?;
                    let remembers = match &input {
                        Input::Arguments(_) => true,
                        Input::Lines { remembers, .. } => *remembers,
                    };
                    self.current.insert(Reading {
                        input,
                        line: 0,
                        seen: remembers.then(Seen::default),
                    })
                }
            };
            let index = usize::try_from(reading.line).unwrap_or(usize::MAX);
            reading.line += 1;
            let (text, place) = match &mut reading.input {
                Input::Arguments(arguments) => match arguments.get(index) {
                    Some(argument) => (Ok(argument.clone()), Place::default()),
                    None => {
                        self.current = None;
                        continue;
                    }
                },
                Input::Lines { name, reader, .. } => {
                    let place = Place {
                        file: Some(Arc::clone(name)),
                        line: Some(reading.line),
                        ..Place::default()
                    };
                    match read_text(reader) {
                        Ok(Some(text)) => (text, place),
                        Ok(None) => {
                            self.current = None;
                            continue;
                        }
                        Err(error) => {
                            let name = Arc::clone(name);
                            self.current = None;
                            return Some(Err(Item::Unreadable { name, error }));
                        }
                    }
                }
            };
            let ports = Ports {
                list: &self.selection.ports,
                chosen: self.selection.ports_chosen,
            };
            match text.and_then(|text| read_line(&text, place.clone(), ports)) {
                Ok(entries) => self.entries.extend(entries),
                Err(why) => {
                    self.counts.bad += 1;
                    return Some(Err(Item::Bad { place, why }));
                }
            }
        }
    }

    /// The next target of the entry that is being spelled out.
    fn next_of_expansion(&mut self) -> Option<Target> {
        loop {
            let expansion = self.expansion.as_mut()?;
            let Some(port) = expansion.ports.front().copied() else {
                self.expansion = None;
                return None;
            };
            let host = match &expansion.entry.hosts {
                Hosts::Name(name) => {
                    expansion.ports.pop_front();
                    name.clone()
                }
                Hosts::Block(block) => {
                    let addresses = expansion.addresses.get_or_insert(block.into_iter());
                    let Some(address) = addresses.next() else {
                        expansion.ports.pop_front();
                        expansion.addresses = None;
                        continue;
                    };
                    if let Some(excluded) = self.selection.exclusions.addresses.block_of(address) {
                        let last = excluded.last().min(block.last());
                        self.counts.excluded += Block::between(address, last).count();
                        addresses.skip_to_after(last);
                        continue;
                    }
                    if self.selection.exclusions.addresses.has(address) {
                        self.counts.excluded += 1;
                        continue;
                    }
                    address.to_string()
                }
            };
            let entry = &expansion.entry;
            let target = Target {
                host,
                hostaddr: entry.hostaddr,
                port,
                dbname: entry.dbname.clone(),
                user: entry.user.clone(),
                of_network: matches!(entry.hosts, Hosts::Block(block) if block.count() > 1),
                place: Arc::clone(&entry.place),
            };
            let block = match entry.hosts {
                Hosts::Block(block) if block.count() >= SMALL => Some(block),
                _ => None,
            };
            if self.takes(&target, block) {
                return Some(target);
            }
        }
    }

    /// Whether a target is to be probed; counts it if not.
    fn takes(&mut self, target: &Target, block: Option<Block>) -> bool {
        let selection = &self.selection;
        let excluded = &selection.exclusions;
        let lower = || target.host.to_ascii_lowercase();
        if (!excluded.names.is_empty() && excluded.names.contains(&lower()))
            || target
                .hostaddr
                .is_some_and(|address| excluded.addresses.has(address))
        {
            self.counts.excluded += 1;
            return false;
        }
        if selection
            .shard
            .is_some_and(|shard| !shard.has(&target.host))
        {
            self.counts.of_other_shards += 1;
            return false;
        }
        let seen = self
            .current
            .as_mut()
            .and_then(|reading| reading.seen.as_mut());
        if seen.is_none() && selection.done.is_empty() {
            return true;
        }
        let print = fingerprint(&target.key());
        if selection.done.contains(&print) {
            self.counts.done += 1;
            return false;
        }
        if seen.is_some_and(|seen| seen.before(target, print, block)) {
            self.counts.duplicates += 1;
            return false;
        }
        true
    }

    /// Remembers a big network before it is spelled out.
    fn note_block(&mut self, entry: &Entry, ports: &VecDeque<u16>) {
        let seen = self
            .current
            .as_mut()
            .and_then(|reading| reading.seen.as_mut());
        if let (Some(seen), Hosts::Block(block)) = (seen, &entry.hosts)
            && block.count() >= SMALL
            && entry.dbname.is_none()
            && entry.user.is_none()
            && seen.blocks.len() < REMEMBERED_BLOCKS
        {
            seen.blocks.extend(ports.iter().map(|port| (*block, *port)));
        }
    }
}

impl Seen {
    /// Whether a target was there before; `block` is the big network that it comes from.
    fn before(&mut self, target: &Target, print: u128, block: Option<Block>) -> bool {
        if target.hostaddr.is_none()
            && target.dbname.is_none()
            && target.user.is_none()
            && !self.blocks.is_empty()
            && let Ok(address) = target.host.parse::<IpAddr>()
        {
            // The network that it comes from is the last of those with its port.
            let own = block.and_then(|block| {
                self.blocks
                    .iter()
                    .rposition(|other| *other == (block, target.port))
            });
            let others = self.blocks.iter().enumerate();
            if others
                .filter(|(place, _)| Some(*place) != own)
                .any(|(_, (block, port))| *port == target.port && block.contains(address))
            {
                return true;
            }
        }
        if block.is_some() || self.keys.len() >= REMEMBERED {
            return self.keys.contains(&print);
        }
        !self.keys.insert(print)
    }
}

impl Iterator for Source {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(target) = self.next_of_expansion() {
                self.counts.targets += 1;
                return Some(Item::Target(target));
            }
            match self.next_entry()? {
                Ok(entry) => {
                    let ports: VecDeque<u16> = match entry.port {
                        Some(port) => [port].into(),
                        None => self.selection.ports.iter().copied().collect(),
                    };
                    self.note_block(&entry, &ports);
                    self.expansion = Some(Expansion {
                        entry,
                        ports,
                        addresses: None,
                    });
                }
                Err(item) => return Some(item),
            }
        }
    }
}

/// The next line; inside, why it is none.
type Line = Result<String, String>;

/// Reads a line, of which no more is kept than a list of targets can have.
fn read_text(reader: &mut Box<dyn BufRead + Send>) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let length = io::Read::take(&mut *reader, LONGEST_LINE).read_until(b'\n', &mut bytes)?;
    if length == 0 {
        return Ok(None);
    }
    if !bytes.ends_with(b"\n") && u64::try_from(length).is_ok_and(|length| length >= LONGEST_LINE) {
        reader.skip_until(b'\n')?;
        return Ok(Some(Err("the line is too long".into())));
    }
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let why = if utf16 { "UTF-16, not" } else { "no" };
    Ok(Some(
        String::from_utf8(bytes).map_err(|_| format!("the line is {why} UTF-8")),
    ))
}

/// How many targets there will be at most: all inputs read, nothing remembered.
pub fn count(inputs: Vec<Input>, selection: &Selection) -> u128 {
    let ports = selection.ports.len();
    let selection = Arc::new(Selection {
        ports: selection.ports.clone(),
        ports_chosen: selection.ports_chosen,
        ..Selection::default()
    });
    let mut source = Source::new(inputs, selection);
    let mut count: u128 = 0;
    while let Some(next) = source.next_entry() {
        let Ok(entry) = next else { continue };
        let hosts = match &entry.hosts {
            Hosts::Name(_) => 1,
            Hosts::Block(block) => block.count(),
        };
        let ports = if entry.port.is_some() { 1 } else { ports };
        count = count.saturating_add(hosts.saturating_mul(u128::try_from(ports).unwrap_or(1)));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, remembers: bool) -> Input {
        Input::Lines {
            name: "list".into(),
            reader: Box::new(io::Cursor::new(text.to_owned())),
            remembers,
        }
    }

    fn arguments(words: &[&str]) -> Input {
        Input::Arguments(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn selection(ports: &[u16]) -> Selection {
        Selection {
            ports: ports.to_vec(),
            ..Selection::default()
        }
    }

    fn keys(inputs: Vec<Input>, selection: Selection) -> (Vec<String>, Counts) {
        let mut source = Source::new(inputs, Arc::new(selection));
        let mut keys = Vec::new();
        for item in source.by_ref() {
            keys.push(match item {
                Item::Target(target) => target.key(),
                Item::Bad { place, why } => format!("{}: {why}", place.line.unwrap_or_default()),
                Item::Unreadable { error, .. } => error.to_string(),
            });
        }
        (keys, source.counts())
    }

    #[test]
    fn a_network_is_spelled_out_port_by_port() {
        let (keys, counts) = keys(
            vec![arguments(&["192.0.2.0/31", "db:1"])],
            selection(&[5432, 5433]),
        );
        let expected = [
            "192.0.2.0:5432",
            "192.0.2.1:5432",
            "192.0.2.0:5433",
            "192.0.2.1:5433",
            "db:1",
        ];
        assert_eq!(keys, expected);
        assert_eq!(counts.targets, 5);
    }

    #[test]
    fn what_is_double_in_a_file_is_probed_once_and_in_a_stream_twice() {
        let text = "10.0.0.1\n10.0.0.0/30\ndb\n10.0.0.2:5432\ndb:5432\ndb:1\n";
        let (once, counts) = keys(vec![lines(text, true)], selection(&[5432]));
        let expected = [
            "10.0.0.1:5432",
            "10.0.0.0:5432",
            "10.0.0.2:5432",
            "10.0.0.3:5432",
            "db:5432",
            "db:1",
        ];
        assert_eq!(once, expected);
        assert_eq!(counts.duplicates, 3);
        let (twice, _) = keys(vec![lines(text, false)], selection(&[5432]));
        assert_eq!(twice.len(), 9);
    }

    #[test]
    fn networks_that_overlap_are_probed_once() {
        let text = "10.0.0.7\n10.0.0.0/23\n10.0.1.0/24\n10.0.0.9\n10.0.0.9:1\n10.0.0.0/23\n";
        let (keys, counts) = keys(vec![lines(text, true)], selection(&[5432]));
        assert_eq!(keys.len(), 512 + 1);
        assert_eq!(counts.duplicates, 1 + 256 + 1 + 512);
        let distinct: HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn what_is_excluded_is_jumped_over() {
        let mut selection = selection(&[5432]);
        let blocks = ["10.0.0.0/9", "10.128.0.2-10.255.255.254"];
        selection.exclusions = Exclusions {
            addresses: BlockSet::new(
                blocks
                    .map(|text| Block::parse(text).unwrap().unwrap())
                    .to_vec(),
            ),
            names: ["db".to_owned()].into(),
        };
        let words = [
            "10.0.0.0/8",
            "DB",
            "postgresql://x/?hostaddr=10.0.0.1",
            "other",
        ];
        let (keys, counts) = keys(vec![arguments(&words)], selection);
        let expected = [
            "10.128.0.0:5432",
            "10.128.0.1:5432",
            "10.255.255.255:5432",
            "other:5432",
        ];
        assert_eq!(keys, expected);
        assert_eq!(counts.excluded, (1 << 24) - 3 + 2);
    }

    #[test]
    fn the_shards_are_all_of_it_and_an_address_is_in_one() {
        let whole = keys(vec![arguments(&["10.0.0.0/22"])], selection(&[1, 2])).0;
        let mut together = Vec::new();
        for number in 1..=7 {
            let shard = Selection {
                shard: Some(Shard { number, of: 7 }),
                ..selection(&[1, 2])
            };
            let part = keys(vec![arguments(&["10.0.0.0/22"])], shard).0;
            assert!((200..400).contains(&part.len()), "{}", part.len());
            let host = |key: &String| key.split(':').next().unwrap().to_owned();
            let hosts: HashSet<_> = part.iter().map(host).collect();
            assert_eq!(part.len(), 2 * hosts.len());
            together.extend(part);
        }
        together.sort();
        let mut whole = whole;
        whole.sort();
        assert_eq!(together, whole);
        // Written down: it must never change, or machines of two releases would miss hosts.
        let of: Vec<u64> = ["192.0.2.1", "db.example.com", "2001:db8::1"]
            .iter()
            .map(|host| {
                (1..=8)
                    .find(|number| {
                        Shard {
                            number: *number,
                            of: 8,
                        }
                        .has(host)
                    })
                    .unwrap()
            })
            .collect();
        assert_eq!(of, SHARDS);
    }

    const SHARDS: [u64; 3] = [2, 6, 1];

    #[test]
    fn bad_lines_have_their_number_and_the_rest_goes_on() {
        let long = "x".repeat(usize::try_from(LONGEST_LINE).unwrap() + 1);
        let text = format!("a\n10.0.0.0/99\n{long}\nb\n");
        let (keys, counts) = keys(vec![lines(&text, true)], selection(&[1]));
        let expected = [
            "a:1",
            "2: \"10.0.0.0/99\": the number of bits after / is too big or no number",
            "3: the line is too long",
            "b:1",
        ];
        assert_eq!(keys, expected);
        assert_eq!(counts.bad, 2);
    }

    #[test]
    fn what_is_done_is_passed_over() {
        let mut selection = selection(&[5432]);
        selection.done = Arc::new([fingerprint("10.0.0.1:5432")].into());
        let (keys, counts) = keys(vec![arguments(&["10.0.0.0/31"])], selection);
        assert_eq!(keys, ["10.0.0.0:5432"]);
        assert_eq!(counts.done, 1);
    }

    #[test]
    fn the_count_is_known_beforehand() {
        let inputs = vec![
            arguments(&["10.0.0.0/8", "db:1"]),
            lines("a\nb\n\n#\n!/\n", true),
        ];
        assert_eq!(count(inputs, &selection(&[1, 2])), (1 << 25) + 1 + 4);
    }
}
