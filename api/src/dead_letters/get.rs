//! `GET /v1/dead_letters/{id}`.
//!
//! The payload is shown for kinds only that are known to hold no secret.

use patchbay_db::ids::JobId;
use patchbay_domain::jobs::{dead_keys, dead_letters};
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::dto::DeadLetter;
use crate::{
    http::{Caller, Handled, Id, Problem},
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
        call: Caller<Read>,
        /// The job's id.
        id: Path<Id<JobId>>,
    ) -> Handled<Json<DeadLetter>> {
        let id = id.0.0;
        let tenant = match &call {
            Caller::Tenant(call) => Some(call.tenant()),
            Caller::System(call) => {
                let mut tx = call.begin("the operator looks for whose a dead letter is").await?;
                let owner = dead_keys::owner(&mut tx, id).await?;
                tx.commit().await?;
                owner
            }
        };
        let not_found = || Problem::not_found("dead letter");
        let mut tx = call.read_of(tenant.ok_or_else(not_found)?).await?;
        let found = dead_letters::get(&mut tx, id).await?;
        tx.commit().await?;
        let (job, payload) = found.ok_or_else(not_found)?;
        Ok(Json(DeadLetter::whole(job, payload, call.asked(), &call.app().config.retention)))
    }
}
