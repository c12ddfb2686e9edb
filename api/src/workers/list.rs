//! `GET /v1/workers`.

use patchbay_db::{TypedId, ids::TenantId};
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::dto::Worker;
use crate::{
    http::{Caller, Code, Handled, Id, ListOf, Problem},
    queues::Read,
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List workers
    ///
    /// Those that were heard of within the last 15 seconds, oldest first, in one answer. A tenant's key sees the workers that run
    /// its jobs now, and of each these jobs alone; the system key everything, or one tenant's part.
    #[oai(path = "/v1/workers", method = "get", operation_id = "workers_list", tag = "Tag::Workers")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// Whose jobs, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<ListOf<Worker>>> {
        let whose = call.whose(tenant_id.0)?;
        let found = call.app().db.dispatcher().lanes().workers().await.map_err(|error| {
            Problem::new(Code::Unavailable, "The dispatcher does not answer now. Please try again.").caused_by(error)
        })?;
        let data = found
            .into_iter()
            .filter_map(|worker| match whose {
                Some(tenant) => worker.of_tenant(tenant.uuid()),
                None => Some(worker),
            })
            .map(|worker| Worker::at(worker, call.now(), call.asked()))
            .collect();
        Ok(Json(ListOf { data, next_cursor: None, has_more: false }))
    }
}
