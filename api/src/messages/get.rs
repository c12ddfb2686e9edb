//! `GET /v1/messages/{id}`.

use patchbay_db::ids::MessageId;
use patchbay_domain::messages::get;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Read, dto::Message};
use crate::{
    http::{Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a message
    #[oai(path = "/v1/messages/:id", method = "get", operation_id = "messages_get", tag = "Tag::Messages")]
    async fn run(
        &self,
        call: Call<Read>,
        /// The message's id.
        id: Path<Id<MessageId>>,
    ) -> Handled<Json<Message>> {
        let mut tx = call.read().await?;
        let message = get::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        Ok(Json(message.into()))
    }
}
