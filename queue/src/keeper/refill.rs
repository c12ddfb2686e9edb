//! Lanes whose backlog did not fit get the next part of it.
//!
//! Many lanes at once, because there may be thousands: what is free in the queue's window is shared out among those that
//! are marked full, read in one statement and pushed together. A queue that is full itself is left alone, but for a few
//! places in lanes that have run empty. A lane that is worked off fast gets a larger part at a time ([`Paces`]). How to
//! break it: look in Redis after the rows were read, not before (a job that
//! has just ended would be pushed again); take the mark off after the last look.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::pace::Paces;
use super::{Keeper, KeeperError, LedgerConn};
use crate::Envelope;
use crate::lanes::{LaneName, Window};
use crate::ledger::refill::{firsts, waiting};

/// Lanes looked at in one go.
const LANES: usize = 256;
/// Ids in memory at a time, or about as many.
const IDS: usize = 16_384;
/// Rows in memory at a time.
const ROWS: usize = 500;
/// The other duties wait no longer than this.
const TURN: Duration = Duration::from_millis(200);

/// So long after a lane took something, it is looked at again and again,
const SOON: Duration = Duration::from_millis(50);
/// at this distance.
const PAUSE: Duration = Duration::from_millis(5);

/// What a look at the lanes that are marked full came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refilled {
    /// One took something; there may be more.
    Took,
    /// They have enough for now.
    Enough,
    /// None is marked.
    Nothing,
}

/// A lane, and how many of its first jobs are to be read.
type Wanted = (LaneName, usize);

impl Keeper {
    /// Refills lanes for a while; the rest has to wait for the next tick.
    pub(super) async fn refill_for_a_turn(
        &self,
        conn: &mut LedgerConn,
        paces: &mut Paces,
        queue: &str,
    ) -> Result<(), KeeperError> {
        let (begun, mut took) = (Instant::now(), None);
        loop {
            match self.refill(conn, paces, queue).await? {
                Refilled::Took => took = Some(Instant::now()),
                // What one tenant's lane holds may be gone before the next tick.
                Refilled::Enough if took.is_some_and(|at: Instant| at.elapsed() < SOON) => {
                    tokio::time::sleep(PAUSE).await;
                }
                Refilled::Enough | Refilled::Nothing => return Ok(()),
            }
            if begun.elapsed() >= TURN {
                return Ok(());
            }
        }
    }

    /// Refills lanes that have run half empty.
    pub(super) async fn refill(
        &self,
        conn: &mut LedgerConn,
        paces: &mut Paces,
        queue: &str,
    ) -> Result<Refilled, KeeperError> {
        let Some(wanted) = self.wanted(paces, queue).await? else { return Ok(Refilled::Nothing) };
        if wanted.is_empty() {
            return Ok(Refilled::Enough);
        }
        let (taken, whole) = self.push_firsts(conn, queue, wanted).await?;
        if !whole.is_empty() {
            // All of these was read. Unmark them first and look again after: a job that was turned
            // away while the mark stood was committed before, so this second look sees it.
            self.lanes.unmark_full(queue, whole.iter().map(|(lane, _)| lane)).await?;
            self.push_firsts(conn, queue, whole).await?;
        }
        Ok(if taken > 0 { Refilled::Took } else { Refilled::Enough })
    }

    /// The full lanes that have room, with how much of each is to be read to fill it; none where no lane is full.
    async fn wanted(&self, paces: &mut Paces, queue: &str) -> Result<Option<Vec<Wanted>>, KeeperError> {
        let window = self.settings.window;
        let full = self.lanes.full_lanes(queue, LANES).await?;
        if full.lanes.is_empty() {
            return Ok(None);
        }
        let mut running = self.lanes.running_by_lane(queue).await?;
        let depths = self.lanes.depths(queue, &full.lanes).await?;
        let share = window.queue / full.count.max(1);
        let now = Instant::now();
        paces.forget(now);
        let mut room = window.queue.saturating_sub(full.held);
        let (mut wanted, mut ids) = (Vec::new(), 0);
        for (nth, (lane, depth)) in full.lanes.into_iter().zip(depths).enumerate() {
            let few = window.few(full.held, nth < full.dry);
            let share = share.max(few);
            let depth = usize::try_from(depth).unwrap_or(usize::MAX);
            // Sooner, and most of what is read would be here already.
            if depth > paces.window(&lane, window.lane).min(share) / 2 {
                continue;
            }
            let most = paces.grown(&lane, window.lane, now).min(share);
            let takes = (most - depth).min(room.max(few.saturating_sub(depth)));
            if takes < few.min(most).div_ceil(2) {
                continue;
            }
            room = room.saturating_sub(takes);
            paces.filled(&lane, most, now);
            // What is here already is at the head of the ledger's order too: read past it.
            let here = depth + running.remove(&lane).unwrap_or(0);
            wanted.push((lane, takes + here));
            ids += takes + here;
            if ids >= IDS {
                break;
            }
        }
        Ok(Some(wanted))
    }

    /// Answers how many were new to Redis, and the lanes that were read to their end.
    async fn push_firsts(
        &self,
        conn: &mut LedgerConn,
        queue: &str,
        wanted: Vec<Wanted>,
    ) -> Result<(usize, Vec<Wanted>), KeeperError> {
        let ids = firsts(conn, queue, &wanted).await?;
        let read = wanted.iter().zip(&ids).flat_map(|((lane, _), ids)| ids.iter().map(|id| (lane.tenant, *id)));
        let read: Vec<(Uuid, Uuid)> = read.collect();
        // A job leaves the ledger's `waiting` before it leaves Redis. So one that was absent from Redis
        // and waits *after that look* was never here, or was lost; one read before might just have ended.
        let present = self.lanes.present(queue, read.iter().map(|(_, id)| id)).await?;
        let absent: Vec<_> = read.into_iter().zip(present).filter(|(_, here)| !here).map(|(job, _)| job).collect();
        // How much a lane takes was decided where it was asked for.
        let window = Window { lane: self.settings.window.queue, ..self.settings.window };
        let push = |(jobs, as_of): (Vec<Envelope>, Instant)| async move {
            self.lanes.refill(queue, &jobs, window, as_of).await.map_err(KeeperError::from)
        };
        let (mut taken, mut read) = (0, (Vec::new(), Instant::now()));
        for some in absent.chunks(ROWS) {
            let as_of = Instant::now();
            let reading = async { waiting(conn, some).await.map_err(KeeperError::from) };
            let (rows, pushed) = futures_util::future::try_join(reading, push(read)).await?;
            read = (rows.into_iter().map(Envelope::from).collect(), as_of);
            taken += pushed;
        }
        taken += push(read).await?;
        let whole = wanted.into_iter().zip(ids).filter(|((_, limit), ids)| ids.len() < *limit);
        Ok((taken, whole.map(|(wanted, _)| wanted).collect()))
    }
}
