//! `GET /v1/jobs/{id}`.
//!
//! What a job waits for is worked out when it is asked, from lanes, limits and pauses; stored, it would be wrong at
//! once.

use patchbay_db::ids::{JobId, TenantId};
use patchbay_domain::jobs::{self, told::Asked};
use patchbay_queue::ledger::view::JobView;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};

use super::{Read, dto::Job};
use crate::{
    app::App,
    http::{Caller, Handled, Id, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a job
    ///
    /// With its attempts so far and, while it waits, what it waits for.
    #[oai(path = "/v1/jobs/:id", method = "get", operation_id = "jobs_get", tag = "Tag::Jobs")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// The job's id.
        id: Path<Id<JobId>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<Job>> {
        let mut tx = call.read_of(call.one_of(tenant_id.0)?).await?;
        let job = jobs::get::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        let job = job.ok_or_else(|| Problem::not_found("job"))?;
        Ok(Json(shown(call.app(), call.asked(), job).await?))
    }
}

/// The wire form of `job`, with what it waits for.
pub(super) async fn shown(app: &App, asked: Asked, job: JobView) -> Handled<Job> {
    let situation = jobs::situation::situation(&app.db, &job, app.clock.now()).await?;
    Ok(Job::of(job, situation, asked, &app.config.retention))
}
