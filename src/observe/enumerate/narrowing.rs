//! A list of which the server takes one after the other, until nothing is left that it takes.

use crate::observation::enumeration::Order;

/// Groups or signature schemes on their way to being known all.
#[derive(Clone, Debug)]
pub(super) struct Narrowing {
    offered: &'static [u16],
    /// What the server took, in its order.
    pub(super) taken: Vec<u16>,
    /// Whether `taken` is all.
    pub(super) complete: bool,
}

impl Narrowing {
    pub(super) fn new(offered: &'static [u16]) -> Self {
        Self {
            offered,
            taken: Vec::new(),
            complete: false,
        }
    }

    /// All that can be offered.
    pub(super) fn all(&self) -> Vec<u16> {
        self.offered.to_vec()
    }

    /// What the server has not taken yet.
    pub(super) fn rest(&self) -> Vec<u16> {
        let rest = self.offered.iter().copied();
        rest.filter(|code| !self.taken.contains(code)).collect()
    }

    /// Notes what the server took; false if it was not offered.
    pub(super) fn take(&mut self, code: u16) -> bool {
        let offered = self.offered.contains(&code) && !self.taken.contains(&code);
        if offered {
            self.taken.push(code);
        }
        offered
    }

    /// Who decides, as far as the answers alone tell.
    pub(super) fn order(&self) -> Option<Order> {
        order_of(&self.taken, self.offered)
    }
}

/// Who decides about the order: the server, if it took something that stood later in the offer
/// before something that stood earlier. Otherwise both orders explain it.
pub(super) fn order_of(taken: &[u16], offered: &[u16]) -> Option<Order> {
    let places: Vec<_> = taken
        .iter()
        .filter_map(|code| offered.iter().position(|other| other == code))
        .collect();
    (!places.is_sorted()).then_some(Order::Server)
}

/// Who decides, by the answer to `taken` in reverse order.
pub(super) fn order_by_reversed(taken: &[u16], answer: u16) -> Order {
    if taken.first() == Some(&answer) {
        Order::Server
    } else if taken.last() == Some(&answer) {
        Order::Client
    } else {
        Order::Neither
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_not_offered_again_and_nothing_else_counts() {
        let mut narrowing = Narrowing::new(&[1, 2, 3]);
        assert!(narrowing.take(2));
        assert!(!narrowing.take(2));
        assert!(!narrowing.take(9));
        assert_eq!(narrowing.rest(), [1, 3]);
        assert_eq!(narrowing.all(), [1, 2, 3]);
    }

    #[test]
    fn only_an_answer_against_the_offer_proves_the_servers_own_order() {
        assert_eq!(order_of(&[3, 1], &[1, 2, 3]), Some(Order::Server));
        assert_eq!(order_of(&[1, 3], &[1, 2, 3]), None);
        assert_eq!(order_by_reversed(&[1, 3], 1), Order::Server);
        assert_eq!(order_by_reversed(&[1, 3], 3), Order::Client);
        assert_eq!(order_by_reversed(&[1, 2, 3], 2), Order::Neither);
    }
}
