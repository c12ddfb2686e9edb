//! `GET /v1/contact_channels/{id}`.
//!
//! Addresses have ids of their own, because consent is changed address by address.

use patchbay_db::ids::ChannelId;
use patchbay_domain::contacts;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Read, dto::Channel};
use crate::{
    http::{Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct GetChannel;

#[OpenApi]
impl GetChannel {
    /// Get an address of a contact
    #[oai(
        path = "/v1/contact_channels/:id",
        method = "get",
        operation_id = "contacts_get_channel",
        tag = "Tag::Contacts"
    )]
    async fn run(
        &self,
        call: Call<Read>,
        /// The channel's id.
        id: Path<Id<ChannelId>>,
    ) -> Handled<Json<Channel>> {
        let mut tx = call.read().await?;
        let channel = contacts::get_channel(&mut tx, id.0.0).await?;
        tx.commit().await?;
        Ok(Json(channel.into()))
    }
}
