//! `PATCH /v1/contact_channels/{id}`.
//!
//! The address itself cannot be changed: another address is another consent.

use patchbay_db::ids::ChannelId;
use patchbay_domain::contacts;
use poem_openapi::{OpenApi, param::Path, payload::Json, types::MaybeUndefined};

use super::{
    Write,
    dto::{Channel, ChannelPatch},
    faults,
};
use crate::{
    http::{Body, Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct PatchChannel;

#[OpenApi]
impl PatchChannel {
    /// Change an address of a contact
    ///
    /// Making one primary takes that from the other of its kind.
    #[oai(
        path = "/v1/contact_channels/:id",
        method = "patch",
        operation_id = "contacts_patch_channel",
        tag = "Tag::Contacts"
    )]
    async fn run(
        &self,
        call: Call<Write>,
        /// The channel's id.
        id: Path<Id<ChannelId>>,
        body: Body<ChannelPatch>,
    ) -> Handled<Json<Channel>> {
        let patch = body.into_inner();
        let verified = match patch.verified_at {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(at) => Some(Some(at.0)),
        };
        let mut tx = call.begin().await?;
        let changed = contacts::patch_channel(&mut tx, &call.cause(), id.0.0, patch.is_primary, verified).await;
        let channel = changed.map_err(|error| faults::refused(error, ""))?;
        tx.commit().await?;
        Ok(Json(channel.into()))
    }
}
