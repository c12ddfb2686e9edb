//! `GET /v1/jobs`.
//!
//! What each waits for is left out: it takes Redis and several queries a job.

use patchbay_domain::jobs;
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{
    Read,
    dto::{Job, JobStatus},
};
use crate::{
    http::{Call, Handled, Limit, ListOf, Time, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List jobs
    ///
    /// Newest first, without their attempts and what they wait for.
    #[oai(path = "/v1/jobs", method = "get", operation_id = "jobs_list", tag = "Tag::Jobs")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the query")]
    async fn run(
        &self,
        call: Call<Read>,
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
        /// Only jobs accepted at this instant or later.
        created_from: Query<Option<Time>>,
        /// Only jobs accepted before this instant.
        created_before: Query<Option<Time>>,
    ) -> Handled<Json<ListOf<Job>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let filter = jobs::list::Filter {
            status: status.0.map(Into::into),
            queue: queue.0,
            kind: kind.0,
            subject: subject.0,
            created_from: created_from.0.map(|at| at.0),
            created_before: created_before.0.map(|at| at.0),
        };
        let mut tx = call.read().await?;
        let found = jobs::list::list(&mut tx, filter, page).await?;
        tx.commit().await?;
        Ok(Json(ListOf::from_page(found, |job| Job::listed(job, &call.app.config.retention))))
    }
}
