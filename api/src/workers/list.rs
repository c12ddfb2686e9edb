//! `GET /v1/workers`.

use poem_openapi::{OpenApi, payload::Json};

use super::dto::Worker;
use crate::{
    http::{Code, Handled, ListOf, Problem, SystemCall},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List workers
    ///
    /// Those that were heard of within the last 15 seconds, oldest first, in one answer. For the system key: a tenant sees
    /// its own running jobs with `jobs_list`.
    #[oai(path = "/v1/workers", method = "get", operation_id = "workers_list", tag = "Tag::Workers")]
    async fn run(&self, call: SystemCall) -> Handled<Json<ListOf<Worker>>> {
        let found = call.app.db.dispatcher().lanes().workers().await.map_err(|error| {
            Problem::new(Code::Unavailable, "The dispatcher does not answer now. Please try again.").caused_by(error)
        })?;
        let data = found.into_iter().map(|worker| Worker::at(worker, call.now)).collect();
        Ok(Json(ListOf { data, next_cursor: None, has_more: false }))
    }
}
