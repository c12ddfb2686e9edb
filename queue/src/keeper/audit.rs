//! Every lane's head in the ledger is compared with Redis.

use uuid::Uuid;

use super::top::{self, Depths};
use super::{Keeper, KeeperError, LedgerConn};
use crate::lanes::LaneName;
use crate::ledger::refill::heads;

/// Jobs looked at in each lane, and lanes a page.
const DEPTH: i64 = 16;
const PAGE: i64 = 500;

/// What an audit saw beside its duty.
#[derive(Default)]
pub(super) struct Audited {
    /// The Unix millisecond since which the job waits that has been due longest.
    oldest_ms: Option<i64>,
    depths: Depths,
}

impl Keeper {
    /// Marks the lanes in which a job near the head is missing from Redis, to be refilled. A job that
    /// was lost behind the head is found when its turn comes near.
    pub(super) async fn audit(&self, conn: &mut LedgerConn, queue: &str) -> Result<Audited, KeeperError> {
        let mut audited = Audited::default();
        let mut from = LaneName { tenant: Uuid::nil(), lane: String::new() };
        loop {
            let page = heads(conn, queue, &from, DEPTH, PAGE).await?;
            let names: Vec<LaneName> =
                page.iter().map(|lane| LaneName { tenant: lane.tenant_id, lane: lane.lane.clone() }).collect();
            let depths = self.lanes.depths(queue, &names).await?;
            let full = self.lanes.are_full(queue, &names).await?;
            let ids: Vec<Uuid> = page.iter().flat_map(|lane| lane.ids.iter().copied()).collect();
            let mut present = self.lanes.present(queue, &ids).await?.into_iter();
            let mut missing = Vec::new();
            for (((lane, name), depth), full) in page.iter().zip(names).zip(depths).zip(full) {
                let due = lane.due.timestamp_millis();
                audited.oldest_ms = Some(audited.oldest_ms.map_or(due, |oldest| oldest.min(due)));
                let found = present.by_ref().take(lane.ids.len()).filter(|here| *here).count();
                let lacks = found < lane.ids.len();
                audited.depths.add(&name, depth, due, full || lacks);
                if lacks {
                    missing.push(name);
                }
            }
            self.lanes.mark_full(queue, &missing).await?;
            match page.last() {
                // The next lane in order: this one's name and the least character.
                Some(last) if page.len() as u64 >= PAGE.unsigned_abs() => {
                    from = LaneName { tenant: last.tenant_id, lane: format!("{}\u{1}", last.lane) };
                }
                _ => return Ok(audited),
            }
        }
    }

    /// Sets the queue's gauges, and says in Redis what only a look at all lanes can tell.
    pub(super) async fn publish(
        &self,
        conn: &mut LedgerConn,
        queue: &str,
        audited: Audited,
    ) -> Result<(), KeeperError> {
        let stats = self.lanes.queue_stats(queue).await?;
        self.lanes.tell_oldest(queue, audited.oldest_ms).await?;
        let now = self.lanes.time().await?.timestamp_millis();
        let age = audited.oldest_ms.map_or(0, |due| now.saturating_sub(due)).max(0) / 1_000;
        set(queue, [age.unsigned_abs(), stats.waiting, stats.running, stats.full_lanes]);
        self.publish_top(conn, queue, audited.depths, now).await
    }
}

/// Takes the queue's gauges back to zero: who leads no longer must not go on telling the last it knew.
pub(super) fn withdraw(queue: &str) {
    set(queue, [0; 4]);
    top::withdraw(queue);
}

fn set(queue: &str, values: [u64; 4]) {
    let [age, ready, running, full] = values.map(|value| u32::try_from(value).unwrap_or(u32::MAX));
    let labels = [("queue", queue.to_owned())];
    metrics::gauge!("queue_oldest_age_seconds", &labels).set(age);
    metrics::gauge!("queue_ready", &labels).set(ready);
    metrics::gauge!("queue_running", &labels).set(running);
    metrics::gauge!("queue_full_lanes", &labels).set(full);
}
