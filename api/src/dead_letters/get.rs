//! `GET /v1/dead_letters/{id}`.
//!
//! The payload is shown for kinds only that are known to hold no secret.

use patchbay_db::ids::JobId;
use patchbay_domain::jobs::dead_letters;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::dto::DeadLetter;
use crate::{
    http::{Call, Handled, Id, Problem},
    jobs::Read,
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a dead letter
    ///
    /// With its attempts, and what it was given where that holds no secret.
    #[oai(path = "/v1/dead_letters/:id", method = "get", operation_id = "dead_letters_get", tag = "Tag::DeadLetters")]
    async fn run(
        &self,
        call: Call<Read>,
        /// The job's id.
        id: Path<Id<JobId>>,
    ) -> Handled<Json<DeadLetter>> {
        let mut tx = call.read().await?;
        let found = dead_letters::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        let (job, payload) = found.ok_or_else(|| Problem::not_found("dead letter"))?;
        Ok(Json(DeadLetter::whole(job, payload, &call.app.config.retention)))
    }
}
