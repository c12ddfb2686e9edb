//! When each send came and when it was answered, whatever became of it: the outside measure of how fast a client sends, and
//! of how many of its sends are under way at once.
//!
//! Kept apart from the messages, because a send that is refused or cut off makes none and is a send all the same. Only the
//! latest of an account are kept; how many were forgotten is told, so that nobody takes a part for the whole.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;

use crate::account::Account;
use crate::clock;
use crate::sync::lock;

/// Of each account.
const KEPT: usize = 100_000;

/// One send, in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Visit {
    arrived_ms: i64,
    /// None while it is under way.
    answered_ms: Option<i64>,
}

/// The sends of one account, in the order in which they came.
#[derive(Default)]
pub(crate) struct Visits {
    kept: VecDeque<Visit>,
    /// The number of the first that is kept.
    first: u64,
    forgotten: u64,
}

impl Visits {
    /// Those that are kept.
    pub(crate) fn kept(&self) -> impl Iterator<Item = Visit> + '_ {
        self.kept.iter().copied()
    }

    /// How many were too many to keep.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Forgets all of them; one under way ends unseen.
    pub(crate) fn reset(&mut self) {
        self.first += self.kept.len() as u64;
        self.kept.clear();
        self.forgotten = 0;
    }

    fn arrive(&mut self, now_ms: i64) -> u64 {
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
            self.first += 1;
            self.forgotten += 1;
        }
        self.kept.push_back(Visit { arrived_ms: now_ms, answered_ms: None });
        self.first + self.kept.len() as u64 - 1
    }

    fn leave(&mut self, number: u64, now_ms: i64) {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some(visit) = place.and_then(|place| self.kept.get_mut(place)) {
            visit.answered_ms = Some(now_ms);
        }
    }
}

/// A send under way; over when dropped, also where the client hung up.
pub(crate) struct Visiting {
    account: Arc<Account>,
    number: u64,
}

impl Visiting {
    /// A send of `account` is here.
    pub(crate) fn begin(account: &Arc<Account>) -> Self {
        let number = lock(&account.visits).arrive(clock::now_ms());
        Self { account: Arc::clone(account), number }
    }
}

impl Drop for Visiting {
    fn drop(&mut self) {
        lock(&self.account.visits).leave(self.number, clock::now_ms());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(visits: &Visits) -> Vec<(i64, Option<i64>)> {
        visits.kept().map(|visit| (visit.arrived_ms, visit.answered_ms)).collect()
    }

    #[test]
    fn each_send_has_its_own_end_and_one_under_way_has_none() {
        let mut visits = Visits::default();
        let (first, _second) = (visits.arrive(10), visits.arrive(11));
        visits.leave(first, 15);
        assert_eq!(seen(&visits), [(10, Some(15)), (11, None)]);
    }

    #[test]
    fn what_began_before_a_reset_ends_nothing_after_it() {
        let mut visits = Visits::default();
        let first = visits.arrive(10);
        visits.reset();
        visits.arrive(20);
        visits.leave(first, 21);
        assert_eq!((seen(&visits), visits.forgotten()), (vec![(20, None)], 0));
    }

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let mut visits = Visits::default();
        (0..).take(KEPT + 1).for_each(|at| _ = visits.arrive(at));
        assert_eq!((visits.kept().next().unwrap().arrived_ms, visits.forgotten()), (1, 1));
    }
}
