//! The tenants of a queue that an operator looks at first: who has the most waiting, who waits longest, who is held up.
//!
//! The dispatcher ranks them, and counts only so far; how much each has is the ledger's to say, and is asked for the few
//! that are shown.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::ids::TenantId;
use patchbay_db::{DbResult, TypedId};
use patchbay_queue::Lanes;
use patchbay_queue::lanes::TenantStats;

use patchbay_queue::ledger::depth;

use super::running::away;

/// Most that are shown: as many as the dispatcher ranks.
pub const MOST: usize = 10;

/// By what the tenants are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// How much waits.
    Depth,
    /// How long the oldest waits.
    Oldest,
    /// How often they were held up.
    Throttled,
}

/// A tenant of a queue.
#[derive(Debug, Clone)]
pub struct Share {
    /// Who.
    pub tenant: TenantId,
    /// Due jobs that nobody runs yet; at least so many where the next field says so.
    pub waiting: u64,
    /// Whether more than that wait.
    pub at_least: bool,
    /// Jobs that run.
    pub running: u64,
    /// Since when the oldest job is due.
    pub oldest: Option<DateTime<Utc>>,
    /// What the dispatcher knows.
    pub stats: TenantStats,
}

/// The first `most` of `found`, ranked.
#[must_use]
fn ranked(mut found: Vec<TenantStats>, rank: Rank, most: usize) -> Vec<TenantStats> {
    match rank {
        Rank::Depth => found.sort_by_key(|stats| std::cmp::Reverse(stats.waiting)),
        Rank::Oldest => found.sort_by_key(|stats| stats.oldest_ms.unwrap_or(i64::MAX)),
        Rank::Throttled => found.sort_by_key(|stats| std::cmp::Reverse(stats.throttled)),
    }
    found.truncate(most);
    found
}

/// The tenants that the dispatcher ranks (the few with the most waiting), the first `most` of them by `rank`, each with how
/// many of its jobs run.
///
/// # Errors
/// `Unavailable` where Redis does not answer.
pub async fn ranking(lanes: &Lanes, queue: &str, rank: Rank, most: usize) -> DbResult<Vec<(TenantStats, u64)>> {
    let found = lanes.top_tenants(queue, MOST).await.map_err(away)?;
    let mut ranking = Vec::new();
    for stats in ranked(found, rank, most) {
        let running = lanes.running_of(queue, stats.tenant).await.map_err(away)?;
        ranking.push((stats, running.values().sum()));
    }
    Ok(ranking)
}

/// Adds what the ledger knows to each of `found`. In a transaction that sees everybody's.
///
/// # Errors
/// The database's.
pub async fn shares(conn: &mut AsyncPgConnection, queue: &str, found: Vec<(TenantStats, u64)>) -> DbResult<Vec<Share>> {
    let mut shares = Vec::with_capacity(found.len());
    for (stats, running) in found {
        let depth = depth::queues(conn, &[queue], Some(stats.tenant)).await?.pop();
        let due = depth.as_ref().map_or(stats.waiting, |depth| depth.due.unsigned_abs());
        let at_least = depth.as_ref().is_some_and(|depth| depth.at_least);
        shares.push(Share {
            tenant: TenantId::from_uuid(stats.tenant),
            waiting: if at_least { due } else { due.saturating_sub(running) },
            at_least,
            running,
            oldest: depth.and_then(|depth| depth.oldest),
            stats,
        });
    }
    Ok(shares)
}
