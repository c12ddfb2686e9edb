//! The lanes of a tenant in a queue: those in which anything waits or runs, and those with a pause or a rate.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::ids::TenantId;
use patchbay_db::{DbResult, TypedId};
use patchbay_queue::lanes::Limit;
use patchbay_queue::ledger::controls::{self, Pause};
use patchbay_queue::ledger::depth;
use patchbay_queue::{LaneName, Lanes};

use super::running::is_under;

/// Lanes of one page.
pub const PAGE: usize = 50;

/// Most that is counted of one lane, so that a page of full ones stays quick.
const CAP: i64 = 1_000;

/// A lane.
#[derive(Debug, Clone, Default)]
pub struct Lane {
    /// Its name; empty for the tenant's own.
    pub name: String,
    /// Due jobs that nobody runs yet; at least so many where the next field says so.
    pub waiting: u64,
    /// Whether more than that wait.
    pub at_least: bool,
    /// Jobs that run; none where Redis does not answer.
    pub running: Option<u64>,
    /// Since when the oldest job is due.
    pub oldest: Option<DateTime<Utc>>,
    /// From when it may be served, if not now.
    pub eligible_at: Option<DateTime<Utc>>,
    /// What is set on it. What is set on the own lane holds for all lanes of the tenant together.
    pub limit: Option<Limit>,
    /// Its pause, or that of the tenant's share, or of the queue.
    pub pause: Option<Pause>,
}

/// A page of lanes by name, those after `after`, and whether more follow. What the ledger knows; [`dispatched`]
/// adds the rest.
///
/// # Errors
/// The database's.
pub async fn read(
    conn: &mut AsyncPgConnection,
    queue: &str,
    tenant: TenantId,
    after: Option<&str>,
) -> DbResult<(Vec<Lane>, bool)> {
    // The least name that is greater: in the C collation nothing sorts between.
    let from = after.map_or_else(String::new, |after| format!("{after}\u{1}"));
    let wanted = i64::try_from(PAGE).expect("a page is small") + 1;
    let depths = depth::lanes(conn, queue, tenant.uuid(), &from, wanted, CAP).await?;
    let pauses = controls::pauses(conn, Some(queue)).await?;
    let key = LaneName { tenant: tenant.uuid(), lane: from.clone() };
    let limits = controls::limits(conn, queue, Some(tenant.uuid()), &key, wanted).await?;
    let mut lanes: BTreeMap<String, Lane> = BTreeMap::new();
    for limit in limits {
        let name = limit.lane.lane.clone();
        lanes.entry(name).or_default().limit = Some(limit);
    }
    let mine = pauses.iter().filter(|pause| pause.tenant_id == Some(tenant.uuid()));
    for lane in mine.filter_map(|pause| pause.lane.clone()).filter(|lane| *lane >= from) {
        lanes.entry(lane).or_default();
    }
    for depth in depths {
        let lane = lanes.entry(depth.name).or_default();
        lane.waiting = depth.due.unsigned_abs();
        lane.at_least = depth.at_least;
        lane.oldest = depth.oldest;
    }
    let more = lanes.len() > PAGE;
    let page = lanes.into_iter().take(PAGE).map(|(name, lane)| {
        let pause = pauses.iter().find(|pause| covers(pause, tenant, &name)).cloned();
        Lane { name, pause, ..lane }
    });
    Ok((page.collect(), more))
}

fn covers(pause: &Pause, tenant: TenantId, name: &str) -> bool {
    pause.kind.is_none()
        && pause.tenant_id.is_none_or(|paused| paused == tenant.uuid() || paused.is_nil())
        && pause.lane.as_ref().is_none_or(|lane| is_under(name, lane))
}

/// Adds what Redis knows: who runs, and from when a lane may be served. Outside of any transaction.
pub async fn dispatched(redis: &Lanes, queue: &str, tenant: TenantId, page: &mut [Lane], now: DateTime<Utc>) {
    let running = redis.running_of(queue, tenant.uuid()).await;
    let stats = redis.tenant_lanes(queue, tenant.uuid()).await;
    let (running, stats) = match (running, stats) {
        (Ok(running), Ok(stats)) => (running, stats),
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(queue, %error, "lanes could not be looked up");
            return;
        }
    };
    let eligible: HashMap<String, i64> =
        stats.into_iter().filter_map(|lane| Some((lane.lane.lane, lane.eligible_at_ms?))).collect();
    for lane in page {
        let running = running.get(&lane.name).copied().unwrap_or(0);
        lane.running = Some(running);
        if !lane.at_least {
            lane.waiting = lane.waiting.saturating_sub(running);
        }
        let at = eligible.get(&lane.name).copied().and_then(DateTime::from_timestamp_millis);
        // A pause without an end is a time far off; the pause itself says so better.
        lane.eligible_at = match &lane.pause {
            Some(pause) => pause.until,
            None => at.filter(|at| *at > now),
        };
    }
}
