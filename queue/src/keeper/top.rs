//! Which tenants wait deepest, and how they fare.
//!
//! A gauge a tenant would be a label a tenant, and labels are for ever: so the labels are ranks, and who has a rank
//! stands in Redis, for [`Lanes::top_tenants`](crate::Lanes::top_tenants) and a line in the log.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::{Keeper, KeeperError};
use crate::clock::now;
use crate::lanes::{LaneName, TenantStats};

/// Tenants that have a rank.
pub(super) const RANKS: usize = 10;

/// The depth of each tenant of a queue, gathered lane by lane.
#[derive(Default)]
pub(super) struct Depths(HashMap<Uuid, (u64, Option<i64>)>);

impl Depths {
    /// A lane of `tenant` in which `waiting` jobs wait, the oldest due since the Unix millisecond `oldest`.
    pub(super) fn add(&mut self, lane: &LaneName, waiting: u64, oldest: i64) {
        let (depth, first) = self.0.entry(lane.tenant).or_default();
        *depth += waiting;
        *first = Some(first.map_or(oldest, |first| first.min(oldest)));
    }

    /// The deepest tenants.
    fn top(self) -> Vec<TenantStats> {
        let mut all: Vec<_> = self.0.into_iter().filter(|(_, (depth, _))| *depth > 0).collect();
        all.sort_unstable_by_key(|(tenant, (depth, _))| (std::cmp::Reverse(*depth), *tenant));
        all.truncate(RANKS);
        let stats = all.into_iter().map(|(tenant, (waiting, oldest_ms))| TenantStats::new(tenant, waiting, oldest_ms));
        stats.collect()
    }
}

impl Keeper {
    /// Says who has which rank, and sets the gauges of the ranks.
    pub(super) async fn publish_top(&self, queue: &str, depths: Depths) -> Result<(), KeeperError> {
        self.lanes.rank_tenants(queue, &depths.top()).await?;
        let ranked = self.lanes.top_tenants(queue, RANKS).await?;
        let now = now().timestamp_millis();
        for rank in 1..=RANKS {
            let stats = ranked.get(rank - 1);
            if let Some(stats) = stats {
                tracing::debug!(queue, rank, tenant = %stats.tenant, waiting = stats.waiting, "a deep tenant");
            }
            set(queue, rank, stats, now);
        }
        Ok(())
    }
}

/// Takes the gauges of a queue's ranks back to zero.
pub(super) fn withdraw(queue: &str) {
    (1..=RANKS).for_each(|rank| set(queue, rank, None, 0));
}

fn set(queue: &str, rank: usize, stats: Option<&TenantStats>, now: i64) {
    let labels = [("queue", queue.to_owned()), ("rank", rank.to_string())];
    let seconds = |ms: Option<i64>| Duration::from_millis(u64::try_from(ms.unwrap_or(0)).unwrap_or(0)).as_secs_f64();
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let age = stats.and_then(|stats| stats.oldest_ms).map(|due| now.saturating_sub(due));
    metrics::gauge!("queue_top_ready", &labels).set(count(stats.map_or(0, |stats| stats.waiting)));
    metrics::gauge!("queue_top_oldest_age_seconds", &labels).set(seconds(age));
    metrics::gauge!("queue_top_dwell_p50_seconds", &labels).set(seconds(stats.and_then(|stats| stats.dwell_p50_ms)));
    metrics::gauge!("queue_top_dwell_p99_seconds", &labels).set(seconds(stats.and_then(|stats| stats.dwell_p99_ms)));
    metrics::gauge!("queue_top_throttled", &labels).set(count(stats.map_or(0, |stats| stats.throttled)));
}
