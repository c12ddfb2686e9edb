//! `POST /v1/jobs/{id}/hold`.
//!
//! Of what has not begun: a run that has begun is asked to stop (`cancel`), since only its handler knows where it may.

use patchbay_db::ids::{JobId, TenantId};
use patchbay_domain::jobs::{
    self,
    hold::{self, Done},
};
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
    types::Example,
};
use serde_json::json;

use super::{Write, dto::Job, get::shown};
use crate::{
    http::{Body, Caller, Code, Done as Reply, Id, Problem, Written},
    tags::Tag,
};

/// Why a job is put on hold.
#[derive(Debug, Object)]
#[oai(example)]
pub struct JobHold {
    /// For whoever asks why it waits.
    #[oai(validator(min_length = 1, max_length = 500))]
    pub reason: String,
}

impl Example for JobHold {
    fn example() -> Self {
        Self { reason: "The template is being checked.".to_owned() }
    }
}

/// The operation.
#[derive(Debug, Default)]
pub struct Hold;

#[OpenApi]
impl Hold {
    /// Put a job on hold
    ///
    /// It waits until it is released, whatever its time; a job that runs or has ended answers `state_conflict`. Holding it again
    /// changes nothing.
    #[oai(path = "/v1/jobs/:id/hold", method = "post", operation_id = "jobs_hold", tag = "Tag::Jobs")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The job's id.
        id: Path<Id<JobId>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
        body: Body<JobHold>,
    ) -> Written<Reply<Job>> {
        let id = id.0.0;
        let digest = body.digest();
        let reason = body.into_inner().reason;
        let tenant = call.one_of(tenant_id.0)?;
        let mut tx = call.begin_once_of(tenant, digest).await?;
        let job = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("job"))?;
        let lanes = call.app().db.dispatcher().lanes();
        match hold::hold(&mut tx, lanes, &job, &reason).await? {
            Done::Done => {}
            Done::Nothing if job.state == "held" => {
                return tx.finish(Reply(shown(call.app(), call.asked(), job).await?)).await;
            }
            Done::Running => return Err(refused("The job runs: it can be cancelled, not held.").into()),
            Done::Depends => return Err(refused("The job waits for other jobs already.").into()),
            Done::Nothing => return Err(refused("The job has ended already.").into()),
        }
        let detail = json!({ "kind": job.kind, "reason": reason });
        call.audit(&mut tx, Some(tenant), "jobs.hold", id.to_string(), detail).await?;
        let after = jobs::get::get(&mut tx, id).await?.ok_or_else(|| Problem::internal("a job vanished"))?;
        let answer = tx.finish(Reply(shown(call.app(), call.asked(), after).await?)).await?;
        hold::sweep(lanes, &job).await;
        Ok(answer)
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(Code::StateConflict, detail)
}
