//! `POST /v1/jobs/{id}/retry`.
//!
//! One job; many are redriven with `dead_letters_redrive`. Both are audited: somebody decided that an effect may
//! happen again.

use patchbay_db::ids::JobId;
use patchbay_domain::{audit, jobs};
use poem_openapi::{OpenApi, param::Path};
use serde_json::json;

use super::{Write, dto::Job, get::shown};
use crate::{
    http::{Accepted, BodyDigest, Call, Code, Id, Problem, Written},
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
        call: Call<Write>,
        /// The job's id.
        id: Path<Id<JobId>>,
    ) -> Written<Accepted<Job>> {
        let id = id.0.0;
        let mut tx = call.begin_once(BodyDigest::empty()).await?;
        let found = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("job"))?;
        if jobs::redrive::redrive(&mut tx, &[id]).await?.is_empty() {
            return Err(Problem::new(Code::StateConflict, "Only a job that failed can be retried.").into());
        }
        let entry = audit::Entry {
            id: call.app.db.new_id(call.now),
            tenant: call.tenant(),
            actor: &call.actor(),
            action: "jobs.retry",
            subject: id.to_string(),
            detail: json!({ "kind": found.kind, "last_error": found.last_error }),
            request_id: call.request_id(),
            at: call.now,
        };
        audit::record(&mut tx, entry).await?;
        let job = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::internal("a job vanished"))?;
        let status = jobs::JobStatus::of(&job, false);
        let situation = jobs::situation::Situation { status, waiting: None };
        let record = Job::of(job, situation, &call.app.config.retention);
        let answer = tx.finish(Accepted { job: id, run_at: None, record }).await?;
        if call.ended(id).await? {
            let mut tx = call.read().await?;
            let job = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("job"))?;
            tx.commit().await?;
            return Ok(answer.with_record(&shown(&call.app, job).await?));
        }
        Ok(answer)
    }
}
