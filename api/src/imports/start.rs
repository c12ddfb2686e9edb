//! `POST /v1/imports/{id}/start`.
//!
//! Apart from the upload, so that a person can look at the suggested mapping, or at a dry run, before anything is
//! written.

use patchbay_db::ids::ImportId;
use patchbay_domain::imports::store::{self, StartRequest};
use patchbay_jobs::imports::ImportLeads;
use patchbay_queue::Job as _;
use poem_openapi::{OpenApi, param::Path};

use super::{
    Write,
    dto::{Import, ImportStart},
    faults,
    upload::job_of,
};
use crate::contacts::default_country;
use crate::{
    http::{Accepted, Body, Call, Id, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Start;

#[OpenApi]
impl Start {
    /// Start an import
    ///
    /// Answers 422 with every fault of the mapping, and 409 `state_conflict` for an import that runs or has run. After a
    /// dry run the same file can be started again.
    #[oai(path = "/v1/imports/:id/start", method = "post", operation_id = "imports_start", tag = "Tag::Imports")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The import's id.
        id: Path<Id<ImportId>>,
        body: Body<ImportStart>,
    ) -> Written<Accepted<Import>> {
        let digest = body.digest();
        let wanted = body.into_inner();
        let options = wanted.options.map(|options| options.into_domain("/options")).transpose()?;
        let mapping = wanted.mapping.map(|lines| lines.into_iter().map(Into::into).collect());
        let trace = patchbay_service::telemetry::current_traceparent();
        let request = StartRequest { mapping, options, dry_run: wanted.dry_run, trace };
        let mut tx = call.begin_once(digest).await?;
        call.admit(&mut tx, ImportLeads::QUEUE, 1).await?;
        let country = default_country(&mut tx).await?;
        let started = store::start(&mut tx, &call.cause(), id.0.0, request).await;
        let import = started.map_err(|error| faults::not_started(error, ""))?;
        let job = job_of(&import)?;
        let answer = tx.finish(Accepted { job, run_at: None, record: Import::of(import, country) }).await?;
        if !call.ended(job).await? {
            return Ok(answer);
        }
        let mut tx = call.read().await?;
        let import = store::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        Ok(answer.with_record(&Import::of(import, country)))
    }
}
