//! Jobs are handed out: each that may start, in its lane's order, and none that may not.

use std::time::Duration;

use patchbay_queue::Envelope;

use super::Case;
use super::clock::HOUR;
use crate::bare::Q;

/// Calls that find nothing in a row: more turn in circles.
const IDLE: usize = 2_000;

pub fn hours(hours: i64) -> Duration {
    Duration::from_millis(u64::try_from(hours * HOUR).unwrap())
}

impl Case {
    /// Claims until there is nothing to be had now, and checks that the model thinks so too. Without a keeper
    /// nobody brings what only the ledger has.
    pub async fn claim(&mut self, want: usize, lease: i64, kept: bool) -> Vec<Envelope> {
        let (mut all, mut idle) = (Vec::new(), 0);
        loop {
            let claimed = self.bare.lanes.claim(Q, want - all.len(), hours(lease), "model").await.unwrap();
            assert!(claimed.garbled.is_empty() && claimed.parked.is_empty());
            for job in &claimed.jobs {
                self.model.take(job, self.clock.now, lease);
            }
            idle = if claimed.jobs.is_empty() { idle + 1 } else { 0 };
            assert!(idle < IDLE, "nothing is to be had, and yet {:?}", claimed.next);
            all.extend(claimed.jobs);
            if all.len() >= want {
                break;
            }
            let nothing = idle > 0 && claimed.next.is_none_or(|next| next > Duration::from_millis(1));
            if nothing && !(kept && self.keeper().await) {
                self.nothing_is_left(kept).await;
                break;
            }
        }
        self.model.keep_for_the_dear(self.clock.now);
        all
    }

    async fn nothing_is_left(&mut self, kept: bool) {
        self.model.keep_for_the_dear(self.clock.now);
        let mut left = self.model.left(self.clock.now);
        if !kept {
            let depths = self.bare.lanes.depths(Q, &left).await.unwrap();
            let mut depths = depths.into_iter();
            left.retain(|_| depths.next().unwrap() > 0);
        }
        if let Some(lane) = left.first() {
            let gates: Vec<_> = self.model.gates_of(lane).collect();
            let first = self.model.waiting[lane].values().next().unwrap();
            let why = self.bare.lanes.explain(Q, first.id, lane).await.unwrap();
            panic!("{lane:?} may run and does not: {gates:?}; Redis says: {why:?}");
        }
    }
}
