//! `POST /v1/contacts/{id}/channels/{channel_id}/opt_in`.

use patchbay_db::ids::{ChannelId, ContactId};
use patchbay_domain::{consent::ConsentAction, contacts};
use poem_openapi::{OpenApi, param::Path};

use super::{
    Write, cause,
    dto::{Channel, ConsentChangeRequest},
    faults,
};
use crate::{
    http::{Body, Call, Done, Id, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct OptIn;

#[OpenApi]
impl OptIn {
    /// Record that a contact agreed
    ///
    /// The person agreed to be written to at this address. An earlier opt-out is lifted; a complaint or a bounce is not: the
    /// provider would refuse the message still.
    #[oai(
        path = "/v1/contacts/:id/channels/:channel_id/opt_in",
        method = "post",
        operation_id = "contacts_opt_in",
        tag = "Tag::Contacts"
    )]
    async fn run(
        &self,
        call: Call<Write>,
        /// The contact's id.
        id: Path<Id<ContactId>>,
        /// The channel's id.
        channel_id: Path<Id<ChannelId>>,
        body: Body<ConsentChangeRequest>,
    ) -> Written<Done<Channel>> {
        let digest = body.digest();
        let said = body.into_inner();
        let mut tx = call.begin_once(digest).await?;
        let action = ConsentAction::OptIn;
        let (contact, channel) = (id.0.0, channel_id.0.0);
        let changed =
            contacts::set_consent(&mut tx, &cause(&call), contact, channel, action, said.source, said.evidence).await;
        let channel = changed.map_err(|error| faults::refused(error, ""))?;
        tx.finish(Done(channel.into())).await
    }
}
