//! Lanes whose backlog did not fit get the next part of it.
//!
//! Many lanes at once, because there may be thousands: what is free in the queue's window is shared out among those that
//! are marked full, read in one statement and pushed together. A queue that is full itself is left alone, but for a few
//! places in lanes that have run empty. A lane that is worked off fast gets a larger part at a time ([`Paces`]). It goes on
//! beside the keeper's other duties, with a connection of its own: whoever waits for an audit of very many lanes would have
//! run dry meanwhile, and lost its share to those who have not. How to break it: look in Redis after the rows were read,
//! not before (a job that has just ended would be pushed again); take the mark off after the last look.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::pace::Paces;
use super::parts::{Part, in_turn};
use super::{Keeper, KeeperError, LedgerConn, SLOW_TICK, TICK, done_for};
use crate::Envelope;
use crate::lanes::{LaneName, Window};
use crate::ledger::refill::{firsts, waiting};

/// Lanes looked at in one go.
const LANES: usize = 256;
/// Ids in memory at a time, or about as many.
const IDS: usize = 16_384;
/// Rows in memory at a time.
const ROWS: usize = 500;
/// While lanes take something they are looked at at this distance, and so long after;
const SOON: Duration = Duration::from_millis(5);
const FAST: Duration = Duration::from_millis(50);
/// while some are full, at this one.
const FULL: Duration = Duration::from_millis(25);

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

/// How a queue is refilled.
struct Filling {
    paces: Paces,
    /// When a lane took something.
    took: Option<Instant>,
    next: Instant,
}

impl Default for Filling {
    fn default() -> Self {
        Self { paces: Paces::default(), took: None, next: Instant::now() }
    }
}

/// A lane that has room.
#[derive(Clone)]
struct Wanted {
    lane: LaneName,
    /// Up to where it is filled, if the whole of that is its part.
    window: usize,
    /// How many of its first jobs are to be read.
    first: usize,
    part: Part,
}

impl Keeper {
    /// Refills until `stop`, in turn, the queues that this keeper is told to lead. What it has begun it ends.
    pub(super) async fn keep_filled(&self, mut led: watch::Receiver<Option<Vec<String>>>, stop: CancellationToken) {
        let mut filling: HashMap<String, Filling> = HashMap::new();
        while !stop.is_cancelled() {
            let queues = led.borrow_and_update().clone().unwrap_or_default();
            filling.retain(|queue, _| queues.contains(queue));
            let mut next = TICK;
            for queue in queues {
                let of = filling.entry(queue.clone()).or_default();
                if of.next <= Instant::now() {
                    let pause = self.fill(of, &queue).await.unwrap_or_else(|error| {
                        tracing::warn!(queue, %error, "lanes are not refilled");
                        SLOW_TICK
                    });
                    of.next = Instant::now() + pause;
                }
                next = next.min(of.next.saturating_duration_since(Instant::now()));
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(next) => {}
                Ok(()) = led.changed() => {}
            }
        }
    }

    /// Looks at a queue. Answers after what time to look again.
    async fn fill(&self, of: &mut Filling, queue: &str) -> Result<Duration, KeeperError> {
        Ok(match done_for(queue, self.refill(&mut of.paces, queue).await)? {
            Some(Refilled::Took) => {
                of.took = Some(Instant::now());
                SOON
            }
            // What one tenant's lane holds may be gone before the next tick.
            Some(Refilled::Enough) if of.took.is_some_and(|at| at.elapsed() < FAST) => SOON,
            Some(Refilled::Enough) => FULL,
            Some(Refilled::Nothing) => TICK,
            None => SLOW_TICK,
        })
    }

    /// Refills lanes that have run half empty.
    pub(super) async fn refill(&self, paces: &mut Paces, queue: &str) -> Result<Refilled, KeeperError> {
        let Some(wanted) = self.wanted(paces, queue).await? else { return Ok(Refilled::Nothing) };
        if wanted.is_empty() {
            return Ok(Refilled::Enough);
        }
        let conn = &mut self.conn().await?;
        let (taken, whole) = self.push_firsts(conn, queue, &wanted).await?;
        let now = Instant::now();
        wanted.iter().for_each(|wanted| paces.filled(&wanted.lane, wanted.window, now));
        if !whole.is_empty() {
            // All of these was read. Unmark them first and look again after: a job that was turned
            // away while the mark stood was committed before, so this second look sees it.
            self.lanes.unmark_full(queue, whole.iter().map(|wanted| &wanted.lane)).await?;
            let (_, still) = self.push_firsts(conn, queue, &whole).await?;
            // More has come meanwhile than was looked for.
            let more = whole.into_iter().map(|wanted| wanted.lane).filter(|lane| still.iter().all(|s| s.lane != *lane));
            self.lanes.mark_full(queue, &more.collect::<Vec<_>>()).await?;
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
        let depths = self.lanes.depths(queue, &full.lanes).await?;
        let share = window.queue / full.count.max(1);
        let now = Instant::now();
        paces.forget(now);
        let dry = (0..).map(|nth| nth < full.dry);
        let lanes = full.lanes.into_iter().zip(depths).zip(dry).map(|((lane, depth), dry)| {
            let few = window.few(full.held, dry);
            let depth = usize::try_from(depth).unwrap_or(usize::MAX);
            (lane, depth, few, share.max(few))
        });
        // Sooner, and most of what is read would be here already.
        let wants = |(lane, depth, _, share): &(LaneName, usize, usize, usize)| {
            *depth <= paces.window(lane, window.lane).min(*share) / 2
        };
        let (lanes, others): (Vec<_>, Vec<_>) = lanes.partition(wants);
        if lanes.is_empty() {
            return Ok(Some(Vec::new()));
        }
        // Who was filled a moment ago takes part, even where it has enough until the next time.
        let others = others.iter().map(|(lane, ..)| lane).filter(|lane| paces.has(lane));
        let served: Vec<&LaneName> = lanes.iter().map(|(lane, ..)| lane).chain(others).collect();
        let parts = Part::of_all(&served, &self.lanes.weights(queue, &served).await?);
        // What is here already, waiting or running, is at the head of the ledger's order too: it is read past.
        let running = self.lanes.running_by_lane(queue).await?;
        let mut room = window.queue.saturating_sub(full.held);
        let (mut wanted, mut ids) = (Vec::new(), 0);
        for ((lane, depth, few, share), part) in lanes.into_iter().zip(parts) {
            let most = paces.grown(&lane, window.lane, now).min(share);
            let its = part.of(most).max(few.min(most));
            let takes = its.saturating_sub(depth).min(room.max(few.saturating_sub(depth)));
            if takes < few.min(its).div_ceil(2) || depth > its / 2 {
                continue;
            }
            room = room.saturating_sub(takes);
            let first = takes + depth + running.get(&lane).unwrap_or(&0);
            ids += first;
            wanted.push(Wanted { lane, window: most, first, part });
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
        wanted: &[Wanted],
    ) -> Result<(usize, Vec<Wanted>), KeeperError> {
        let lanes: Vec<(LaneName, usize)> = wanted.iter().map(|wanted| (wanted.lane.clone(), wanted.first)).collect();
        let ids = firsts(conn, queue, &lanes).await?;
        // A job leaves the ledger's `waiting` before it leaves Redis. So one that was absent from Redis
        // and waits *after that look* was never here, or was lost; one read before might just have ended.
        let mut here = self.lanes.present(queue, ids.iter().flatten()).await?.into_iter();
        let absent = in_turn(wanted.iter().zip(&ids).map(|(wanted, ids)| {
            let absent = ids.iter().zip(&mut here).filter(|(_, here)| !here);
            (wanted.part, absent.map(|(id, _)| (wanted.lane.tenant, *id)).collect())
        }));
        // How much a lane takes was decided where it was asked for.
        let window = Window { lane: self.settings.window.queue, ..self.settings.window };
        let push = |(jobs, as_of): (Vec<Envelope>, Instant)| async move {
            self.lanes.refill(queue, &jobs, window, as_of).await.map_err(KeeperError::from)
        };
        let (mut taken, mut read) = (0, (Vec::new(), Instant::now()));
        for some in absent.chunks(ROWS) {
            let as_of = Instant::now();
            let reading = async { waiting(conn, some).await.map_err(KeeperError::from) };
            let sent = read.0.len();
            let (rows, pushed) = futures_util::future::try_join(reading, push(read)).await?;
            read = (rows.into_iter().map(Envelope::from).collect(), as_of);
            taken += pushed;
            if pushed < sent {
                // There was no room for one, perhaps: what comes after it must not be taken before it.
                return Ok((taken, Vec::new()));
            }
        }
        taken += push(read).await?;
        let whole = wanted.iter().zip(ids).filter(|(wanted, ids)| ids.len() < wanted.first);
        Ok((taken, whole.map(|(wanted, _)| wanted.clone()).collect()))
    }
}
