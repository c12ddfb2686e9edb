//! What both kinds of work on dead letters share: slices, a pace, a cap, and a stop between two slices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use patchbay_db::ids::{JobId, TenantId};
use patchbay_db::{Db, DbResult, TypedId};
use patchbay_domain::jobs::pace::{Deed, SLICE, Standing, allowance, slice, standing};
use patchbay_jobs::jobs::Selection;
use patchbay_queue::ledger::progress::Progress;
use patchbay_queue::{JobContext, JobError, Outcome};
use patchbay_service::Clock;
use serde_json::json;

use crate::runtime::fault;

/// A run gives its slot back after this, so that other tenants' work of this kind has its turn.
const RUN: Duration = Duration::from_secs(20);

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
        let (tenant, job) = (TenantId::from_uuid(ctx.tenant()), JobId::from_uuid(ctx.id()));
        let standing = self.standing(tenant, job).await.map_err(|error| fault::db(&error))?;
        let Some(Standing { mut progress, before }) = standing else {
            return Err(JobError::permanent("job_gone", "The job is not in the ledger any more."));
        };
        let mut allowed = i64::from(allowance(wanted.per_second, before, self.clock.now()));
        loop {
            if ctx.is_cancelled() {
                return Ok(Outcome::Cancelled);
            }
            let left = i64::from(wanted.limit) - i64::from(progress.succeeded);
            if left <= 0 {
                return Ok(self.finished(progress, ctx).await);
            }
            if allowed <= 0 {
                return Ok(self.pause(wanted, TimeDelta::seconds(1)));
            }
            if began.elapsed() > RUN {
                return Ok(self.pause(wanted, TimeDelta::zero()));
            }
            let want = left.min(allowed).min(SLICE);
            let found = self.slice(wanted, want, tenant, (job, ctx.fence()), &mut progress).await;
            let found = found.map_err(|error| fault::db(&error))?;
            ctx.progress(progress).await;
            if found < want {
                return Ok(self.finished(progress, ctx).await);
            }
            allowed -= found;
        }
    }

    async fn standing(&self, tenant: TenantId, job: JobId) -> DbResult<Option<Standing>> {
        let mut tx = self.db.begin_read(tenant).await?;
        let found = standing(&mut tx, job).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// One slice; how many it found. Not counted before it is committed.
    async fn slice(
        &self,
        wanted: &Wanted,
        want: i64,
        tenant: TenantId,
        run: (JobId, i64),
        progress: &mut Progress,
    ) -> DbResult<i64> {
        let mut after = *progress;
        let mut tx = self.db.begin(tenant).await?;
        let found = slice(&mut tx, self.deed, &wanted.selection, want, run, &mut after).await?;
        tx.commit().await?;
        *progress = after;
        Ok(i64::try_from(found.len()).unwrap_or(i64::MAX))
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
