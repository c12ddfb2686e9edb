//! All limits on, none of them in the way: what is measured pays for every check.
//!
//! Each job waits in a lane under four keys: its tenant's part of an account, the account over all tenants, the tenant and the
//! queue. Each key has a rate and a ceiling of what runs; each tenant a weight.

use anyhow::Result;
use patchbay_db::ids::TenantId;
use patchbay_queue::lanes::{Limit, Rate};
use patchbay_queue::ledger::controls;
use patchbay_queue::{LaneName, SYSTEM_TENANT};
use uuid::Uuid;

use super::job::QUEUE;
use super::world::World;

/// The lane of the jobs: an account, as it were.
pub const LANE: &str = "account";

/// What nobody reaches, of units a second, of units at once and of running jobs.
const PLENTY: i32 = 10_000_000;

/// Puts the limits of `tenants` into force, in the ledger and in Redis.
pub async fn set(world: &World, tenants: &[TenantId]) -> Result<()> {
    let mut limits = vec![limit(SYSTEM_TENANT, ""), limit(SYSTEM_TENANT, LANE)];
    for tenant in tenants.iter().map(|tenant| Uuid::from(*tenant)) {
        limits.push(Limit { weight: Some(1.0), max_waiting: Some(i64::from(PLENTY)), ..limit(tenant, "") });
        limits.push(limit(tenant, LANE));
    }
    let mut tx = world.db.system("a bench's limits").await?;
    for limit in &limits {
        limit.check(QUEUE)?;
        controls::set_limit(&mut tx, QUEUE, limit).await?;
    }
    tx.commit().await?;
    Ok(world.lanes.set_limits(QUEUE, &limits).await?)
}

fn limit(tenant: Uuid, lane: &str) -> Limit {
    let rate = Rate { per_second: f64::from(PLENTY), burst: PLENTY };
    Limit { rate: Some(rate), concurrency: Some(PLENTY), ..Limit::new(LaneName { tenant, lane: lane.to_owned() }) }
}
