//! `GET /v1/dead_letters`.
//!
//! Payloads are left out: they are the heavy part of a row, and one at a time is enough to look at.

use patchbay_db::ids::{JobGroupId, TenantId};
use patchbay_domain::jobs::{dead_keys, dead_letters};
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::dto::{DeadLetter, DeadLetterFilter, ErrorClass};
use crate::{
    http::{Caller, Handled, Id, Limit, ListOf, Time, paging},
    jobs::Read,
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List dead letters
    ///
    /// The newest job first, without attempts and payload. One call looks at 10,000 dead letters at most: where few pass the
    /// filters, a page may hold fewer than `limit`, or none, although `has_more` says that more may follow.
    #[oai(path = "/v1/dead_letters", method = "get", operation_id = "dead_letters_list", tag = "Tag::DeadLetters")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the query")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Only those of this queue.
        queue: Query<Option<String>>,
        /// Only those of this kind.
        kind: Query<Option<String>>,
        /// Only those of this lane.
        lane: Query<Option<String>>,
        /// Only those of this group.
        group_id: Query<Option<Id<JobGroupId>>>,
        /// Only those about this record.
        subject: Query<Option<String>>,
        /// Only those with this class of error.
        error_class: Query<Option<ErrorClass>>,
        /// Only those with this error.
        error_code: Query<Option<String>>,
        /// Only those that gave up at this instant or later.
        failed_from: Query<Option<Time>>,
        /// Only those that gave up before this instant.
        failed_before: Query<Option<Time>>,
        /// Whose, for the system key, which sees everybody's where it is left out. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<ListOf<DeadLetter>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let filter = DeadLetterFilter {
            queue: queue.0,
            kind: kind.0,
            lane: lane.0,
            group_id: group_id.0,
            subject: subject.0,
            error_class: error_class.0,
            error_code: error_code.0,
            failed_from: failed_from.0,
            failed_before: failed_before.0,
        };
        let whose = call.whose(tenant_id.0)?;
        let mut tx = call.read().await?;
        let found = match whose {
            Some(tenant) => dead_letters::list(&mut tx, tenant, filter.into(), page).await?,
            None => dead_keys::of_all(&mut tx, &filter.into(), page).await?,
        };
        tx.commit().await?;
        let (asked, kept) = (call.asked(), &call.app().config.retention);
        Ok(Json(ListOf::from_page(found, |job| DeadLetter::listed(job, asked, kept))))
    }
}
