//! `GET /v1/queues/{queue}`.
//!
//! Depths are counted up to a cap, so that the answer takes as long for a backlog of millions.

use patchbay_db::ids::TenantId;
use patchbay_domain::queues::overview;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};

use super::{Read, dto::Queue, key::known};
use crate::{
    http::{Caller, Handled, Id, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a queue
    ///
    /// A tenant's key sees its own share; the system key everything.
    #[oai(path = "/v1/queues/:queue", method = "get", operation_id = "queues_get", tag = "Tag::Queues")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// The queue's name.
        queue: Path<String>,
        /// Only this tenant's share, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<Queue>> {
        let (name, whose) = (known(&call, &queue.0)?, call.whose(tenant_id.0)?);
        let mut tx = call.read_whose(whose).await?;
        let mut found = overview::read(&mut tx, &[name], whose).await?;
        tx.commit().await?;
        overview::running(call.app().db.dispatcher().lanes(), &mut found, whose).await;
        let queue = found.pop().ok_or_else(|| Problem::internal("a queue was asked for and not read"))?;
        Ok(Json(Queue::at(queue, call.now())))
    }
}
