//! `PATCH /v1/contacts/{id}`.
//!
//! Addresses are left out: each has its own rules (consent, one owner), kept by its own operations.

use patchbay_db::ids::ContactId;
use patchbay_domain::contacts;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{
    Write,
    dto::{Contact, ContactPatch},
    faults,
};
use crate::{
    http::{Body, Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Patch;

#[OpenApi]
impl Patch {
    /// Change a contact
    ///
    /// Addresses are changed through the contact's channels.
    #[oai(path = "/v1/contacts/:id", method = "patch", operation_id = "contacts_patch", tag = "Tag::Contacts")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The contact's id.
        id: Path<Id<ContactId>>,
        body: Body<ContactPatch>,
    ) -> Handled<Json<Contact>> {
        let patch = body.into_inner();
        let mut tx = call.begin().await?;
        let changed = contacts::update(&mut tx, &call.cause(), id.0.0, |fields| patch.apply(fields)).await;
        let contact = changed.map_err(|error| faults::refused(error, ""))?;
        tx.commit().await?;
        Ok(Json(contact.into()))
    }
}
