//! Takes ticks: at each, a job is enqueued, exactly once among all schedulers.
//!
//! Each tick is one transaction: the schedule's row moves forward and the job is inserted. A scheduler that dies in
//! between has done neither, and another takes the tick at its next look. What is due is read from the row and from the
//! rule, never from what this process remembers; its memory only says when to look.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::ids::JobId;
use patchbay_db::{Db, DbResult, TypedId as _};
use patchbay_queue::ledger::Inserted;
use patchbay_queue::schedule::take_tick;
use patchbay_service::{Clock, telemetry};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::table::Entry;

/// How long a ticker sleeps at the most: the machine's clock may be set while it does.
const LOOK_AT_LEAST: Duration = Duration::from_millis(500);
/// After this long every schedule is looked at, whether or not it seems due here: another scheduler may have died while
/// it held a tick, and this one passed over it.
const LOOK_AT_ALL: TimeDelta = TimeDelta::seconds(5);
/// The pause after a failure of the database.
const WEATHER: Duration = Duration::from_secs(2);

/// A tick that was taken here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Of which schedule.
    pub name: &'static str,
    /// Which.
    pub tick: DateTime<Utc>,
    /// What became of its job: a unique one of an earlier tick may live still.
    pub job: Inserted,
}

/// Takes the ticks of a table.
#[derive(Debug, Clone)]
pub struct Ticker {
    db: Db,
    clock: Arc<dyn Clock>,
    table: Arc<[Entry]>,
}

impl Ticker {
    /// A ticker of `table`.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, table: Vec<Entry>) -> Self {
        Self { db, clock, table: table.into() }
    }

    /// Takes ticks until `stop`. Trouble with the database is waited out.
    pub async fn run(self, stop: CancellationToken) {
        let mut last = DateTime::<Utc>::MIN_UTC;
        let mut all_at = DateTime::<Utc>::MIN_UTC;
        loop {
            let now = self.clock.now();
            let all = now >= all_at || now < last;
            let due =
                self.table.iter().filter(|entry| all || entry.schedule.next(last).is_some_and(|tick| tick <= now));
            let mut pause = LOOK_AT_LEAST;
            for entry in due {
                if let Err(error) = self.look(entry, now).await {
                    tracing::warn!(schedule = entry.schedule.name, %error, "a tick waits for the database");
                    pause = WEATHER;
                }
            }
            if pause == LOOK_AT_LEAST {
                last = now;
                if all {
                    all_at = now + LOOK_AT_ALL;
                }
                pause = self.until_next(now).min(LOOK_AT_LEAST);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn until_next(&self, now: DateTime<Utc>) -> Duration {
        let next = self.table.iter().filter_map(|entry| entry.schedule.next(now)).min();
        next.and_then(|tick| (tick - now).to_std().ok()).unwrap_or(LOOK_AT_LEAST)
    }

    /// Takes the due tick of one schedule, if there is one and nobody else has it.
    ///
    /// # Errors
    /// The database's; the tick is not taken then (or, where the connection was lost at the commit, it is taken with
    /// its job).
    pub async fn look(&self, entry: &Entry, now: DateTime<Utc>) -> DbResult<Option<Taken>> {
        let name = entry.schedule.name;
        let span = tracing::info_span!("tick", schedule = name);
        async {
            let id = self.db.new_id::<JobId>(now);
            let mut tx = self.db.system("schedules: a tick and its job").await?;
            let Some(tick) = take_tick(&mut tx, &entry.schedule, now, Some(id.uuid())).await? else {
                // Committed all the same: a schedule seen for the first time is noted.
                tx.commit().await?;
                return Ok(None);
            };
            let mut job = entry.job(id.uuid());
            job.trace = telemetry::current_traceparent();
            let kind = job.kind.clone();
            let inserted = tx.enqueue(job).await?;
            tx.commit().await?;
            report(name, &kind, tick, now, inserted);
            Ok(Some(Taken { name, tick, job: inserted }))
        }
        .instrument(span)
        .await
    }
}

fn report(name: &'static str, kind: &str, tick: DateTime<Utc>, now: DateTime<Utc>, inserted: Inserted) {
    let late = (now - tick).to_std().unwrap_or_default().as_secs_f64();
    let outcome = if matches!(inserted, Inserted::Existing(_)) { "still_running" } else { "enqueued" };
    metrics::histogram!("patchbay_schedule_lateness_seconds", "schedule" => name).record(late);
    metrics::counter!("patchbay_schedule_ticks_total", "schedule" => name, "outcome" => outcome).increment(1);
    tracing::debug!(%tick, kind, outcome, late_seconds = late, "tick");
}
