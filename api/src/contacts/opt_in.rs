//! `POST /v1/contact_channels/{id}/opt_in`.
//!
//! A POST with its evidence and not a field of the address: consent is a record of what was said, which only grows.

use patchbay_db::ids::ChannelId;
use patchbay_domain::{consent::ConsentAction, contacts};
use poem_openapi::{OpenApi, param::Path};

use super::{
    Write,
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
        path = "/v1/contact_channels/:id/opt_in",
        method = "post",
        operation_id = "contacts_opt_in",
        tag = "Tag::Contacts"
    )]
    async fn run(
        &self,
        call: Call<Write>,
        /// The channel's id.
        id: Path<Id<ChannelId>>,
        body: Body<ConsentChangeRequest>,
    ) -> Written<Done<Channel>> {
        let digest = body.digest();
        let said = body.into_inner();
        let mut tx = call.begin_once(digest).await?;
        let action = ConsentAction::OptIn;
        let changed = contacts::set_consent(&mut tx, &call.cause(), id.0.0, action, said.source, said.evidence).await;
        let channel = changed.map_err(|error| faults::refused(error, ""))?;
        tx.finish(Done(channel.into())).await
    }
}
