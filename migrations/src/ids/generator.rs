//! New ids: UUIDv7 (RFC 9562), in order inside a process.
//!
//! The order of ids is the order of lists, of jobs in a lane, and of rows in the ledger's partitions, so two ids of
//! one millisecond must not be in chance order. Within a millisecond, and while the clock stands or runs a little
//! backwards, the random part counts up by random steps (RFC 9562, section 6.2, method 2). A clock that is
//! set back by more than [`DRIFT_MS`] is followed: better a gap in the order than ids that stay in the
//! future, since ids decide which partition is dropped when. Time and randomness come from outside, so that
//! a test can fix both. Broken by: giving it a tenant's moved test clock instead of the real one.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use uuid::Uuid;

use super::TypedId;

/// A clock may run back by this much, in milliseconds, before its correction is believed.
const DRIFT_MS: u64 = 10_000;
/// The random part: 12 bits beside the version and 62 beside the variant.
const RANDOM_BITS: u32 = 74;
const MAX_MS: u64 = (1 << 48) - 1;

/// Makes ids. Cheap to clone; clones share one order.
#[derive(Clone)]
pub struct Ids {
    state: Arc<Mutex<State>>,
}

struct State {
    rng: StdRng,
    ms: u64,
    random: u128,
}

impl Ids {
    /// A generator whose random part comes from this seed: from the operating system in a program, fixed in a
    /// test. Two processes must never share one.
    pub fn new(seed: [u8; 32]) -> Self {
        let state = State { rng: StdRng::from_seed(seed), ms: 0, random: 0 };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// A new id of this instant.
    pub fn make<T: TypedId>(&self, now: DateTime<Utc>) -> T {
        T::from_uuid(self.uuid(now))
    }

    /// A new id of this instant, without a type.
    pub fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let ms = u64::try_from(now.timestamp_millis()).unwrap_or(0).min(MAX_MS);
        // A panic elsewhere cannot leave the state half written in a way that matters: both fields are only ever raised.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.step(ms);
        assemble(state.ms, state.random)
    }
}

impl State {
    fn step(&mut self, ms: u64) {
        if ms > self.ms || ms + DRIFT_MS < self.ms {
            self.start(ms);
            return;
        }
        self.random += 1 + u128::from(self.rng.next_u32());
        if self.random >> RANDOM_BITS != 0 {
            self.start(self.ms + 1);
        }
    }

    /// A new millisecond, with the top bit of the random part clear: room to count up.
    fn start(&mut self, ms: u64) {
        let high = u128::from(self.rng.next_u64()) << 64;
        self.ms = ms;
        self.random = (high | u128::from(self.rng.next_u64())) & ((1 << (RANDOM_BITS - 1)) - 1);
    }
}

/// 48 bits of time, version 7, 12 random bits, variant 2, 62 random bits.
fn assemble(ms: u64, random: u128) -> Uuid {
    let high = random >> 62;
    let low = random & ((1 << 62) - 1);
    Uuid::from_u128(u128::from(ms) << 80 | 7 << 76 | high << 64 | 2 << 62 | low)
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ids")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(ms).unwrap()
    }

    fn ms_of(id: Uuid) -> u128 {
        id.as_u128() >> 80
    }

    #[test]
    fn an_id_is_a_version_7_uuid_of_its_instant() {
        let id = Ids::new([1; 32]).uuid(at(1_700_000_000_123));
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        assert_eq!(ms_of(id), 1_700_000_000_123);
    }

    #[test]
    fn ids_rise_within_a_millisecond_and_while_the_clock_steps_back() {
        let ids = Ids::new([2; 32]);
        let made: Vec<Uuid> = (0..10_000).map(|i| ids.uuid(at(1_700_000_000_000 - i / 2))).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_clock_that_is_set_right_is_followed_back() {
        let ids = Ids::new([3; 32]);
        ids.uuid(at(1_800_000_000_000));
        assert_eq!(ms_of(ids.uuid(at(1_700_000_000_000))), 1_700_000_000_000);
    }

    #[test]
    fn a_full_millisecond_goes_on_in_the_next() {
        let ids = Ids::new([4; 32]);
        ids.uuid(at(1_000));
        ids.state.lock().unwrap().random = (1 << RANDOM_BITS) - 1;
        assert_eq!(ms_of(ids.uuid(at(1_000))), 1_001);
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        assert_eq!(Ids::new([5; 32]).uuid(at(1)), Ids::new([5; 32]).uuid(at(1)));
    }
}
