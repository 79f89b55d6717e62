//! Blocks of addresses: a single one, a CIDR network, a range; never spelled out in memory.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of one family from the first to the last, both included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Block {
    v6: bool,
    first: u128,
    last: u128,
}

impl Block {
    /// The block of one address.
    pub fn of(address: IpAddr) -> Self {
        let (v6, bits) = bits(address);
        Self {
            v6,
            first: bits,
            last: bits,
        }
    }

    /// The addresses from one to another of the same family.
    pub fn between(first: IpAddr, last: IpAddr) -> Self {
        let (v6, first) = bits(first);
        let (_, last) = bits(last);
        Self {
            v6,
            first,
            last: last.max(first),
        }
    }

    /// Reads `192.0.2.1`, `192.0.2.0/24`, `192.0.2.1-192.0.2.9`, `192.0.2.1-9`, and the same with
    /// IPv6 addresses; `None` if `text` begins with no address, so that it may be a name.
    ///
    /// # Errors
    /// What is wrong with what follows the address.
    pub fn parse(text: &str) -> Option<Result<Self, &'static str>> {
        if is_octet_ranges(text) {
            return Some(Err(
                "a range is from an address to an address: 192.0.2.1-192.0.3.254 or 192.0.2.1-254",
            ));
        }
        if let Some((address, length)) = text.split_once('/') {
            return Some(network(address.parse().ok()?, length));
        }
        if let Some((first, last)) = text.split_once('-') {
            return Some(range(first.parse().ok()?, last));
        }
        Some(Ok(Self::of(text.parse().ok()?)))
    }

    /// How many addresses are in it; all of IPv6 count one less than they are.
    pub fn count(&self) -> u128 {
        (self.last - self.first).saturating_add(1)
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (v6, bits) = bits(address);
        self.v6 == v6 && (self.first..=self.last).contains(&bits)
    }

    /// Its last address.
    pub fn last(&self) -> IpAddr {
        address(self.v6, self.last)
    }

    /// Its first address.
    pub fn first(&self) -> IpAddr {
        address(self.v6, self.first)
    }

    /// What comes of it after an address; `None` if nothing does.
    pub fn after(&self, address: IpAddr) -> Option<Self> {
        let (v6, bits) = bits(address);
        let first = bits.checked_add(1)?.max(self.first);
        (self.v6 == v6 && first <= self.last).then_some(Self { first, ..*self })
    }
}

/// Whether it is nmap's form of ranges in any octet, such as 10.0.0-3.1-254, 10.0.*.1, 10.0.1,3.7;
/// taken for a name it would be looked up.
fn is_octet_ranges(text: &str) -> bool {
    let octets: Vec<_> = text.split('.').collect();
    let [first @ .., last] = octets.as_slice() else {
        return false;
    };
    let set = |octet: &&str| {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        *octet == "*" || !octet.is_empty() && octet.split(['-', ',']).all(digits)
    };
    let many = |octet: &&str| octet.contains(['-', ',', '*']);
    first.len() == 3
        && octets.iter().all(set)
        && (first.iter().any(many) || last.contains(['*', ',']))
}

fn network(of: IpAddr, length: &str) -> Result<Block, &'static str> {
    let (v6, bits) = bits(of);
    let width: u32 = if v6 { 128 } else { 32 };
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let length: u32 = length
        .parse()
        .ok()
        .filter(|length| digits && *length <= width)
        .ok_or("the number of bits after / is too big or no number")?;
    let mask = u128::MAX
        .checked_shr(128 - width + length)
        .unwrap_or_default();
    Ok(Block {
        v6,
        first: bits & !mask,
        last: bits | mask,
    })
}

fn range(from: IpAddr, to: &str) -> Result<Block, &'static str> {
    let (v6, first) = bits(from);
    let to = match (from, to.parse::<IpAddr>()) {
        (_, Ok(to)) => to,
        // The last number alone, as nmap has it.
        (IpAddr::V4(from), Err(_)) => {
            let [a, b, c, _] = from.octets();
            let last = to.parse().map_err(|_| "after - comes an address")?;
            IpAddr::V4(Ipv4Addr::new(a, b, c, last))
        }
        (IpAddr::V6(_), Err(_)) => return Err("after - comes an address"),
    };
    match bits(to) {
        (family, last) if family == v6 && first <= last => Ok(Block { v6, first, last }),
        (family, _) if family == v6 => Err("the range ends before it begins"),
        _ => Err("a range has one family of addresses"),
    }
}

fn bits(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => (false, u32::from(address).into()),
        IpAddr::V6(address) => (true, u128::from(address)),
    }
}

fn address(v6: bool, bits: u128) -> IpAddr {
    if v6 {
        IpAddr::V6(Ipv6Addr::from(bits))
    } else {
        IpAddr::V4(Ipv4Addr::from(u32::try_from(bits).unwrap_or(u32::MAX)))
    }
}

/// Its addresses in order; the iterator is as small as the block.
#[derive(Clone, Copy, Debug)]
pub struct Addresses(Option<Block>);

impl IntoIterator for Block {
    type Item = IpAddr;
    type IntoIter = Addresses;

    fn into_iter(self) -> Addresses {
        Addresses(Some(self))
    }
}

impl Addresses {
    /// Goes on after an address.
    pub fn skip_to_after(&mut self, address: IpAddr) {
        self.0 = self.0.and_then(|block| block.after(address));
    }
}

impl Iterator for Addresses {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        let block = self.0?;
        let next = block.first();
        self.0 = block.after(next);
        Some(next)
    }
}

/// A set of blocks that answers quickly: sorted, none touching another.
#[derive(Clone, Debug, Default)]
pub struct BlockSet(Vec<Block>);

impl BlockSet {
    /// The union of blocks.
    pub fn new(mut blocks: Vec<Block>) -> Self {
        for block in &mut blocks {
            let ends = [block.first(), block.last()].map(|end| end.to_canonical());
            if let [IpAddr::V4(_), IpAddr::V4(_)] = ends {
                *block = Block::between(ends[0], ends[1]);
            }
        }
        blocks.sort_by_key(|block| (block.v6, block.first));
        let mut merged: Vec<Block> = Vec::new();
        for block in blocks {
            match merged.last_mut() {
                Some(before) if before.v6 == block.v6 && block.first <= before.last => {
                    before.last = before.last.max(block.last);
                }
                _ => merged.push(block),
            }
        }
        Self(merged)
    }

    /// Whether an address is in it, also as the IPv6 address that stands for an IPv4 one.
    pub fn has(&self, address: IpAddr) -> bool {
        self.block_of(address).is_some() || self.block_of(address.to_canonical()).is_some()
    }

    /// The block of the set that an address is in.
    pub fn block_of(&self, address: IpAddr) -> Option<Block> {
        let (v6, bits) = bits(address);
        let after = self
            .0
            .partition_point(|block| (block.v6, block.first) <= (v6, bits));
        let block = self.0.get(after.checked_sub(1)?)?;
        block.contains(address).then_some(*block)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> Vec<String> {
        let block = Block::parse(text).unwrap().unwrap();
        block
            .into_iter()
            .map(|address| address.to_string())
            .collect()
    }

    #[test]
    fn networks_and_ranges_are_their_addresses_from_first_to_last() {
        for (text, addresses) in [
            ("192.0.2.7", &["192.0.2.7"][..]),
            ("192.0.2.7/31", &["192.0.2.6", "192.0.2.7"]),
            ("192.0.2.7/32", &["192.0.2.7"]),
            (
                "255.255.255.254-255.255.255.255",
                &["255.255.255.254", "255.255.255.255"],
            ),
            ("192.0.2.7-8", &["192.0.2.7", "192.0.2.8"]),
            ("2001:db8::/127", &["2001:db8::", "2001:db8::1"]),
            (
                "2001:db8::ffff-2001:db8::1:0",
                &["2001:db8::ffff", "2001:db8::1:0"],
            ),
            (
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
                &["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
            ),
        ] {
            assert_eq!(spelled(text), addresses, "{text}");
        }
        for (text, count) in [
            ("0.0.0.0/0", 1 << 32),
            ("10.0.0.0/8", 1 << 24),
            ("2001:db8::/64", 1 << 64),
            ("::/0", u128::MAX),
        ] {
            assert_eq!(
                Block::parse(text).unwrap().unwrap().count(),
                count,
                "{text}"
            );
        }
        let huge = Block::parse("::/0").unwrap().unwrap();
        assert_eq!(huge.into_iter().nth(2).unwrap().to_string(), "::2");
    }

    #[test]
    fn what_is_wrong_is_said_and_a_name_is_no_block() {
        for text in [
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/+8",
            "192.0.2.9-192.0.2.1",
            "192.0.2.9-1",
            "192.0.2.9-x",
            "192.0.2.9-2001:db8::1",
            "::1-9",
            "2001:db8::/129",
            "10.0.0-3.1-254",
            "10.0.*.1",
            "10.0.0.*",
            "10.0.0.1,7",
            "10,11.0.0.1",
        ] {
            assert!(Block::parse(text).unwrap().is_err(), "{text}");
        }
        for name in [
            "db-1",
            "db.example.com",
            "db/24",
            "10-20.example.com",
            "10-0-0-1.in.example.com",
            "1-2.3.4",
            "a.b.c.*",
            "",
            "1.2.3",
        ] {
            assert!(Block::parse(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_set_finds_the_block_that_covers_an_address() {
        let blocks = ["10.0.0.0/24", "10.0.0.128-10.0.1.5", "::1", "10.0.9.0/24"];
        let set = BlockSet::new(
            blocks
                .iter()
                .map(|text| Block::parse(text).unwrap().unwrap())
                .collect(),
        );
        for (address, last) in [
            ("10.0.0.0", Some("10.0.1.5")),
            ("10.0.1.5", Some("10.0.1.5")),
            ("10.0.1.6", None),
            ("9.255.255.255", None),
            ("::1", Some("::1")),
            ("::2", None),
            ("0.0.0.1", None),
        ] {
            let found = set.block_of(address.parse().unwrap());
            let found = found.map(|block| block.last().to_string());
            assert_eq!(found.as_deref(), last, "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_is_excluded_however_it_is_written() {
        for text in ["10.0.0.0/24", "::ffff:10.0.0.0/120"] {
            let set = BlockSet::new(vec![Block::parse(text).unwrap().unwrap()]);
            for (address, has) in [
                ("10.0.0.7", true),
                ("::ffff:10.0.0.7", true),
                ("10.0.1.7", false),
                ("::ffff:10.0.1.7", false),
                ("::10.0.0.7", false),
            ] {
                assert_eq!(set.has(address.parse().unwrap()), has, "{text} {address}");
            }
        }
    }
}
