//! Every lane's head in the ledger is compared with Redis.

use std::collections::HashMap;

use uuid::Uuid;

use super::top::{self, Depths};
use super::{Keeper, KeeperError, LedgerConn, aside};
use crate::lanes::LaneName;
use crate::ledger::refill::{firsts, heads};

/// Jobs looked at in each lane, and lanes a page.
const DEPTH: u16 = 16;
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
    /// was lost behind the head is found when its turn comes near. What runs is read past, as a refill does.
    pub(super) async fn audit(&self, conn: &mut LedgerConn, queue: &str) -> Result<Audited, KeeperError> {
        let mut audited = Audited::default();
        let mut from = LaneName { tenant: Uuid::nil(), lane: String::new() };
        let mut running = None;
        loop {
            let page = heads(conn, queue, &from, i64::from(DEPTH), PAGE).await?;
            let names: Vec<LaneName> =
                page.iter().map(|lane| LaneName { tenant: lane.tenant_id, lane: lane.lane.clone() }).collect();
            let depths = self.lanes.depths(queue, &names).await?;
            let full = self.lanes.are_full(queue, &names).await?;
            let ids: Vec<Uuid> = page.iter().flat_map(|lane| lane.ids.iter().copied()).collect();
            let mut present = self.lanes.present(queue, &ids).await?.into_iter();
            let (mut missing, mut all_here) = (Vec::new(), Vec::new());
            for (((lane, name), depth), full) in page.iter().zip(names).zip(depths).zip(full) {
                let due = lane.due.timestamp_millis();
                audited.oldest_ms = Some(audited.oldest_ms.map_or(due, |oldest| oldest.min(due)));
                let found = present.by_ref().take(lane.ids.len()).filter(|here| *here).count();
                let lacks = found < lane.ids.len();
                audited.depths.add(&name, depth, due, full || lacks);
                if lacks {
                    missing.push(name);
                } else if !full && found == usize::from(DEPTH) && depth < u64::from(DEPTH) {
                    all_here.push(name);
                }
            }
            missing.extend(self.missing_behind_runs(conn, queue, all_here, &mut running).await?);
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

    /// Of lanes with a head that is here because some of it runs, those that lack a job near the head of what waits. What runs
    /// is read once an audit: a lane that is marked for what has ended meanwhile is looked at in vain, once.
    async fn missing_behind_runs(
        &self,
        conn: &mut LedgerConn,
        queue: &str,
        lanes: Vec<LaneName>,
        running: &mut Option<HashMap<LaneName, usize>>,
    ) -> Result<Vec<LaneName>, KeeperError> {
        if lanes.is_empty() {
            return Ok(lanes);
        }
        let running = match running {
            Some(running) => running,
            None => running.insert(self.lanes.running_by_lane(queue).await?),
        };
        let past = |lane: &LaneName| usize::from(DEPTH) + running.get(lane).copied().unwrap_or(0);
        let wanted: Vec<(LaneName, usize)> = lanes.into_iter().map(|lane| (lane.clone(), past(&lane))).collect();
        let ids = firsts(conn, queue, &wanted).await?;
        let mut present = self.lanes.present(queue, ids.iter().flatten()).await?.into_iter();
        let mut lacks = |ids: &Vec<Uuid>| present.by_ref().take(ids.len()).filter(|here| !here).count() > 0;
        Ok(wanted.into_iter().zip(&ids).filter(|(_, ids)| lacks(ids)).map(|((lane, _), _)| lane).collect())
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
        let now = self.lanes.time(queue).await?.timestamp_millis();
        let age = audited.oldest_ms.map_or(0, |due| now.saturating_sub(due)).max(0) / 1_000;
        let at = now.div_euclid(1_000).unsigned_abs();
        set(queue, [age.unsigned_abs(), stats.waiting, stats.running, stats.full_lanes, at]);
        self.publish_top(conn, queue, audited.depths, now).await
    }
}

/// Takes the queue's gauges back to zero: who leads no longer must not go on telling the last it knew.
pub(super) fn withdraw(queue: &str) {
    set(queue, [0; 5]);
    top::withdraw(queue);
    aside::withdraw(queue);
}

fn set(queue: &str, values: [u64; 5]) {
    let [age, ready, running, full, at] = values.map(|value| u32::try_from(value).unwrap_or(u32::MAX));
    let labels = [("queue", queue.to_owned())];
    metrics::gauge!("queue_oldest_age_seconds", &labels).set(age);
    metrics::gauge!("queue_ready", &labels).set(ready);
    metrics::gauge!("queue_running", &labels).set(running);
    metrics::gauge!("queue_full_lanes", &labels).set(full);
    metrics::gauge!("queue_last_repair_seconds", &labels).set(at);
}
