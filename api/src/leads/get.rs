//! `GET /v1/leads/{id}`.

use patchbay_db::ids::LeadId;
use patchbay_domain::leads;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Read, dto::Lead};
use crate::{
    http::{Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a lead
    #[oai(path = "/v1/leads/:id", method = "get", operation_id = "leads_get", tag = "Tag::Leads")]
    async fn run(
        &self,
        call: Call<Read>,
        /// The lead's id.
        id: Path<Id<LeadId>>,
    ) -> Handled<Json<Lead>> {
        let mut tx = call.read().await?;
        let lead = leads::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        Ok(Json(lead.into()))
    }
}
