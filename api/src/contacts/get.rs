//! `GET /v1/contacts/{id}`.

use patchbay_db::ids::ContactId;
use patchbay_domain::contacts;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Read, dto::Contact};
use crate::{
    http::{Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a contact
    #[oai(path = "/v1/contacts/:id", method = "get", operation_id = "contacts_get", tag = "Tag::Contacts")]
    async fn run(
        &self,
        call: Call<Read>,
        /// The contact's id.
        id: Path<Id<ContactId>>,
    ) -> Handled<Json<Contact>> {
        let mut tx = call.read().await?;
        let contact = contacts::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        Ok(Json(contact.into()))
    }
}
