//! `POST /v1/contacts/{id}/channels`.
//!
//! An address has one owner in a tenant, so the refusal names the contact that has it.

use patchbay_db::ids::ContactId;
use patchbay_domain::contacts;
use poem_openapi::{OpenApi, param::Path};

use super::{
    Write,
    create::new_channel,
    default_country,
    dto::{Channel, ChannelCreate},
    faults,
};
use crate::{
    http::{Body, Call, Created, Id, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct AddChannel;

#[OpenApi]
impl AddChannel {
    /// Add an address to a contact
    ///
    /// Answers 409 `already_exists` where a contact has the address already, and names it.
    #[oai(
        path = "/v1/contacts/:id/channels",
        method = "post",
        operation_id = "contacts_add_channel",
        tag = "Tag::Contacts"
    )]
    async fn run(
        &self,
        call: Call<Write>,
        /// The contact's id.
        id: Path<Id<ContactId>>,
        body: Body<ChannelCreate>,
    ) -> Written<Created<Channel>> {
        let digest = body.digest();
        let mut tx = call.begin_once(digest).await?;
        let country = default_country(&mut tx).await?;
        let new = new_channel(body.into_inner(), "/address", country)?;
        let added = contacts::add(&mut tx, &call.cause(), id.0.0, &new).await;
        let channel = added.map_err(|error| faults::refused(error, "/address"))?;
        let location = format!("/v1/contact_channels/{}", channel.id);
        tx.finish(Created { location, record: channel.into() }).await
    }
}
