//! Whose turn it is to be brought to Redis.
//!
//! A claim shares out what Redis holds. Where a pool is faster than any refill, that is what came last, and who gets how
//! much is decided by what is brought: so each of those who want something gets its part by weight, and they come in the
//! order in which a claim would serve them. Lanes of one tenant share its weight.

use std::collections::HashMap;

use uuid::Uuid;

use crate::lanes::LaneName;

/// A lane's part, against the largest (1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part(f64);

impl Part {
    /// The parts of all of these.
    pub(super) fn of_all(lanes: &[&LaneName], weights: &HashMap<Uuid, f64>) -> Vec<Self> {
        let mut counts: HashMap<Uuid, u32> = HashMap::new();
        lanes.iter().for_each(|lane| *counts.entry(lane.tenant).or_default() += 1);
        let part = |lane: &&LaneName| weights.get(&lane.tenant).unwrap_or(&1.0) / f64::from(counts[&lane.tenant]);
        let parts: Vec<f64> = lanes.iter().map(part).collect();
        let largest = parts.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        parts.into_iter().map(|part| Self(part / largest)).collect()
    }

    /// What it gets where the largest part gets `most`.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a count of jobs"
    )]
    pub(super) fn of(self, most: usize) -> usize {
        (most as f64 * self.0).ceil() as usize
    }

    /// When it is the turn of its `nth` job (from 0).
    #[expect(clippy::cast_precision_loss, reason = "a count of jobs")]
    fn turn(self, nth: usize) -> f64 {
        (nth + 1) as f64 / self.0
    }
}

/// What is to be brought, lane by lane and in the order of each, in the order in which it is to come.
pub(super) fn in_turn<T>(lanes: impl IntoIterator<Item = (Part, Vec<T>)>) -> Vec<T> {
    let turns = |(part, jobs): (Part, Vec<T>)| {
        jobs.into_iter().enumerate().map(move |(nth, job)| (part.turn(nth), job)).collect::<Vec<_>>()
    };
    let mut all: Vec<(f64, T)> = lanes.into_iter().flat_map(turns).collect();
    all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    all.into_iter().map(|(_, job)| job).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(tenant: u128, lane: &str) -> LaneName {
        LaneName { tenant: Uuid::from_u128(tenant), lane: lane.to_owned() }
    }

    fn parts(lanes: &[LaneName]) -> Vec<Part> {
        let weights = HashMap::from([(Uuid::from_u128(4), 4.0), (Uuid::from_u128(2), 2.0)]);
        Part::of_all(&lanes.iter().collect::<Vec<_>>(), &weights)
    }

    #[test]
    fn tenants_get_their_weights_and_their_lanes_share_them() {
        let parts = parts(&[lane(4, "a"), lane(2, ""), lane(4, "b"), lane(1, "")]);
        assert_eq!(parts.iter().map(|part| part.of(1_000)).collect::<Vec<_>>(), [1_000, 1_000, 1_000, 500]);
    }

    #[test]
    fn whatever_of_it_has_come_is_shared_by_weight_and_in_order() {
        let parts = parts(&[lane(1, ""), lane(2, ""), lane(4, "")]);
        let jobs = (1..).zip(&parts).map(|(name, part)| (*part, (0..100).map(|nth| (name, nth)).collect()));
        let come = in_turn(jobs.collect::<Vec<(Part, Vec<(i32, usize)>)>>());
        let of = |name| come[..70].iter().filter(move |(of, _)| *of == name).map(|(_, nth)| *nth);
        assert_eq!([1, 2, 3].map(|name| of(name).count()), [10, 20, 40]);
        assert!([1, 2, 3].iter().all(|name| of(*name).eq(0..of(*name).count())));
    }
}
