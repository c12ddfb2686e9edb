//! Which tenants wait deepest, and how they fare.
//!
//! A gauge a tenant would be a label a tenant, and labels are for ever: so the labels are ranks, and who has a rank
//! stands in Redis, for [`Lanes::top_tenants`](crate::Lanes::top_tenants) and a line in the log.
//!
//! Redis holds a window of each lane, so by what is there a tenant with a thousand jobs and one with millions are equals.
//! Those of which the ledger has more are counted there, so many rows for all of them together and no further: the fewer
//! they are, the further.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::{Keeper, KeeperError, LedgerConn};
use crate::lanes::{LaneName, TenantStats};
use crate::ledger::depth;

/// Tenants that have a rank.
pub(super) const RANKS: usize = 10;

/// Tenants that are counted in the ledger: about as many as have a lane's whole window in Redis.
const COUNTED: usize = 50;
/// Rows that are counted for all of them together: some tens of milliseconds, every few seconds.
const ROWS: usize = 200_000;

/// The depth of each tenant of a queue, gathered lane by lane.
#[derive(Default)]
pub(super) struct Depths(HashMap<Uuid, Waits>);

/// What waits of a tenant.
struct Waits {
    depth: u64,
    /// Since which Unix millisecond the oldest is due.
    oldest: i64,
    /// Whether the ledger has more.
    more: bool,
}

impl Depths {
    /// A lane in which `waiting` jobs wait in Redis, and `more` in the ledger; the oldest is due since the Unix millisecond
    /// `oldest`.
    pub(super) fn add(&mut self, lane: &LaneName, waiting: u64, oldest: i64, more: bool) {
        let waits = self.0.entry(lane.tenant).or_insert(Waits { depth: 0, oldest, more });
        waits.depth += waiting;
        waits.oldest = waits.oldest.min(oldest);
        waits.more |= more;
    }

    /// The tenants of which the ledger is to be asked.
    fn cut_off(&self) -> Vec<Uuid> {
        let mut tenants: Vec<_> = self.0.iter().filter(|(_, waits)| waits.more).collect();
        tenants.sort_unstable_by_key(|(tenant, waits)| waits.rank(**tenant));
        tenants.into_iter().take(COUNTED).map(|(tenant, _)| *tenant).collect()
    }

    /// The deepest tenants.
    fn top(self) -> Vec<TenantStats> {
        let mut all: Vec<_> = self.0.into_iter().filter(|(_, waits)| waits.depth > 0).collect();
        all.sort_unstable_by_key(|(tenant, waits)| waits.rank(*tenant));
        all.truncate(RANKS);
        all.into_iter().map(|(tenant, waits)| TenantStats::new(tenant, waits.depth, Some(waits.oldest))).collect()
    }
}

impl Waits {
    /// The deepest first; of equals whose oldest waits longest.
    const fn rank(&self, tenant: Uuid) -> (Reverse<u64>, i64, Uuid) {
        (Reverse(self.depth), self.oldest, tenant)
    }
}

impl Keeper {
    /// Says who has which rank, and sets the gauges of the ranks, as of the Unix millisecond `now`.
    pub(super) async fn publish_top(
        &self,
        conn: &mut LedgerConn,
        queue: &str,
        mut depths: Depths,
        now: i64,
    ) -> Result<(), KeeperError> {
        count_on(conn, queue, &mut depths).await?;
        set_backlog(queue, depths.0.values().map(|waits| waits.depth).sum());
        self.lanes.rank_tenants(queue, &depths.top()).await?;
        let ranked = self.lanes.top_tenants(queue, RANKS).await?;
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

/// Counts in the ledger what Redis does not hold.
async fn count_on(conn: &mut LedgerConn, queue: &str, depths: &mut Depths) -> Result<(), KeeperError> {
    let tenants = depths.cut_off();
    if tenants.is_empty() {
        return Ok(());
    }
    let cap = i64::try_from(ROWS / tenants.len()).unwrap_or(i64::MAX);
    let counted = diesel_async::AsyncConnection::transaction(&mut **conn, async |conn| {
        depth::tenants(conn, queue, &tenants, cap).await
    })
    .await?;
    for (tenant, counted) in tenants.iter().zip(counted) {
        // A count that ends at its cap may be less than what is in Redis.
        if let Some(waits) = depths.0.get_mut(tenant) {
            waits.depth = waits.depth.max(counted);
        }
    }
    Ok(())
}

/// Takes the gauges of a queue's backlog and ranks back to zero.
pub(super) fn withdraw(queue: &str) {
    set_backlog(queue, 0);
    (1..=RANKS).for_each(|rank| set(queue, rank, None, 0));
}

fn set_backlog(queue: &str, waiting: u64) {
    metrics::gauge!("queue_backlog", "queue" => queue.to_owned()).set(u32::try_from(waiting).unwrap_or(u32::MAX));
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
