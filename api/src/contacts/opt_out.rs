//! `POST /v1/contact_channels/{id}/opt_out`.
//!
//! It holds for the address, whoever has it, and not for this contact's row.

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
pub struct OptOut;

#[OpenApi]
impl OptOut {
    /// Record that a contact declined
    ///
    /// Nothing is sent to the address from here on, whoever it belongs to. Only the person's own yes lifts it.
    #[oai(
        path = "/v1/contact_channels/:id/opt_out",
        method = "post",
        operation_id = "contacts_opt_out",
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
        let action = ConsentAction::OptOut;
        let changed = contacts::set_consent(&mut tx, &call.cause(), id.0.0, action, said.source, said.evidence).await;
        let channel = changed.map_err(|error| faults::refused(error, ""))?;
        tx.finish(Done(channel.into())).await
    }
}
