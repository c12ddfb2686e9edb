//! `DELETE /v1/contact_channels/{id}`.
//!
//! The row goes, what was said about consent stays with the address.

use patchbay_db::ids::ChannelId;
use patchbay_domain::contacts;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Write, dto::ChannelRemoved};
use crate::{
    http::{Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct RemoveChannel;

#[OpenApi]
impl RemoveChannel {
    /// Remove an address of a contact
    ///
    /// What was said about consent stays with the address.
    #[oai(
        path = "/v1/contact_channels/:id",
        method = "delete",
        operation_id = "contacts_remove_channel",
        tag = "Tag::Contacts"
    )]
    async fn run(
        &self,
        call: Call<Write>,
        /// The channel's id.
        id: Path<Id<ChannelId>>,
    ) -> Handled<Json<ChannelRemoved>> {
        let mut tx = call.begin().await?;
        contacts::remove(&mut tx, id.0.0).await?;
        tx.commit().await?;
        Ok(Json(ChannelRemoved { id: id.0, deleted: true }))
    }
}
