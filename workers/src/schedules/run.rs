//! `schedules.run`.
//!
//! It sends nothing itself: it accepts what the schedule says as the API accepts a call, and the job of those messages
//! does the rest, with its own limits and retries.

use std::sync::Arc;

use async_trait::async_trait;
use patchbay_db::ids::{JobId, TenantId};
use patchbay_db::{Db, TypedId as _};
use patchbay_domain::schedules::{Ran, Run, run};
use patchbay_jobs::messages::SendMessages;
use patchbay_jobs::schedules::RunSchedule;
use patchbay_queue::ledger::DepthGuard;
use patchbay_queue::{Handler, Job, JobContext, JobError, Outcome};
use patchbay_service::Clock;

use crate::messages::measure;
use crate::runtime::fault;

/// Runs schedules.
#[derive(Debug, Clone)]
pub struct ScheduleRunner {
    db: Db,
    clock: Arc<dyn Clock>,
    depth: DepthGuard,
}

impl ScheduleRunner {
    /// A runner on this database; `depth` guards what a tenant may have waiting, as at the API's door.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, depth: DepthGuard) -> Self {
        Self { db, clock, depth }
    }
}

#[async_trait]
impl Handler<RunSchedule> for ScheduleRunner {
    async fn run(&self, job: RunSchedule, ctx: &JobContext) -> Result<Outcome, JobError> {
        let tenant = TenantId::from_uuid(ctx.tenant());
        let now = self.clock.now();
        let wanted = Run {
            job: JobId::from_uuid(ctx.id()),
            what: job,
            now,
            trace: ctx.trace().map(str::to_owned),
            request_id: ctx.request_id().map(str::to_owned),
        };
        let mut tx = self.db.begin(tenant).await.map_err(|error| fault::db(&error))?;
        let room = self.depth.admit(&mut tx, ctx.tenant(), SendMessages::QUEUE, 1).await;
        if let Err(full) = room.map_err(|error| fault::db(&error.into()))? {
            let detail =
                format!("{} jobs wait in the queue {}, and {} may.", full.waiting, SendMessages::QUEUE, full.cap);
            return Err(JobError::throttled(now + full.retry_after, "queue_full", detail));
        }
        let ran = run(&mut tx, self.db.ids(), measure, wanted).await.map_err(|error| fault::db(&error))?;
        match ran {
            Ran::Done(result) => {
                tx.commit().await.map_err(|error| fault::db(&error))?;
                Ok(Outcome::Done(Some(result)))
            }
            Ran::Refused(refusal) => Err(JobError::permanent(refusal.code, refusal.detail)),
        }
    }
}
