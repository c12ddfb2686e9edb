//! What both kinds of work on dead letters share: slices, a pace, a cap, and a stop between two slices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use patchbay_db::{Db, DbResult, Unit};
use patchbay_domain::events::Cause;
use patchbay_domain::jobs::dead_keys::Key;
use patchbay_domain::jobs::pace::{Deed, Run, SLICE, Slice, Standing, allowance, remember, slice, standing};
use patchbay_jobs::jobs::Selection;
use patchbay_queue::ledger::progress::Progress;
use patchbay_queue::{JobContext, JobError, Outcome};
use patchbay_service::Clock;
use serde_json::json;

use crate::runtime::fault;

/// A run gives its slot back after this, so that other tenants' work of this kind has its turn.
const TURN: Duration = Duration::from_secs(20);

/// Works through dead letters.
#[derive(Debug)]
pub(super) struct Paced {
    db: Db,
    clock: Arc<dyn Clock>,
    deed: Deed,
    /// The name of the count in the job's result.
    done: &'static str,
}

/// What a job asks for.
pub(super) struct Wanted {
    pub selection: Selection,
    pub limit: u32,
    pub per_second: Option<u32>,
}

impl Paced {
    pub(super) fn new(db: Db, clock: Arc<dyn Clock>, deed: Deed, done: &'static str) -> Self {
        Self { db, clock, deed, done }
    }

    pub(super) async fn run(&self, wanted: &Wanted, ctx: &JobContext) -> Result<Outcome, JobError> {
        let began = Instant::now();
        let run = Run { tenant: ctx.tenant().into(), job: ctx.id().into(), fence: ctx.fence() };
        let standing = self.standing(&run).await.map_err(|error| fault::db(&error))?;
        let Some(Standing { mut progress, before, reached }) = standing else {
            return Err(JobError::permanent("job_gone", "The job is not in the ledger any more."));
        };
        let (mut after, mut from_the_front) = (reached, reached.is_none());
        let mut allowed = i64::from(allowance(wanted.per_second, before, self.clock.now()));
        let wait = loop {
            if ctx.is_cancelled() {
                return Ok(Outcome::Cancelled);
            }
            let left = i64::from(wanted.limit) - i64::from(progress.succeeded);
            if left <= 0 {
                return Ok(self.finished(progress, ctx).await);
            }
            if allowed <= 0 {
                break TimeDelta::seconds(1);
            }
            if began.elapsed() > TURN {
                break TimeDelta::zero();
            }
            let want = left.min(allowed).min(SLICE);
            let done = self.slice(&run, wanted, (want, after), ctx.request_id(), &mut progress).await;
            let slice = done.map_err(|error| fault::db(&error))?;
            ctx.progress(progress).await;
            if slice.found >= want {
                after = slice.last;
            } else if from_the_front {
                return Ok(self.finished(progress, ctx).await);
            } else {
                (after, from_the_front) = (None, true);
            }
            allowed -= slice.done;
        };
        if after != reached {
            self.remember(&run, after).await.map_err(|error| fault::db(&error))?;
        }
        Ok(self.pause(wanted, wait))
    }

    async fn standing(&self, run: &Run) -> DbResult<Option<Standing>> {
        let mut tx = self.db.begin_read(run.tenant).await?;
        let found = standing(&mut tx, run.job).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn remember(&self, run: &Run, reached: Option<Key>) -> DbResult<()> {
        let mut tx = self.db.begin(run.tenant).await?;
        remember(&mut tx, run, reached).await?;
        tx.commit().await?;
        Ok(())
    }

    /// One slice, in a transaction of the tenant whose dead letters are meant, or over all of them.
    async fn slice(
        &self,
        run: &Run,
        wanted: &Wanted,
        place: (i64, Option<Key>),
        request_id: Option<&str>,
        progress: &mut Progress,
    ) -> DbResult<Slice> {
        let cause = Cause { ids: self.db.ids(), now: self.clock.now(), request_id };
        match run.whose(&wanted.selection) {
            Some(tenant) => self.slice_in(self.db.begin(tenant).await?, &cause, run, wanted, place, progress).await,
            None => {
                let tx = self.db.system("the operator works through everybody's dead letters").await?;
                self.slice_in(tx, &cause, run, wanted, place, progress).await
            }
        }
    }

    /// Not counted before it is committed.
    async fn slice_in<T: Unit>(
        &self,
        mut tx: T,
        cause: &Cause<'_>,
        run: &Run,
        wanted: &Wanted,
        place: (i64, Option<Key>),
        progress: &mut Progress,
    ) -> DbResult<Slice> {
        let mut counted = *progress;
        let done = slice(&mut tx, cause, self.deed, run, &wanted.selection, place, &mut counted).await?;
        tx.commit().await?;
        *progress = counted;
        Ok(done)
    }

    fn pause(&self, wanted: &Wanted, wait: TimeDelta) -> Outcome {
        let reason = match wanted.per_second {
            Some(per_second) => format!("its pace of {per_second} a second"),
            None => "other jobs of its queue have their turn".to_owned(),
        };
        Outcome::Snooze { until: self.clock.now() + wait, reason }
    }

    /// What was counted when the job was made and is not there any more was redriven or discarded by others.
    async fn finished(&self, progress: Progress, ctx: &JobContext) -> Outcome {
        let progress = Progress { skipped: progress.skipped + progress.pending(), ..progress };
        ctx.progress(progress).await;
        Outcome::Done(Some(json!({ self.done: progress.succeeded })))
    }
}
