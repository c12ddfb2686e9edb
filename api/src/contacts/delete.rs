//! `DELETE /v1/contacts/{id}`.
//!
//! Consent outlives the contact, or importing the same person again would undo their no.

use patchbay_db::ids::ContactId;
use patchbay_domain::contacts;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Write, dto::ContactDeleted};
use crate::{
    http::{Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Delete;

#[OpenApi]
impl Delete {
    /// Delete a contact
    ///
    /// Its channels go with it. Messages and leads stay, and name no contact any more; what was said about consent stays
    /// with the addresses, so that an opt-out also holds for a contact that gets the address later. Messages that wait
    /// are sent all the same: cancel them first where they must not be.
    #[oai(path = "/v1/contacts/:id", method = "delete", operation_id = "contacts_delete", tag = "Tag::Contacts")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The contact's id.
        id: Path<Id<ContactId>>,
    ) -> Handled<Json<ContactDeleted>> {
        let mut tx = call.begin().await?;
        contacts::delete(&mut tx, &call.cause(), id.0.0).await?;
        tx.commit().await?;
        Ok(Json(ContactDeleted { id: id.0, deleted: true }))
    }
}
