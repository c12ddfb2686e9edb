//! `POST /v1/jobs/{id}/release`.
//!
//! The one way out of every hold that waits for a person's word, so that whoever approves needs to know one operation.

use patchbay_db::ids::{JobId, TenantId};
use patchbay_domain::jobs::{
    self,
    hold::{self, Done},
    situation::Situation,
};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use serde_json::json;

use super::{Write, dto::Job, get::shown};
use crate::{
    http::{BodyDigest, Caller, Code, Done as Reply, Id, Problem, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Release;

#[OpenApi]
impl Release {
    /// Release a held job
    ///
    /// It goes on: for a job that waits for an approval, this approves it (to reject it, cancel it). One whose time has not come
    /// waits for that. Releasing it again changes nothing; a job that waits for others, or has ended, answers
    /// `state_conflict`.
    #[oai(path = "/v1/jobs/:id/release", method = "post", operation_id = "jobs_release", tag = "Tag::Jobs")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The job's id.
        id: Path<Id<JobId>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Written<Reply<Job>> {
        let id = id.0.0;
        let tenant = call.one_of(tenant_id.0)?;
        let mut tx = call.begin_once_of(tenant, BodyDigest::empty()).await?;
        let job = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("job"))?;
        match hold::release(&mut tx, &job).await? {
            Done::Depends => {
                return Err(refused("The job waits for other jobs, and is released when they are over.").into());
            }
            Done::Nothing if job.is_over() => return Err(refused("The job has ended already.").into()),
            Done::Nothing | Done::Running => {
                return tx.finish(Reply(shown(call.app(), call.asked(), job).await?)).await;
            }
            Done::Done => {}
        }
        let detail = json!({ "kind": job.kind, "held_by": job.held_by, "held_reason": job.held_reason });
        call.audit(&mut tx, Some(tenant), "jobs.release", id.to_string(), detail).await?;
        let after = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::internal("a job vanished"))?;
        let status = jobs::JobStatus::of(&after, false);
        let situation = Situation { status, waiting: None };
        tx.finish(Reply(Job::of(after, situation, call.asked(), &call.app().config.retention))).await
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(Code::StateConflict, detail)
}
