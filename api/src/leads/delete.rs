//! `DELETE /v1/leads/{id}`.

use patchbay_db::ids::LeadId;
use patchbay_domain::leads;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Write, dto::LeadDeleted};
use crate::{
    http::{Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Delete;

#[OpenApi]
impl Delete {
    /// Delete a lead
    ///
    /// The contact behind it stays.
    #[oai(path = "/v1/leads/:id", method = "delete", operation_id = "leads_delete", tag = "Tag::Leads")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The lead's id.
        id: Path<Id<LeadId>>,
    ) -> Handled<Json<LeadDeleted>> {
        let mut tx = call.begin().await?;
        leads::delete(&mut tx, &call.cause(), id.0.0).await?;
        tx.commit().await?;
        Ok(Json(LeadDeleted { id: id.0, deleted: true }))
    }
}
