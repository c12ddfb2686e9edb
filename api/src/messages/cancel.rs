//! `POST /v1/messages/{id}/cancel`.
//!
//! Only what is queued: a message that a worker has claimed may be with the provider already.

use patchbay_db::{DbError, TypedId, ids::MessageId};
use patchbay_domain::messages::cancel::{Cancelled, cancel};
use patchbay_domain::messages::get;
use patchbay_queue::ledger;
use poem_openapi::{OpenApi, param::Path};

use super::{Write, dto::Message};
use crate::{
    http::{BodyDigest, Call, Code, Done, Id, Problem, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Cancel;

#[OpenApi]
impl Cancel {
    /// Cancel a message
    ///
    /// Only while it is queued; answers 409 `state_conflict` afterwards, since it may be on its way.
    #[oai(path = "/v1/messages/:id/cancel", method = "post", operation_id = "messages_cancel", tag = "Tag::Messages")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The message's id.
        id: Path<Id<MessageId>>,
    ) -> Written<Done<Message>> {
        let id = id.0.0;
        let mut tx = call.begin_once(BodyDigest::empty()).await?;
        match cancel(&mut tx, id).await? {
            Cancelled::TooLate => {
                return Err(Problem::new(Code::StateConflict, "The message is no longer queued.").into());
            }
            // Where a worker has just taken the job it finds nothing to send, so its end may say either.
            Cancelled::Yes { job: Some(job) } => {
                let cancelled = ledger::cancel::cancel(&mut tx, call.tenant().uuid(), job.uuid(), false).await;
                cancelled.map_err(DbError::from)?;
            }
            Cancelled::Yes { job: None } => {}
        }
        let message = get::get(&mut tx, id).await?;
        tx.finish(Done(message.into())).await
    }
}
