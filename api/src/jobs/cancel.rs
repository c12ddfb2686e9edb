//! `POST /v1/jobs/{id}/cancel`.
//!
//! A job that runs is asked, not stopped: only its handler knows where it may stop without harm.

use patchbay_db::ids::{JobId, TenantId};
use patchbay_domain::jobs::{self, cancel::Cancelled};
use patchbay_queue::ledger::view::JobView;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use serde_json::json;

use super::{Write, dto::Job, get::shown};
use crate::{
    http::{BodyDigest, Caller, Code, Done, Handled, Id, Problem, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Cancel;

#[OpenApi]
impl Cancel {
    /// Cancel a job
    ///
    /// A job that waits is cancelled at once, and so is what it would have done. One that runs is asked to stop: its
    /// status stays until it has, and what it has done stays done. Cancelling twice is once; a job that ended otherwise
    /// answers `state_conflict`.
    #[oai(path = "/v1/jobs/:id/cancel", method = "post", operation_id = "jobs_cancel", tag = "Tag::Jobs")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The job's id.
        id: Path<Id<JobId>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Written<Done<Job>> {
        let id = id.0.0;
        let tenant = call.one_of(tenant_id.0)?;
        let mut tx = call.begin_once_of(tenant, BodyDigest::empty()).await?;
        let job = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("job"))?;
        if job.state == "cancelled" {
            // Whoever did it may have fallen before this.
            jobs::cancel::sweep(call.app().db.dispatcher().lanes(), &job).await;
            return tx.finish(Done(shown(call.app(), call.asked(), job).await?)).await;
        }
        let lanes = call.app().db.dispatcher().lanes();
        let done = jobs::cancel::cancel(&mut tx, lanes, &call.cause(), &job).await?;
        if done == Cancelled::TooLate {
            return Err(over().into());
        }
        let detail = json!({ "kind": job.kind, "at_once": done == Cancelled::Done });
        call.audit(&mut tx, Some(tenant), "jobs.cancel", id.to_string(), detail).await?;
        let after = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::internal("a job vanished"))?;
        let answer = tx.finish(Done(after_cancel(&call, after, done).await?)).await?;
        if done == Cancelled::Done {
            jobs::cancel::sweep(lanes, &job).await;
        }
        Ok(answer)
    }
}

/// What the caller is shown: a job that was asked to stop runs, whatever Redis says in this instant.
async fn after_cancel(call: &Caller<Write>, job: JobView, done: Cancelled) -> Handled<Job> {
    if done == Cancelled::Asked {
        let situation = jobs::situation::Situation { status: jobs::JobStatus::Running, waiting: None };
        return Ok(Job::of(job, situation, call.asked(), &call.app().config.retention));
    }
    shown(call.app(), call.asked(), job).await
}

fn over() -> Problem {
    Problem::new(Code::StateConflict, "The job has ended already.")
}
