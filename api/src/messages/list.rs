//! `GET /v1/messages`.
//!
//! Filters may be combined: what is asked together (a job's failed ones) has its index.

use patchbay_db::ids::{ContactId, JobId};
use patchbay_domain::messages::list::{Filter, list};
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{
    Read,
    dto::{Message, MessageDirection, MessageState},
};
use crate::{
    http::{Call, Handled, Id, Limit, ListOf, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List messages
    ///
    /// Newest first. Filters that are given all apply.
    #[oai(path = "/v1/messages", method = "get", operation_id = "messages_list", tag = "Tag::Messages")]
    #[expect(clippy::too_many_arguments, reason = "one argument a query parameter is how poem-openapi declares them")]
    async fn run(
        &self,
        call: Call<Read>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Only messages to and from this contact.
        contact_id: Query<Option<Id<ContactId>>>,
        /// Only messages in this state.
        state: Query<Option<MessageState>>,
        /// Only messages of this job. A message that failed has a job of its own.
        job_id: Query<Option<Id<JobId>>>,
        /// Only messages that go this way.
        direction: Query<Option<MessageDirection>>,
    ) -> Handled<Json<ListOf<Message>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let filter = Filter {
            contact: contact_id.0.map(|id| id.0),
            state: state.0.map(Into::into),
            job: job_id.0.map(|id| id.0),
            direction: direction.0.map(Into::into),
        };
        let mut tx = call.read().await?;
        let found = list(&mut tx, &filter, page).await?;
        tx.commit().await?;
        Ok(Json(ListOf::from_page(found, Message::from)))
    }
}
