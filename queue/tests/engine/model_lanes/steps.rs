//! What may happen to lanes.

use proptest::prelude::*;

use super::gates::{Rate, Rule};
use super::{KEYS, LANES, TENANTS};

/// What a worker does that has lost its lease.
#[derive(Debug, Clone, Copy)]
pub enum Late {
    Ack,
    Release,
    Renew,
}

/// What repair does with the jobs of leases that ran out.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// They go back into their lanes.
    Back,
    /// They had ended before their worker did.
    Ended,
    /// The repairer vanishes as well.
    Vanish,
}

#[derive(Debug, Clone)]
pub enum Step {
    Push {
        tenant: usize,
        lane: usize,
        costs: Vec<i32>,
        priority: i16,
        /// Made before what was pushed last: its transaction took longer.
        late: bool,
    },
    PushAgain(usize),
    /// `kept`: the keeper is there to refill.
    Claim {
        want: usize,
        lease: i64,
        kept: bool,
    },
    Ack(usize),
    Release(usize),
    Late(usize, Late),
    Renew(usize, i64),
    Expire(Fate),
    Drop(usize),
    /// A waiting job is held in the ledger.
    Withdraw(usize),
    /// It is let go again.
    ComeBack(usize),
    Tokens {
        nth: usize,
        want: i64,
        as_job: bool,
    },
    Pass(i64),
    Pause(usize, Option<i64>),
    Resume(usize),
    Penalise(usize, i64),
    Hours(usize, i64, i64),
    Most(usize, Option<i32>),
    Rate(usize, Option<Rate>),
    /// A rate is lifted for a while.
    Lift(usize, i64),
    Rule(usize, Option<Rule>),
    Report(usize, bool),
    Weight(usize, f64),
    /// The keeper copies the ledger's controls.
    Copy,
    /// Redis was restarted, and may have forgotten its last second.
    Drain,
    /// Redis is emptied.
    Flush,
    /// The keeper puts an emptied Redis in order.
    Repair,
    Recount,
}

fn jobs() -> impl Strategy<Value = Step> {
    let job = || 0..99_usize;
    let cost = prop_oneof![6 => Just(1), 1 => 2..4_i32, 1 => 8..14_i32];
    let costs = prop_oneof![
        6 => prop::collection::vec(cost, 1..6),
        1 => (10..30_usize).prop_map(|jobs| vec![1; jobs]),
    ];
    let late = prop_oneof![Just(Late::Ack), Just(Late::Release), Just(Late::Renew)];
    let fate = prop_oneof![2 => Just(Fate::Back), 1 => Just(Fate::Ended), 1 => Just(Fate::Vanish)];
    prop_oneof![
        9 => (key(), costs, 0..3_i16, prop::bool::weighted(0.2)).prop_map(|(key, costs, priority, late)| Step::Push {
            tenant: key / LANES.len(),
            lane: key % LANES.len(),
            costs,
            priority,
            late,
        }),
        1 => job().prop_map(Step::PushAgain),
        9 => (1..12_usize, prop_oneof![3 => Just(0), 3 => 1..4_i64, 3 => Just(1_000)], prop::bool::weighted(0.7))
            .prop_map(|(want, lease, kept)| Step::Claim { want, lease, kept }),
        6 => job().prop_map(Step::Ack),
        2 => job().prop_map(Step::Release),
        2 => (job(), late).prop_map(|(nth, late)| Step::Late(nth, late)),
        2 => (job(), 0..5_i64).prop_map(|(nth, lease)| Step::Renew(nth, lease)),
        2 => fate.prop_map(Step::Expire),
        1 => job().prop_map(Step::Drop),
        1 => job().prop_map(Step::Withdraw),
        1 => job().prop_map(Step::ComeBack),
        1 => (job(), 1..5_i64, any::<bool>()).prop_map(|(nth, want, as_job)| Step::Tokens { nth, want, as_job }),
        1 => Just(Step::Recount),
    ]
}

/// Any key, and some more often: what is set twice on one key meets itself.
fn key() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..KEYS, 1 => Just(0), 1 => Just(1), 3 => Just(KEYS - LANES.len() + 1)]
}

fn gates() -> impl Strategy<Value = Step> {
    let rate = (prop::sample::select(vec![3, 6, 12, 24, 36_i64]), 1..9_i64);
    let rate = rate.prop_map(|(parts, burst)| Rate { parts, burst });
    let rule = (1..4_i32, 1..5_i64, 1..4_i64);
    let rule = rule.prop_map(|(failures, within, open_for)| Rule { failures, within, open_for });
    prop_oneof![
        8 => (1..5_i64).prop_map(Step::Pass),
        2 => (key(), prop::option::weighted(0.6, 0..5_i64)).prop_map(|(key, hours)| Step::Pause(key, hours)),
        2 => key().prop_map(Step::Resume),
        2 => (key(), 0..5_i64).prop_map(|(key, hours)| Step::Penalise(key, hours)),
        1 => (key(), -3..5_i64, 1..5_i64).prop_map(|(key, from, long)| Step::Hours(key, from, long)),
        5 => (key(), prop::option::weighted(0.6, 1..5_i32)).prop_map(|(key, most)| Step::Most(key, most)),
        4 => (key(), prop::option::weighted(0.7, rate)).prop_map(|(key, rate)| Step::Rate(key, rate)),
        2 => (0..99_usize, 0..3_i64).prop_map(|(nth, hours)| Step::Lift(nth, hours)),
        2 => (key(), prop::option::weighted(0.8, rule)).prop_map(|(key, rule)| Step::Rule(key, rule)),
        4 => (key(), prop::bool::weighted(0.3)).prop_map(|(nth, ok)| Step::Report(nth, ok)),
        1 => (0..TENANTS.len(), prop::sample::select(vec![0.1, 0.5, 2.0, 10.0]))
            .prop_map(|(tenant, weight)| Step::Weight(tenant, weight)),
        1 => Just(Step::Copy),
    ]
}

fn losses() -> impl Strategy<Value = Step> {
    prop_oneof![1 => Just(Step::Drain), 2 => Just(Step::Flush), 5 => Just(Step::Repair)]
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(prop_oneof![12 => jobs(), 9 => gates(), 1 => losses()], 1..100)
}
