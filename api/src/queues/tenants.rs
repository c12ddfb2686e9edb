//! `GET /v1/queues/{queue}/tenants`.
//!
//! The first ten only: an operator asks who it is that fills a queue, and not for all of ten thousand; and measuring each
//! tenant's waits would be a label explosion in Redis.

use patchbay_db::ids::TenantId;
use patchbay_domain::queues::tenants::{self, MOST, Rank, Share};
use poem_openapi::{
    Enum, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
    types::Example,
};

use super::Read;
use crate::{
    http::{Caller, Handled, Id, ListOf, SystemCall, Time},
    tags::Tag,
};

/// By what tenants are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum TenantRank {
    /// How much waits, most first.
    Depth,
    /// How long the oldest job waits, longest first.
    Oldest,
    /// How often they were held up lately, most first.
    Throttled,
}

/// A tenant's share of a queue.
#[derive(Debug, Object)]
#[oai(example)]
pub struct QueueTenant {
    /// The tenant.
    pub tenant_id: Id<TenantId>,
    /// Due jobs that nobody runs yet. Counted up to 10,000.
    pub waiting: u64,
    /// Whether more wait than `waiting` says.
    pub at_least: bool,
    /// Jobs that run.
    pub running: u64,
    /// Since when its oldest job is due. Looked for in the first 256 lanes.
    pub oldest_at: Option<Time>,
    /// The age of that job in seconds.
    pub oldest_age_seconds: Option<i64>,
    /// Half of its waits measured lately were no longer than this, in milliseconds. Of the jobs that a worker takes
    /// from a lane at a time the first is measured, while the tenant is among the ten.
    pub dwell_p50_ms: Option<i64>,
    /// All but one in a hundred of these waits were no longer than this, in milliseconds.
    pub dwell_p99_ms: Option<i64>,
    /// How often a limit held it up lately.
    pub throttled: u64,
}

impl Example for QueueTenant {
    fn example() -> Self {
        Self {
            tenant_id: Id::example(),
            waiting: 10_000,
            at_least: true,
            running: 12,
            oldest_at: Some(Time::example()),
            oldest_age_seconds: Some(42),
            dwell_p50_ms: Some(120),
            dwell_p99_ms: Some(4_200),
            throttled: 17,
        }
    }
}

impl QueueTenant {
    fn at(share: &Share, now: chrono::DateTime<chrono::Utc>) -> Self {
        Self {
            tenant_id: Id(share.tenant),
            waiting: share.waiting,
            at_least: share.at_least,
            running: share.running,
            oldest_at: share.oldest.map(Time),
            oldest_age_seconds: share.oldest.map(|oldest| (now - oldest).num_seconds().max(0)),
            dwell_p50_ms: share.stats.dwell_p50_ms,
            dwell_p99_ms: share.stats.dwell_p99_ms,
            throttled: share.stats.throttled,
        }
    }
}

/// The operation.
#[derive(Debug, Default)]
pub struct Tenants;

#[OpenApi]
impl Tenants {
    /// List the tenants of a queue
    ///
    /// The ten with the most waiting, in the order that is asked for; `has_more` is always false. They are looked for every
    /// few seconds. For the system key.
    #[oai(path = "/v1/queues/:queue/tenants", method = "get", operation_id = "queues_tenants", tag = "Tag::Queues")]
    async fn run(
        &self,
        call: SystemCall,
        /// The queue's name.
        queue: Path<String>,
        /// By what they are ranked; `depth` where it is left out.
        by: Query<Option<TenantRank>>,
        /// How many at most.
        #[oai(validator(minimum(value = "1"), maximum(value = "10")))]
        limit: Query<Option<u32>>,
    ) -> Handled<Json<ListOf<QueueTenant>>> {
        let call: Caller<Read> = Caller::System(call);
        let queue = super::key::known(&call, &queue.0)?;
        let rank = match by.0.unwrap_or(TenantRank::Depth) {
            TenantRank::Depth => Rank::Depth,
            TenantRank::Oldest => Rank::Oldest,
            TenantRank::Throttled => Rank::Throttled,
        };
        let most = limit.0.map_or(MOST, |limit| limit as usize);
        let found = tenants::ranking(call.app().db.dispatcher().lanes(), queue, rank, most).await?;
        let mut tx = call.read().await?;
        let shares = tenants::shares(&mut tx, queue, found).await?;
        tx.commit().await?;
        let data = shares.into_iter().map(|share| QueueTenant::at(&share, call.now())).collect();
        Ok(Json(ListOf { data, next_cursor: None, has_more: false }))
    }
}
