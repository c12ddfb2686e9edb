//! Every lane's head in the ledger is compared with Redis; controls are copied from the ledger.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Double, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use uuid::Uuid;

use super::{Keeper, KeeperError, LedgerConn};
use crate::lanes::{LaneName, PauseScope, RateLimit};
use crate::ledger::refill::heads;
use crate::sql::statement;

/// Jobs looked at in each lane, and lanes a page.
const DEPTH: i64 = 16;
const PAGE: i64 = 500;

impl Keeper {
    /// Marks the lanes in which a job near the head is missing from Redis, to be refilled. A job that
    /// was lost behind the head is found when its turn comes near.
    pub(super) async fn audit(&self, conn: &mut LedgerConn, queue: &str) -> Result<(), KeeperError> {
        let mut from = LaneName { tenant: Uuid::nil(), lane: String::new() };
        loop {
            let page = heads(conn, queue, &from, DEPTH, PAGE).await?;
            let ids: Vec<Uuid> = page.iter().flat_map(|lane| lane.ids.iter().copied()).collect();
            let mut present = self.lanes.present(queue, &ids).await?.into_iter();
            let mut missing = Vec::new();
            for lane in &page {
                let found = present.by_ref().take(lane.ids.len()).filter(|here| *here).count();
                if found < lane.ids.len() {
                    missing.push(LaneName { tenant: lane.tenant_id, lane: lane.lane.clone() });
                }
            }
            self.lanes.mark_full(queue, &missing).await?;
            match page.last() {
                // The next lane in order: this one's name and the least character.
                Some(last) if page.len() as u64 >= PAGE.unsigned_abs() => {
                    from = LaneName { tenant: last.tenant_id, lane: format!("{}\u{1}", last.lane) };
                }
                _ => return Ok(()),
            }
        }
    }

    /// Copies pauses and limits from the ledger.
    pub(super) async fn sync_controls(&self, conn: &mut LedgerConn, queue: &str) -> Result<(), KeeperError> {
        let pauses: Vec<Pause> = statement(
            "SELECT tenant_id, lane, until FROM queue.pauses WHERE queue = $1 AND (until IS NULL OR until > now())",
        )
        .bind::<Text, _>(queue)
        .load(conn)
        .await?;
        let pauses: Vec<_> = pauses.into_iter().map(|p| (p.scope(), p.until.map(|at| at.timestamp_millis()))).collect();
        self.lanes.replace_pauses(queue, &pauses).await?;
        let limits: Vec<Limit> =
            statement("SELECT tenant_id, lane, rate_per_second, burst FROM queue.limits WHERE queue = $1")
                .bind::<Text, _>(queue)
                .load(conn)
                .await?;
        let limits: Vec<RateLimit> = limits.into_iter().map(Into::into).collect();
        self.lanes.replace_limits(queue, &limits).await?;
        Ok(())
    }

    /// Sets the queue's gauges.
    pub(super) async fn publish(&self, queue: &str) -> Result<(), KeeperError> {
        let stats = self.lanes.queue_stats(queue).await?;
        let gauge = |name: &'static str, value: u64| {
            metrics::gauge!(name, "queue" => queue.to_owned()).set(u32::try_from(value).unwrap_or(u32::MAX));
        };
        gauge("queue_ready", stats.waiting);
        gauge("queue_running", stats.running);
        gauge("queue_full_lanes", stats.full_lanes);
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Pause {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    tenant_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    lane: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    until: Option<DateTime<Utc>>,
}

impl Pause {
    fn scope(&self) -> PauseScope {
        match (self.tenant_id, &self.lane) {
            (Some(tenant), Some(lane)) => PauseScope::Lane(LaneName { tenant, lane: lane.clone() }),
            (Some(tenant), None) => PauseScope::Tenant(tenant),
            (None, _) => PauseScope::Queue,
        }
    }
}

#[derive(QueryableByName)]
struct Limit {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    lane: String,
    #[diesel(sql_type = Double)]
    rate_per_second: f64,
    #[diesel(sql_type = Int4)]
    burst: i32,
}

impl From<Limit> for RateLimit {
    fn from(row: Limit) -> Self {
        Self {
            lane: LaneName { tenant: row.tenant_id, lane: row.lane },
            rate_per_second: row.rate_per_second,
            burst: row.burst,
        }
    }
}
