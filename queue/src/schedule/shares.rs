//! Who gets how much of a look: what several are owed is shared in equal parts, and what of it is left is shared again.
//!
//! First among tenants, then a tenant's part among its schedules: the ticks of a long downtime of one hold up nobody
//! else's, and one that is alone gets all.

use chrono::{DateTime, Utc};

use super::{CatchUp, Rule};

/// Somebody who takes parts until all that is owed was taken.
pub(super) trait Owed {
    fn is_owed(&self) -> bool;

    /// Gives at most `part`; answers how much was taken. Who takes less is owed no more.
    fn give(&mut self, part: usize) -> usize;
}

/// Shares `room` among `all`; answers how much of it they took.
pub(super) fn share<T: Owed>(all: &mut [T], room: usize) -> usize {
    let mut left = room;
    loop {
        let owed: Vec<&mut T> = all.iter_mut().filter(|one| one.is_owed()).collect();
        let Some(part) = left.checked_div(owed.len()) else { return room - left };
        for one in owed {
            if left == 0 {
                return room;
            }
            left -= one.give(part.max(1).min(left));
        }
    }
}

/// The ticks that a schedule owes.
pub(super) struct Debt {
    /// Which schedule: its place in the look.
    pub schedule: usize,
    /// Those that were taken, in order.
    pub ticks: Vec<DateTime<Utc>>,
    /// The first one that was not.
    pub next: Option<DateTime<Utc>>,
    rule: Rule,
    catch_up: CatchUp,
    now: DateTime<Utc>,
    most: usize,
}

impl Debt {
    /// What the schedule in that place owes at `now`, where its ticks before `next` are done with; at most `most` ticks.
    pub fn new(
        schedule: usize,
        rule: Rule,
        catch_up: CatchUp,
        next: DateTime<Utc>,
        now: DateTime<Utc>,
        most: usize,
    ) -> Self {
        Self { schedule, ticks: Vec::new(), next: Some(next), rule, catch_up, now, most }
    }
}

impl Owed for Debt {
    fn is_owed(&self) -> bool {
        self.ticks.len() < self.most && self.next.is_some_and(|next| next <= self.now)
    }

    fn give(&mut self, part: usize) -> usize {
        let Some(next) = self.next else { return 0 };
        let due = self.catch_up.due(&self.rule, next, self.now, part.min(self.most - self.ticks.len()));
        let taken = due.ticks.len();
        self.ticks.extend(due.ticks);
        self.next = due.next;
        taken
    }
}

/// What the schedules of a tenant owe together.
pub(super) struct Tenant {
    /// How many more jobs of it may wait.
    pub room: usize,
    /// Its schedules.
    pub debts: Vec<Debt>,
}

impl Owed for Tenant {
    fn is_owed(&self) -> bool {
        self.room > 0 && self.debts.iter().any(Owed::is_owed)
    }

    fn give(&mut self, part: usize) -> usize {
        let taken = share(&mut self.debts, part.min(self.room));
        self.room -= taken;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is owed so much, and was given so much.
    struct Of(usize, usize);

    impl Owed for Of {
        fn is_owed(&self) -> bool {
            self.1 < self.0
        }

        fn give(&mut self, part: usize) -> usize {
            let taken = part.min(self.0 - self.1);
            self.1 += taken;
            taken
        }
    }

    fn given(owed: &[usize], room: usize) -> Vec<usize> {
        let mut all: Vec<Of> = owed.iter().map(|owed| Of(*owed, 0)).collect();
        let taken = share(&mut all, room);
        let given: Vec<usize> = all.iter().map(|one| one.1).collect();
        assert_eq!(given.iter().sum::<usize>(), taken);
        given
    }

    #[test]
    fn parts_are_equal_and_what_one_does_not_need_is_the_others() {
        assert_eq!(given(&[100, 100], 50), [25, 25]);
        assert_eq!(given(&[100, 1, 100], 51), [25, 1, 25]);
        assert_eq!(given(&[1_000, 20, 3], 100), [77, 20, 3]);
        assert_eq!(given(&[4, 5], 100), [4, 5]);
        assert_eq!(given(&[1_000], 100), [100]);
        assert_eq!(given(&[], 100), [0; 0]);
    }

    #[test]
    fn where_there_is_less_than_one_for_each_so_many_get_one() {
        assert_eq!(given(&[9, 9, 9], 2), [1, 1, 0]);
        assert_eq!(given(&[9, 9, 9], 0), [0, 0, 0]);
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Ten minutes of seconds.
    fn debt(most: usize) -> Debt {
        let (next, now) = (at("2026-01-01T10:00:00Z"), at("2026-01-01T10:10:00Z"));
        Debt::new(0, Rule::new("* * * * * *", "UTC").unwrap(), CatchUp::All, next, now, most)
    }

    #[test]
    fn a_schedule_that_is_paid_in_parts_takes_each_tick_once() {
        let mut all = [debt(1_000), debt(200)];
        assert_eq!(share(&mut all, 500), 500);
        let taken = &all[0].ticks;
        assert_eq!((taken.len(), all[1].ticks.len()), (300, 200));
        assert!(taken.windows(2).all(|pair| (pair[1] - pair[0]).num_milliseconds() == 1_000));
        assert_eq!((taken[0], all[0].next), (at("2026-01-01T10:00:00Z"), Some(at("2026-01-01T10:05:00Z"))));
    }

    #[test]
    fn a_tenant_takes_no_more_than_there_is_room_for_its_jobs() {
        let mut tenants = [
            Tenant { room: 0, debts: vec![debt(1_000)] },
            Tenant { room: 7, debts: vec![debt(1_000), debt(1_000)] },
            Tenant { room: 1_000, debts: vec![debt(1_000)] },
        ];
        assert_eq!(share(&mut tenants, 100), 100);
        let taken = tenants.map(|tenant| tenant.debts.iter().map(|debt| debt.ticks.len()).sum::<usize>());
        assert_eq!(taken, [0, 7, 93]);
    }
}
