//! How much of a lane's backlog Redis is to hold: the usual window, and more where that is gone at once.
//!
//! A window is a compromise. Something more urgent that comes later waits until half of it is gone, so it should be
//! small; a refill has a price of its own, and takes as long as a fast pool needs for hundreds of jobs, so it should be
//! large. A lane has its usual window until half of that is gone within moments of being filled. Then it doubles, each
//! time anew, and falls back once it has not been filled for a while. Rejected: a measured rate, which says the same
//! and has to be smoothed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::lanes::LaneName;

/// Who wants more after so short a time has too small a window.
const FAST: Duration = Duration::from_millis(100);
/// Who wants nothing for so long has its usual window again.
const SLOW: Duration = Duration::from_secs(1);

/// The lanes of one queue that were filled of late.
#[derive(Debug, Default)]
pub(super) struct Paces(HashMap<LaneName, Pace>);

#[derive(Debug)]
struct Pace {
    filled: Instant,
    window: usize,
}

impl Paces {
    /// Drops what was not filled for a while.
    pub(super) fn forget(&mut self, now: Instant) {
        self.0.retain(|_, pace| now - pace.filled < SLOW);
    }

    /// Whether a lane was filled of late.
    pub(super) fn has(&self, lane: &LaneName) -> bool {
        self.0.contains_key(lane)
    }

    /// The window of a lane, `usual` for most.
    pub(super) fn window(&self, lane: &LaneName, usual: usize) -> usize {
        self.0.get(lane).map_or(usual, |pace| pace.window.max(usual))
    }

    /// The window that a lane gets which wants to be filled now.
    pub(super) fn grown(&self, lane: &LaneName, usual: usize, now: Instant) -> usize {
        let fast = self.0.get(lane).is_some_and(|pace| now - pace.filled < FAST);
        self.window(lane, usual).saturating_mul(if fast { 2 } else { 1 })
    }

    /// A lane is filled up to `window`.
    pub(super) fn filled(&mut self, lane: &LaneName, window: usize, now: Instant) {
        self.0.insert(lane.clone(), Pace { filled: now, window });
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_window_grows_while_its_lane_is_fast_and_falls_back() {
        let (mut paces, begun) = (Paces::default(), Instant::now());
        let lane = LaneName { tenant: Uuid::from_u128(1), lane: String::new() };
        let mut fill = |ms| {
            let now = begun + Duration::from_millis(ms);
            paces.forget(now);
            let window = paces.grown(&lane, 1_000, now);
            paces.filled(&lane, window, now);
            window
        };
        assert_eq!([0, 50, 100, 350, 430].map(&mut fill), [1_000, 2_000, 4_000, 4_000, 8_000]);
        assert_eq!(fill(1_500), 1_000);
    }
}
