//! What may happen to a queue, at random.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, Days, NaiveTime, Utc};
use patchbay_queue::lanes::{BreakerRule, Hours, Limit, Opening, Rate};
use patchbay_queue::*;
use proptest::prelude::*;

use crate::world::Act;

pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// One thing that happens. Numbers name earlier jobs, by the order in which they came.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Enqueue {
        act: Act,
        key: Option<u8>,
        conflict: Conflict,
        order: Option<u8>,
        after: Vec<(usize, bool)>,
        held: bool,
        grouped: bool,
    },
    AfterGroup {
        any_end: bool,
    },
    SealGroup,
    Drain,
    /// The next job begins, and its worker vanishes.
    Crash,
    AnHourLater,
    Limit {
        key: usize,
        set: Set,
    },
    Cancel(usize),
    Hold(usize),
    Release(usize),
    Redrive(usize),
    Discard(usize),
}

/// What is set on a key, in place of what was.
#[derive(Debug, Clone, Copy)]
pub(super) enum Set {
    Nothing,
    One,
    Burst(i32),
    Open(bool),
    Breaker,
}

impl Set {
    pub fn on(self, lane: LaneName, now: DateTime<Utc>) -> Limit {
        let hours = |days: u64| {
            let (days, at) = (vec![(now + Days::new(days)).weekday()], NaiveTime::MIN);
            Hours { zone: chrono_tz::Tz::UTC, openings: vec![Opening { days, opens: at, closes: at }] }
        };
        let always = Hours { openings: (0..7).flat_map(|day| hours(day).openings).collect(), ..hours(0) };
        let mut limit = Limit::new(lane);
        match self {
            Self::Nothing => {}
            Self::One => limit.concurrency = Some(1),
            // Never near a whole unit after an hour, or two, or twenty.
            Self::Burst(burst) => limit.rate = Some(Rate { per_second: 0.0004, burst }),
            Self::Open(true) => limit.hours = Some(always),
            // No history is so long.
            Self::Open(false) => limit.hours = Some(hours(3)),
            Self::Breaker => {
                let (within, open_for) = (HOUR / 2, HOUR + HOUR / 2);
                limit.breaker = Some(BreakerRule { failures: 2, within, open_for });
            }
        }
        limit
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![2 => Just(Act::Succeed), 1 => Just(Act::Refuse), 1 => Just(Act::Fail)]
}

/// Jobs that have to do with each other.
pub(super) fn ties() -> impl Strategy<Value = Vec<Step>> {
    let conflict =
        prop_oneof![Just(Conflict::Keep), Just(Conflict::Replace), Just(Conflict::PushBack), Just(Conflict::KeepLast)];
    let after = prop::collection::vec((0..12usize, any::<bool>()), 0..2);
    let enqueue = (
        act(),
        prop::option::of(0..2u8),
        conflict,
        prop::option::of(0..2u8),
        after,
        prop::bool::weighted(0.15),
        any::<bool>(),
    )
        .prop_map(|(act, key, conflict, order, after, held, grouped)| Step::Enqueue {
            act,
            key,
            conflict,
            order,
            after,
            held,
            grouped,
        });
    let step = prop_oneof![
        8 => enqueue,
        1 => any::<bool>().prop_map(|any_end| Step::AfterGroup { any_end }),
        1 => Just(Step::SealGroup),
        4 => Just(Step::Drain),
        1 => Just(Step::Crash),
        1 => Just(Step::AnHourLater),
        4 => decision(),
    ];
    prop::collection::vec(step, 1..28)
}

/// Jobs that only have a lane in common, and what is set on its keys.
pub(super) fn limits() -> impl Strategy<Value = Vec<Step>> {
    let enqueue = act().prop_map(|act| Step::Enqueue {
        act,
        key: None,
        conflict: Conflict::Keep,
        order: None,
        after: Vec::new(),
        held: false,
        grouped: false,
    });
    let set = prop_oneof![
        2 => Just(Set::Nothing),
        2 => Just(Set::One),
        2 => (1..4).prop_map(Set::Burst),
        1 => any::<bool>().prop_map(Set::Open),
        4 => Just(Set::Breaker),
    ];
    let step = prop_oneof![
        10 => enqueue,
        5 => Just(Step::Drain),
        2 => Just(Step::Crash),
        3 => Just(Step::AnHourLater),
        4 => (0..6usize, set).prop_map(|(key, set)| Step::Limit { key, set }),
        2 => decision(),
    ];
    prop::collection::vec(step, 8..40)
}

/// What a person does to a job.
fn decision() -> impl Strategy<Value = Step> {
    let job = 0..12usize;
    prop_oneof![
        1 => job.clone().prop_map(Step::Cancel),
        1 => job.clone().prop_map(Step::Hold),
        2 => job.clone().prop_map(Step::Release),
        1 => job.clone().prop_map(Step::Redrive),
        1 => job.prop_map(Step::Discard),
    ]
}
