//! The ledger's pauses and limits, copied to Redis.
//!
//! Whoever decides writes to Redis too, at once; this is for decisions that did not get there, and for an emptied Redis.
//! Triggers leave word of each change in a table that is almost always empty, so looking twice a second costs nothing;
//! a queue is copied as a whole when there is word of it, when one of its openings is over, and once a minute anyway.
//! It goes on beside the keeper's other duties, with a connection of its own: an audit of very many lanes takes seconds.
//! How to break it: read the revision after the ledger; take the word away before the copy stands; copy twice at a time.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{Keeper, KeeperError, LedgerConn, done_for};
use crate::lanes::{EVERY_QUEUE, Limit};
use crate::ledger::{self, controls};

const LOOK_EVERY: Duration = Duration::from_millis(400);
const ANYWAY_EVERY: Duration = Duration::from_secs(60);
/// Somebody may decide just while a copy is made; it is made again.
const TRIES: usize = 5;

/// What was copied when, by queue.
pub(super) struct Copies(BTreeMap<String, Copy>);

impl Copies {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }
}

struct Copy {
    made: Instant,
    /// When the first of its openings is over.
    closes: Option<DateTime<Utc>>,
}

impl Keeper {
    /// Copies for ever, for the queues that this keeper is told to lead.
    pub(super) async fn keep_controls(&self, mut led: watch::Receiver<Option<Vec<String>>>) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = look.tick() => {}
                Ok(()) = led.changed() => {}
            }
            let queues = led.borrow_and_update().clone().unwrap_or_default();
            let watched = if queues.is_empty() { Ok(()) } else { self.watch_controls(&queues).await };
            if let Err(error) = &watched {
                tracing::warn!(%error, "limits and pauses are not copied");
            }
            if queues.is_empty() || watched.is_err() {
                // Another may lead meanwhile, or Redis be emptied.
                self.copies.lock().await.0.clear();
            }
        }
    }

    /// Copies what was changed, is over, or has not been copied for long.
    async fn watch_controls(&self, queues: &[String]) -> Result<(), KeeperError> {
        let mut conn = self.conn().await?;
        let conn = &mut conn;
        let copies = &mut *self.copies.lock().await;
        let changes = controls::changes(conn).await?;
        let changed: HashSet<&str> = changes.iter().map(|change| change.queue.as_str()).collect();
        let now = ledger::now(conn).await?;
        copies.0.retain(|queue, _| queues.contains(queue));
        let mut copied = true;
        for queue in queues {
            let stands = copies.0.get(queue).is_some_and(|copy| {
                copy.made.elapsed() < ANYWAY_EVERY && copy.closes.is_none_or(|closes| closes > now)
            });
            if !stands || changed.contains(queue.as_str()) || changed.contains(EVERY_QUEUE) {
                copied &= done_for(queue, self.copy_controls(conn, copies, queue).await)?.unwrap_or(false);
            }
        }
        if copied && !changes.is_empty() {
            controls::forget(conn, &changes).await?;
        }
        Ok(())
    }

    /// Copies the controls of a queue, and opens it if it was closed; at once if Redis may have forgotten something
    /// (`drain`).
    pub(super) async fn open_queue(&self, conn: &mut LedgerConn, queue: &str, drain: bool) -> Result<(), KeeperError> {
        let copies = &mut *self.copies.lock().await;
        let copy = self.lanes.begin_copy(queue).await?;
        if self.copy_controls(conn, copies, queue).await? {
            self.tell_stops(conn, queue).await?;
            self.lanes.open_after(queue, copy, drain, self.settings.lease).await?;
        }
        Ok(())
    }

    /// `false`: people decide faster than it can be copied; what they decide is in force by their own hand.
    async fn copy_controls(
        &self,
        conn: &mut LedgerConn,
        copies: &mut Copies,
        queue: &str,
    ) -> Result<bool, KeeperError> {
        for _ in 0..TRIES {
            let revision = self.lanes.revision(queue).await?;
            let now = self.lanes.time(queue).await?;
            let pauses: Vec<_> = controls::all_pauses(conn, queue)
                .await?
                .into_iter()
                .map(|pause| {
                    (pause.scope(), pause.queue == EVERY_QUEUE, pause.until.map(|until| until.timestamp_millis()))
                })
                .collect();
            let limits = controls::all_limits(conn, queue).await?;
            let stands = self.lanes.replace_pauses(queue, revision, &pauses).await?
                && self.lanes.replace_limits(queue, revision, now, &limits).await?;
            if stands {
                let closes =
                    limits.iter().filter_map(|limit: &Limit| limit.hours.as_ref()?.next(now)).map(|(_, at)| at);
                copies.0.insert(queue.to_owned(), Copy { made: Instant::now(), closes: closes.min() });
                return Ok(true);
            }
        }
        Ok(false)
    }
}
