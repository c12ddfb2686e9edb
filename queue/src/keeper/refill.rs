//! Lanes whose backlog did not fit get the next part of it.

use uuid::Uuid;

use super::{Keeper, KeeperError, LedgerConn};
use crate::Envelope;
use crate::lanes::LaneName;
use crate::ledger::refill::{head, waiting};

/// Lanes looked at in one go.
const LANES: usize = 64;

impl Keeper {
    /// Refills lanes that have run half empty; `true`: one took something, there may be more.
    pub(super) async fn refill(&self, conn: &mut LedgerConn, queue: &str) -> Result<bool, KeeperError> {
        let mut any = false;
        for lane in self.lanes.full_lanes(queue, LANES).await? {
            any |= self.refill_lane(conn, queue, &lane).await?;
        }
        Ok(any)
    }

    async fn refill_lane(&self, conn: &mut LedgerConn, queue: &str, lane: &LaneName) -> Result<bool, KeeperError> {
        let window = self.settings.window.lane;
        let (waiting, running) = self.lanes.lane_size(queue, lane).await?;
        if waiting > window / 2 {
            return Ok(false);
        }
        // What is here already is at the head of the ledger's order too: read past it.
        let limit = i64::try_from(window + waiting + running).unwrap_or(i64::MAX);
        let taken = self.push_head(conn, queue, lane, limit).await?;
        if taken.1 < limit {
            // All of the lane was read. Unmark it first and look again after: a job that was turned
            // away while the mark stood was committed before, so this second look sees it.
            self.lanes.unmark_full(queue, lane).await?;
            self.push_head(conn, queue, lane, limit).await?;
        }
        Ok(taken.0 > 0)
    }

    /// Answers how many were new to Redis and how many were read.
    async fn push_head(
        &self,
        conn: &mut LedgerConn,
        queue: &str,
        lane: &LaneName,
        limit: i64,
    ) -> Result<(usize, i64), KeeperError> {
        let ids = head(conn, queue, lane, limit).await?;
        let read = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        // A job leaves the ledger's `waiting` before it leaves Redis. So one that was absent from Redis
        // and waits *after that look* was never here, or was lost; one read before might just have ended.
        let present = self.lanes.present(queue, &ids).await?;
        let absent: Vec<Uuid> = ids.into_iter().zip(present).filter(|(_, here)| !here).map(|(id, _)| id).collect();
        if absent.is_empty() {
            return Ok((0, read));
        }
        let rows = waiting(conn, lane.tenant, &absent).await?;
        let jobs: Vec<Envelope> = rows.into_iter().map(Envelope::from).collect();
        let taken = self.lanes.push(queue, &jobs, self.settings.window, true).await?;
        Ok((taken, read))
    }
}
