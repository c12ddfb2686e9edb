//! What may happen to jobs.

use patchbay_queue::Conflict;
use proptest::prelude::*;

use super::{GROUPS, KEYS};

/// How a run ends.
#[derive(Debug, Clone, Copy)]
pub enum Ending {
    Well,
    Again,
    Dead,
    Parked,
}

/// A key, what follows where it is taken, and for how many hours it shall be.
#[derive(Debug, Clone, Copy)]
pub struct Unique {
    pub key: usize,
    pub conflict: Conflict,
    pub hours: Option<u8>,
}

#[derive(Debug, Clone)]
pub enum Step {
    Insert {
        after: Option<(usize, bool)>,
        after_group: Option<(usize, bool)>,
        order: Option<usize>,
        group: Option<usize>,
        held: bool,
        lapses: bool,
        unique: Option<Unique>,
        /// In so many hours; not said where none.
        at: Option<u8>,
    },
    Start(usize),
    End(usize, Ending),
    /// The word of a run that was lost.
    Late(usize),
    /// The worker vanishes; once more: the keeper that counted it does, too.
    Crash(usize, bool),
    Cancel(usize),
    Hold(usize),
    Release(usize),
    Redrive(usize),
    Discard(usize),
    Lapse(usize),
    Seal(usize),
    /// So many hours pass.
    Pass(u8),
    /// The keeper puts away keys whose window is over.
    Sweep,
}

pub fn steps() -> impl Strategy<Value = Vec<(Step, bool)>> {
    let job = || 0..1_000_usize;
    let conflict =
        prop::sample::select(vec![Conflict::Keep, Conflict::Replace, Conflict::PushBack, Conflict::KeepLast]);
    let unique = (0..KEYS, conflict, prop::option::weighted(0.3, 1..=3_u8)).prop_map(|(key, conflict, hours)| Unique {
        key,
        conflict,
        hours,
    });
    let insert = (
        prop::option::weighted(0.4, (job(), any::<bool>())),
        prop::option::weighted(0.1, (0..GROUPS, any::<bool>())),
        prop::option::weighted(0.4, 0..KEYS),
        prop::option::weighted(0.6, 0..GROUPS),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.4, unique),
        prop::option::weighted(0.3, 0..=3_u8),
    )
        .prop_map(|(after, after_group, order, group, held, lapses, unique, at)| Step::Insert {
            after,
            after_group,
            order,
            group,
            held,
            lapses,
            unique,
            at,
        });
    let ending = prop_oneof![4 => Just(Ending::Well), 2 => Just(Ending::Again), 2 => Just(Ending::Dead), 1 => Just(Ending::Parked)];
    let step = prop_oneof![
        8 => insert,
        8 => job().prop_map(Step::Start),
        8 => (job(), ending).prop_map(|(job, ending)| Step::End(job, ending)),
        1 => job().prop_map(Step::Late),
        3 => (job(), any::<bool>()).prop_map(|(job, twice)| Step::Crash(job, twice)),
        3 => job().prop_map(Step::Cancel),
        2 => job().prop_map(Step::Hold),
        3 => job().prop_map(Step::Release),
        3 => job().prop_map(Step::Redrive),
        3 => job().prop_map(Step::Discard),
        1 => job().prop_map(Step::Lapse),
        1 => (0..GROUPS).prop_map(Step::Seal),
        3 => (1..=2_u8).prop_map(Step::Pass),
        1 => Just(Step::Sweep),
    ];
    prop::collection::vec((step, prop::bool::weighted(0.3)), 1..50)
}
