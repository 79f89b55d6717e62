//! The values of keywords, found in a few steps: a verdict asks for hundreds of them.

use std::collections::BTreeMap;

use super::Origin;

/// At least twice as many as there are keywords.
const SLOTS: usize = 256;

/// Values by keyword, each where its letters say, or in the next free place.
#[derive(Debug, PartialEq)]
pub(super) struct Values(Vec<Option<(&'static str, String, Origin)>>);

/// Tells apart all but a few of libpq's keywords.
fn place(keyword: &str) -> usize {
    let bytes = keyword.as_bytes();
    let at = |place: usize| bytes.get(place).copied().map_or(0, usize::from);
    let last = bytes.len().saturating_sub(1);
    let middle = bytes.len() / 2;
    bytes.len() * 5 + at(0) * 7 + at(middle) * 31 + at(last) * 13
}

impl From<BTreeMap<&'static str, (String, Origin)>> for Values {
    fn from(values: BTreeMap<&'static str, (String, Origin)>) -> Self {
        let mut slots = vec![None; SLOTS.max(2 * values.len()).next_power_of_two()];
        let mask = slots.len() - 1;
        for (keyword, (value, origin)) in values {
            let free = (place(keyword)..).find(|at| slots.get(at & mask) == Some(&None));
            if let Some(slot) = free.and_then(|at| slots.get_mut(at & mask)) {
                *slot = Some((keyword, value, origin));
            }
        }
        Self(slots)
    }
}

impl Values {
    pub(super) fn get(&self, keyword: &str) -> Option<(&str, Origin)> {
        let mask = self.0.len() - 1;
        for at in place(keyword).. {
            match self.0.get(at & mask)? {
                Some((known, value, origin)) if *known == keyword => {
                    return Some((value, *origin));
                }
                Some(_) => {}
                None => return None,
            }
        }
        None
    }

    /// In no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, (&str, Origin))> {
        let all = self.0.iter().flatten();
        all.map(|(keyword, value, origin)| (*keyword, (value.as_str(), *origin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conninfo::KEYWORDS;

    #[test]
    fn what_was_put_in_is_found_and_nothing_else() {
        for left_out in KEYWORDS {
            let there = KEYWORDS.iter().filter(|row| row.name != left_out.name);
            let values: BTreeMap<_, _> = there
                .map(|row| (row.name, (row.name.to_owned(), Origin::Default)))
                .collect();
            let all = values.clone();
            let found = Values::from(values);
            for row in KEYWORDS {
                let expected = all
                    .get(row.name)
                    .map(|(value, origin)| (value.as_str(), *origin));
                assert_eq!(found.get(row.name), expected);
            }
            assert_eq!(found.iter().count(), all.len());
            assert_eq!(found.get(""), None);
        }
    }

    #[test]
    fn most_are_found_in_one_step() {
        let mut steps = 0;
        let rows = KEYWORDS.iter();
        let values = rows.map(|row| (row.name, (String::new(), Origin::Default)));
        let Values(slots) = Values::from(values.collect::<BTreeMap<_, _>>());
        let mask = slots.len() - 1;
        for row in KEYWORDS {
            let at = slots
                .iter()
                .position(|slot| matches!(slot, Some((known, ..)) if *known == row.name));
            steps += (at.unwrap().wrapping_sub(place(row.name)) & mask) + 1;
        }
        assert!(steps <= KEYWORDS.len() * 3 / 2, "{steps}");
    }
}
