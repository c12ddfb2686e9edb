//! Every lane's head in the ledger is compared with Redis; controls are copied from the ledger.

use uuid::Uuid;

use super::{Keeper, KeeperError, LedgerConn};
use crate::clock::now;
use crate::envelope::made_at_ms;
use crate::lanes::LaneName;
use crate::ledger::controls;
use crate::ledger::refill::heads;

/// Jobs looked at in each lane, and lanes a page.
const DEPTH: i64 = 16;
const PAGE: i64 = 500;

impl Keeper {
    /// Marks the lanes in which a job near the head is missing from Redis, to be refilled. A job that
    /// was lost behind the head is found when its turn comes near. Answers the Unix millisecond in
    /// which the oldest waiting job was made.
    pub(super) async fn audit(&self, conn: &mut LedgerConn, queue: &str) -> Result<Option<i64>, KeeperError> {
        let mut oldest = None;
        let mut from = LaneName { tenant: Uuid::nil(), lane: String::new() };
        loop {
            let page = heads(conn, queue, &from, DEPTH, PAGE).await?;
            let made = page.iter().flat_map(|lane| &lane.ids).map(|id| made_at_ms(*id)).min();
            oldest = oldest.into_iter().chain(made).min();
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
                _ => return Ok(oldest),
            }
        }
    }

    /// Copies pauses and limits from the ledger, and opens the queue if it was closed.
    pub(super) async fn sync_controls(
        &self,
        conn: &mut LedgerConn,
        queue: &str,
        drain: bool,
    ) -> Result<(), KeeperError> {
        let pauses: Vec<_> = controls::pauses(conn, Some(queue))
            .await?
            .into_iter()
            .map(|pause| (pause.scope(), pause.until.map(|at| at.timestamp_millis())))
            .collect();
        self.lanes.replace_pauses(queue, &pauses).await?;
        self.lanes.replace_limits(queue, &controls::limits(conn, queue).await?).await?;
        self.lanes.open(queue, drain).await?;
        Ok(())
    }

    /// Sets the queue's gauges.
    pub(super) async fn publish(&self, queue: &str, oldest_ms: Option<i64>) -> Result<(), KeeperError> {
        let stats = self.lanes.queue_stats(queue).await?;
        let age = oldest_ms.map_or(0, |made| now().timestamp_millis().saturating_sub(made)) / 1_000;
        set(queue, [age.unsigned_abs(), stats.waiting, stats.running, stats.full_lanes]);
        Ok(())
    }
}

/// Takes the queue's gauges back to zero: who leads no longer must not go on telling the last it knew.
pub(super) fn withdraw(queue: &str) {
    set(queue, [0; 4]);
}

fn set(queue: &str, values: [u64; 4]) {
    let [age, ready, running, full] = values.map(|value| u32::try_from(value).unwrap_or(u32::MAX));
    let labels = [("queue", queue.to_owned())];
    metrics::gauge!("queue_oldest_age_seconds", &labels).set(age);
    metrics::gauge!("queue_ready", &labels).set(ready);
    metrics::gauge!("queue_running", &labels).set(running);
    metrics::gauge!("queue_full_lanes", &labels).set(full);
}
