//! `PATCH /v1/leads/{id}`.

use patchbay_db::ids::LeadId;
use patchbay_domain::leads;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{
    Write,
    dto::{Lead, LeadPatch},
};
use crate::contacts::{default_country, faults};
use crate::{
    http::{Body, Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Patch;

#[OpenApi]
impl Patch {
    /// Change a lead
    #[oai(path = "/v1/leads/:id", method = "patch", operation_id = "leads_patch", tag = "Tag::Leads")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The lead's id.
        id: Path<Id<LeadId>>,
        body: Body<LeadPatch>,
    ) -> Handled<Json<Lead>> {
        let patch = body.into_inner();
        let mut tx = call.begin().await?;
        let country = default_country(&mut tx).await?;
        let changed = leads::update(&mut tx, &call.cause(), id.0.0, country, |fields| patch.apply(fields)).await;
        let lead = changed.map_err(|error| faults::refused(error, ""))?;
        tx.commit().await?;
        Ok(Json(lead.into()))
    }
}
