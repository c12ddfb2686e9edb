//! `POST /v1/schedules/{id}/run`.
//!
//! A job of its own, which no tick waits for and which waits for none: trying a schedule out must not cost a tick.

use patchbay_db::{
    TypedId,
    ids::{ScheduleId, TenantId},
};
use patchbay_domain::schedules;
use patchbay_jobs::schedules::RunSchedule;
use patchbay_queue::{Job, SYSTEM_TENANT};
use patchbay_service::telemetry::current_traceparent;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use serde_json::json;

use super::{
    Write,
    dto::{Schedule, ScheduleRun},
};
use crate::{
    http::{Accepted, BodyDigest, Caller, Code, Id, Problem, Written, door},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Run;

#[OpenApi]
impl Run {
    /// Run a schedule now
    ///
    /// Once, whatever its rule says and also while it is paused; its own ticks go on as they would have. The job's result
    /// says what came of it. One that comes with the program cannot be run so (`state_conflict`).
    #[oai(path = "/v1/schedules/:id/run", method = "post", operation_id = "schedules_run", tag = "Tag::Schedules")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The schedule's id.
        id: Path<Id<ScheduleId>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Written<Accepted<ScheduleRun>> {
        let tenant = call.one_of(tenant_id.0)?;
        not_of_the_program(tenant)?;
        let mut tx = call.begin_once_of(tenant, BodyDigest::empty()).await?;
        door::admit(&call.app().depth, &mut tx, tenant, RunSchedule::QUEUE, 1).await?;
        let found = schedules::run_now(&mut tx, &call.cause(), id.0.0, current_traceparent()).await?;
        let (schedule, job) = found.ok_or_else(|| Problem::not_found("schedule"))?;
        let detail = json!({ "name": schedule.name, "job_id": job });
        call.audit(&mut tx, Some(tenant), "schedules.run", id.0.0.to_string(), detail).await?;
        let record = ScheduleRun { job_id: Id(job), schedule: Schedule::shown(schedule) };
        let answer = tx.finish(Accepted { job, run_at: None, record }).await?;
        // The record has nothing newer to show; who waited knows that the job has ended.
        call.ended(tenant, job).await?;
        Ok(answer)
    }
}

/// Refuses what only a tenant's schedule can take.
pub(super) fn not_of_the_program(tenant: TenantId) -> Result<(), Problem> {
    if tenant.uuid() == SYSTEM_TENANT {
        return Err(Problem::new(Code::StateConflict, "The schedule comes with the program."));
    }
    Ok(())
}
