//! The ledger's pauses and limits, copied to Redis.
//!
//! Whoever decides writes to Redis too, at once; this is for decisions that did not get there, and for an emptied Redis.
//! Triggers leave word of each change in a table that is almost always empty, so looking twice a second costs nothing;
//! a queue is copied as a whole when there is word of it, when one of its openings is over, and once a minute anyway.
//! How to break it: read the revision after the ledger; take the word away before the copy stands.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::{Keeper, KeeperError, LedgerConn};
use crate::lanes::{EVERY_QUEUE, Limit};
use crate::ledger::controls;

const LOOK_EVERY: Duration = Duration::from_millis(400);
const ANYWAY_EVERY: Duration = Duration::from_secs(60);
/// Somebody may decide just while a copy is made; it is made again.
const TRIES: usize = 5;

/// What was copied when.
#[derive(Default)]
pub(super) struct Copies {
    looked: Option<Instant>,
    queues: HashMap<String, Copy>,
}

struct Copy {
    made: Instant,
    /// When the first of its openings is over.
    closes: Option<DateTime<Utc>>,
}

impl Keeper {
    /// Copies what was changed, is over, or has not been copied for long.
    pub(super) async fn watch_controls(
        &self,
        conn: &mut LedgerConn,
        copies: &mut Copies,
        queues: &[String],
    ) -> Result<(), KeeperError> {
        if copies.looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        copies.looked = Some(Instant::now());
        let changes = controls::changes(conn).await?;
        let changed: HashSet<&str> = changes.iter().map(|change| change.queue.as_str()).collect();
        let now = self.lanes.time().await?;
        copies.queues.retain(|queue, _| queues.contains(queue));
        let mut copied = true;
        for queue in queues {
            let stands = copies.queues.get(queue).is_some_and(|copy| {
                copy.made.elapsed() < ANYWAY_EVERY && copy.closes.is_none_or(|closes| closes > now)
            });
            if !stands || changed.contains(queue.as_str()) || changed.contains(EVERY_QUEUE) {
                copied &= self.copy_controls(conn, copies, queue).await?;
            }
        }
        if copied && !changes.is_empty() {
            controls::forget(conn, &changes).await?;
        }
        Ok(())
    }

    /// Copies the controls of a queue, and opens it if it was closed; at once if Redis may have forgotten something
    /// (`drain`).
    pub(super) async fn open_queue(
        &self,
        conn: &mut LedgerConn,
        copies: &mut Copies,
        queue: &str,
        drain: bool,
    ) -> Result<(), KeeperError> {
        if self.copy_controls(conn, copies, queue).await? {
            self.lanes.open_after(queue, drain, self.settings.lease).await?;
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
            let now = self.lanes.time().await?;
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
                copies.queues.insert(queue.to_owned(), Copy { made: Instant::now(), closes: closes.min() });
                return Ok(true);
            }
        }
        Ok(false)
    }
}
