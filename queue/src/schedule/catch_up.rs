//! What becomes of ticks that nobody took in time.

use chrono::{DateTime, TimeDelta, Utc};

use super::Rule;

/// Later than this, a tick was missed: what does not catch up passes it over.
pub const ON_TIME: TimeDelta = TimeDelta::seconds(60);

/// What becomes of the ticks of a downtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CatchUp {
    /// Nothing: a tick that is found more than a minute late is passed over.
    None,
    /// The last of them is taken, however late.
    Last,
    /// All are taken, the oldest first, so many at a look.
    All,
}

/// The ticks to take, and the one after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// To be taken now, in order.
    pub ticks: Vec<DateTime<Utc>>,
    /// The first one that is not among them; not always later than now, where there were too many.
    pub next: Option<DateTime<Utc>>,
}

impl CatchUp {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::None, Self::Last, Self::All];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Last => "last",
            Self::All => "all",
        }
    }

    /// The value that is stored so.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }

    /// What is due of `rule` at `now`, where its ticks before `next` are done with; at most `most` ticks.
    #[must_use]
    pub fn due(self, rule: &Rule, next: DateTime<Utc>, now: DateTime<Utc>, most: usize) -> Due {
        // Not `next` itself: the rule or its zone's history may have changed since that was stored.
        let first = rule.from(next);
        if first.is_none_or(|first| first > now) {
            return Due { ticks: Vec::new(), next: first };
        }
        if self == Self::All {
            let mut ticks: Vec<_> =
                first.into_iter().chain(first.into_iter().flat_map(|first| rule.ticks(first))).take(most).collect();
            ticks.retain(|tick| *tick <= now);
            let next = ticks.last().map_or(first, |last| rule.next(*last));
            return Due { ticks, next };
        }
        let last = rule.latest(next - TimeDelta::nanoseconds(1), now);
        let taken = last.filter(|tick| self == Self::Last || now - *tick <= ON_TIME);
        Due { ticks: taken.into_iter().collect(), next: rule.next(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn due(catch_up: CatchUp, cron: &str, next: &str, now: &str) -> (Vec<String>, Option<DateTime<Utc>>) {
        let due = catch_up.due(&Rule::new(cron, "UTC").unwrap(), at(next), at(now), 1_000);
        (due.ticks.iter().map(|tick| tick.format("%H:%M:%S").to_string()).collect(), due.next)
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        for catch_up in CatchUp::ALL {
            let next = "2026-01-01T11:00:00Z";
            let (ticks, after) = due(catch_up, "0 0 * * * *", next, "2026-01-01T10:59:59.999Z");
            assert_eq!((ticks, after), (vec![], Some(at(next))), "{catch_up:?}");
            let (ticks, after) = due(catch_up, "0 0 * * * *", next, next);
            assert_eq!((ticks, after), (vec!["11:00:00".to_owned()], Some(at("2026-01-01T12:00:00Z"))), "{catch_up:?}");
        }
    }

    #[test]
    fn a_downtime_is_passed_over_or_made_up_by_one_or_by_all() {
        let (next, now) = ("2026-01-01T10:00:00Z", "2026-01-01T13:30:30Z");
        let after = Some(at("2026-01-01T14:00:00Z"));
        assert_eq!(due(CatchUp::None, "0 0 * * * *", next, now), (vec![], after));
        assert_eq!(due(CatchUp::Last, "0 0 * * * *", next, now), (vec!["13:00:00".to_owned()], after));
        let all = ["10:00:00", "11:00:00", "12:00:00", "13:00:00"].map(str::to_owned).to_vec();
        assert_eq!(due(CatchUp::All, "0 0 * * * *", next, now), (all, after));
    }

    #[test]
    fn a_tick_a_little_late_is_on_time() {
        let (next, now) = ("2026-01-01T10:00:00Z", "2026-01-01T10:00:59Z");
        assert_eq!(due(CatchUp::None, "0 0 * * * *", next, now).0, ["10:00:00"]);
    }

    #[test]
    fn a_look_takes_so_many_and_the_next_goes_on() {
        let rule = Rule::new("* * * * * *", "UTC").unwrap();
        let now = at("2026-01-08T00:00:00Z");
        let (mut next, mut taken) = (at("2026-01-01T00:00:00Z"), Vec::new());
        while next <= now {
            let due = CatchUp::All.due(&rule, next, now, 1_000);
            assert!(due.ticks.len() <= 1_000);
            taken.extend(due.ticks);
            next = due.next.unwrap();
        }
        assert_eq!(taken.len(), 7 * 86_400 + 1);
        assert!(taken.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_stored_next_that_is_no_tick_any_more_is_none() {
        assert_eq!(due(CatchUp::Last, "0 0 * * * *", "2026-01-01T10:30:00Z", "2026-01-01T10:45:00Z").0, [""; 0]);
    }
}
