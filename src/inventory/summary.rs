//! Counts over all hosts: what the charts draw and the cards say.

use std::collections::BTreeMap;

use time::{Date, Month, OffsetDateTime};

use super::attention::{DAY, Remark, SOON, Weight};
use super::host::{Host, MODES};

/// Issuers and keys beyond these are "other".
const MOST_BARS: usize = 12;

/// More different words than these of one kind are not told apart: records are not trusted.
const MOST_WORDS: usize = 100_000;

/// How many of each word.
pub type Counts = BTreeMap<String, u64>;

/// Counts, filled a host at a time.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The time that expiry is counted from, in seconds since 1970.
    pub now: i64,
    /// All hosts.
    pub hosts: u64,
    /// By the contract's word.
    pub statuses: Counts,
    /// By protocol version.
    pub versions: Counts,
    /// For each mode, by whether libpq takes the TLS.
    pub tls: [Counts; 6],
    /// For each mode, by outcome.
    pub outcomes: [Counts; 6],
    /// By issuer of the server's certificate.
    pub issuers: Counts,
    /// By key of the server's certificate.
    pub keys: Counts,
    /// Hosts whose chain has expired.
    pub expired: u64,
    /// Hosts whose chain expires in the month of that number from now, from 0; the last is later.
    pub expires: [u64; 13],
    /// Hosts whose chain expires soon.
    pub soon: u64,
    /// By remark.
    pub remarks: BTreeMap<&'static str, (Weight, u64)>,
    /// The earliest and latest time of a probe.
    pub probed: Option<(i64, i64)>,
}

impl Summary {
    /// Nothing counted yet.
    pub fn new(now: i64) -> Self {
        Self {
            now,
            hosts: 0,
            statuses: BTreeMap::new(),
            versions: BTreeMap::new(),
            tls: Default::default(),
            outcomes: Default::default(),
            issuers: BTreeMap::new(),
            keys: BTreeMap::new(),
            expired: 0,
            expires: [0; 13],
            soon: 0,
            remarks: BTreeMap::new(),
            probed: None,
        }
    }

    /// Counts a host with its remarks.
    pub fn count(&mut self, host: &Host, remarks: &[Remark]) {
        self.hosts += 1;
        bump(&mut self.statuses, &host.status);
        if !host.protocol_version.is_empty() {
            bump(&mut self.versions, &host.protocol_version);
        }
        if host.answered() {
            for (at, mode) in host.modes.iter().enumerate() {
                for (counts, word) in [
                    (self.tls.get_mut(at), &mode.tls),
                    (self.outcomes.get_mut(at), &mode.outcome),
                ] {
                    if let Some(counts) = counts.filter(|_| !word.is_empty()) {
                        bump(counts, word);
                    }
                }
            }
        }
        if let Some(leaf) = host.leaf() {
            let issuer = if leaf.self_signed {
                "self-signed"
            } else {
                &leaf.issuer
            };
            bump(&mut self.issuers, issuer);
            bump(&mut self.keys, &leaf.key);
        }
        if let Some(ends) = host.expires() {
            if ends < self.now {
                self.expired += 1;
            } else if let Some(count) = self.expires.get_mut(months(self.now, ends)) {
                *count += 1;
            }
            self.soon += u64::from((self.now..=self.now + SOON * DAY).contains(&ends));
        }
        for (weight, word) in remarks {
            self.remarks.entry(word).or_insert((*weight, 0)).1 += 1;
        }
        if host.probed_at != 0 {
            let (first, last) = self.probed.unwrap_or((host.probed_at, host.probed_at));
            self.probed = Some((first.min(host.probed_at), last.max(host.probed_at)));
        }
    }

    /// The names of the months in `expires`, `2026-11` first; the last is what comes later.
    pub fn month_names(&self) -> Vec<String> {
        let first = OffsetDateTime::from_unix_timestamp(self.now).map(OffsetDateTime::date);
        let mut day = first
            .unwrap_or(Date::MIN)
            .replace_day(1)
            .unwrap_or(Date::MIN);
        let mut names = Vec::new();
        for _ in 0..self.expires.len() - 1 {
            names.push(format!("{}-{:02}", day.year(), u8::from(day.month())));
            let month = day.month().next();
            let year = day.year() + i32::from(month == Month::January);
            day = Date::from_calendar_date(year, month, 1).unwrap_or(day);
        }
        names.push("later".to_owned());
        names
    }

    /// How many of a status.
    pub fn status(&self, word: &str) -> u64 {
        self.statuses.get(word).copied().unwrap_or_default()
    }

    /// The most frequent words, and the rest as `other`.
    pub fn most(counts: &Counts) -> Vec<(String, u64)> {
        let mut words: Vec<_> = counts.iter().map(|(word, n)| (word.clone(), *n)).collect();
        words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        if words.len() > MOST_BARS {
            let rest = words.split_off(MOST_BARS - 1);
            let (kinds, sum) = (rest.len(), rest.iter().map(|(_, n)| n).sum());
            words.push((format!("{kinds} others"), sum));
        }
        words
    }

    /// The words that stand in any mode of `counts`.
    pub fn words(counts: &[Counts; MODES.len()]) -> Vec<String> {
        let mut words: Vec<String> = counts.iter().flat_map(BTreeMap::keys).cloned().collect();
        words.sort();
        words.dedup();
        words
    }
}

fn bump(counts: &mut Counts, word: &str) {
    let word = if word.is_empty() { "not known" } else { word };
    if let Some(count) = counts.get_mut(word) {
        *count += 1;
    } else if counts.len() < MOST_WORDS {
        counts.insert(word.to_owned(), 1);
    } else {
        *counts.entry("other".to_owned()).or_default() += 1;
    }
}

/// Calendar months between two times, at most 12.
fn months(from: i64, to: i64) -> usize {
    let number = |seconds| {
        OffsetDateTime::from_unix_timestamp(seconds)
            .map(|time| i64::from(time.year()) * 12 + i64::from(u8::from(time.month())))
            .unwrap_or(i64::from(u16::MAX) * 12)
    };
    usize::try_from(number(to) - number(from))
        .unwrap_or_default()
        .min(12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::host::Chained;

    #[test]
    fn months_are_those_of_the_calendar() {
        let mut summary = Summary::new(1_796_000_000); // 2026-11-30
        for ends in [1_796_000_001, 1_796_083_200, 1_830_000_000, i64::MAX, 0] {
            let host = Host {
                certificates: vec![Chained {
                    not_after: Some(ends),
                    ..Chained::default()
                }],
                ..Host::default()
            };
            summary.count(&host, &[]);
        }
        assert_eq!(summary.expired, 1);
        assert_eq!(summary.expires, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        let names = summary.month_names();
        assert_eq!(names.len(), summary.expires.len());
        assert_eq!(names.first().map(String::as_str), Some("2026-11"));
        assert_eq!(names.get(2).map(String::as_str), Some("2027-01"));
    }

    #[test]
    fn what_is_rare_is_counted_together() {
        let counts = (0..40).map(|n| (format!("CA {n:02}"), 40 - n)).collect();
        let most = Summary::most(&counts);
        assert_eq!(most.len(), MOST_BARS);
        assert_eq!(most.first(), Some(&("CA 00".to_owned(), 40)));
        assert_eq!(
            most.iter().map(|(_, n)| n).sum::<u64>(),
            counts.values().sum::<u64>()
        );
    }
}
