//! `GET /v1/leads`.
//!
//! One filter at most: each has an index of its own.

use patchbay_db::ids::ContactId;
use patchbay_domain::leads::{self, Filter};
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{
    Read,
    dto::{Lead, LeadStatus},
};
use crate::{
    http::{Call, Code, Handled, Id, Limit, ListOf, Problem, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List leads
    ///
    /// Newest first. Takes one filter at most.
    #[oai(path = "/v1/leads", method = "get", operation_id = "leads_list", tag = "Tag::Leads")]
    async fn run(
        &self,
        call: Call<Read>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Only leads of this contact.
        contact_id: Query<Option<Id<ContactId>>>,
        /// Only leads in this status.
        status: Query<Option<LeadStatus>>,
    ) -> Handled<Json<ListOf<Lead>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let filter = match (contact_id.0, status.0) {
            (None, None) => Filter::All,
            (Some(contact), None) => Filter::Contact(contact.0),
            (None, Some(status)) => Filter::Status(status.into()),
            (Some(_), Some(_)) => {
                return Err(Problem::new(Code::InvalidRequest, "Take one of the filters contact_id, status.").into());
            }
        };
        let mut tx = call.read().await?;
        let found = leads::list(&mut tx, filter, page).await?;
        tx.commit().await?;
        Ok(Json(ListOf::from_page(found, Lead::from)))
    }
}
