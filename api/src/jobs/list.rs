//! `GET /v1/jobs`.
//!
//! What each waits for is left out: it takes Redis and several queries a job.

use patchbay_db::ids::TenantId;
use patchbay_domain::jobs;
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{
    Read,
    dto::{Job, JobStatus},
};
use crate::{
    http::{Caller, Code, FieldError, Handled, Id, Limit, ListOf, Problem, Time, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List jobs
    ///
    /// Newest first, without their attempts and what they wait for. One call looks at 10,000 jobs at most: where few pass the
    /// filter, a page may hold less than `limit`, or nothing, and be followed by another (`has_more`).
    #[oai(path = "/v1/jobs", method = "get", operation_id = "jobs_list", tag = "Tag::Jobs")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the query")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Only jobs that stand there.
        status: Query<Option<JobStatus>>,
        /// Only jobs of this kind.
        kind: Query<Option<String>>,
        /// Only jobs in this queue.
        queue: Query<Option<String>>,
        /// Only jobs about this record.
        subject: Query<Option<String>>,
        /// Only jobs held by this: `approval`, `operator`, `kind_pause`, `version` or `dependency`. Not with a status or times.
        held_by: Query<Option<String>>,
        /// Only jobs accepted at this instant or later.
        created_from: Query<Option<Time>>,
        /// Only jobs accepted before this instant.
        created_before: Query<Option<Time>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<ListOf<Job>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        if held_by.0.is_some() && (status.0.is_some() || created_from.0.is_some() || created_before.0.is_some()) {
            let detail = "held_by goes with queue, kind and subject only.";
            let field = FieldError::new("?held_by", "contradiction", detail);
            return Err(Problem::new(Code::InvalidRequest, detail).with_errors(vec![field]).into());
        }
        let filter = jobs::list::Filter {
            status: status.0.map(Into::into),
            queue: queue.0,
            kind: kind.0,
            subject: subject.0,
            created_from: created_from.0.map(|at| at.0),
            created_before: created_before.0.map(|at| at.0),
        };
        let mut tx = call.read_of(call.one_of(tenant_id.0)?).await?;
        let found = match &held_by.0 {
            Some(by) => jobs::held::list(&mut tx, by, &filter, page).await?,
            None => jobs::list::list(&mut tx, filter, page).await?,
        };
        tx.commit().await?;
        let (asked, kept) = (call.asked(), &call.app().config.retention);
        Ok(Json(ListOf::from_page(found, |job| Job::listed(job, asked, kept))))
    }
}
