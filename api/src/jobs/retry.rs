//! `POST /v1/jobs/{id}/retry`.
//!
//! One job; many are redriven with `dead_letters_redrive`. Both are audited: somebody decided that an effect may
//! happen again.

use patchbay_db::ids::{JobId, TenantId};
use patchbay_domain::jobs;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use serde_json::json;

use super::{Write, dto::Job, get::shown};
use crate::{
    http::{Accepted, BodyDigest, Caller, Code, Id, Problem, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Retry;

#[OpenApi]
impl Retry {
    /// Retry a failed job
    ///
    /// It runs again with a fresh budget of attempts, and keeps its history. Only a job that failed and was not
    /// discarded can be retried; any other answers `state_conflict`. For many at once: `dead_letters_redrive`.
    #[oai(path = "/v1/jobs/:id/retry", method = "post", operation_id = "jobs_retry", tag = "Tag::Jobs")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The job's id.
        id: Path<Id<JobId>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Written<Accepted<Job>> {
        let id = id.0.0;
        let tenant = call.one_of(tenant_id.0)?;
        let mut tx = call.begin_once_of(tenant, BodyDigest::empty()).await?;
        let found = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("job"))?;
        if jobs::redrive::redrive(&mut *tx, &[(tenant, id)]).await?.is_empty() {
            return Err(Problem::new(Code::StateConflict, "Only a job that failed can be retried.").into());
        }
        let detail = json!({ "kind": found.kind, "last_error": found.last_error });
        call.audit(&mut tx, Some(tenant), "jobs.retry", id.to_string(), detail).await?;
        let job = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::internal("a job vanished"))?;
        let status = jobs::JobStatus::of(&job, false);
        let situation = jobs::situation::Situation { status, waiting: None };
        let record = Job::of(job, situation, call.asked(), &call.app().config.retention);
        let answer = tx.finish(Accepted { job: id, run_at: None, record }).await?;
        if call.ended(tenant, id).await? {
            let mut tx = call.read_of(tenant).await?;
            let job = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("job"))?;
            tx.commit().await?;
            return Ok(answer.with_record(&shown(call.app(), call.asked(), job).await?));
        }
        Ok(answer)
    }
}
