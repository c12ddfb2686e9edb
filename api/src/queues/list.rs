//! `GET /v1/queues`.
//!
//! All of them in one answer: queues are a handful, and an operator looks at them together.

use patchbay_db::ids::TenantId;
use patchbay_domain::queues::{self, overview};
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{Read, dto::Queue};
use crate::{
    http::{Caller, Handled, Id, ListOf},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List queues
    ///
    /// All of them, by name. A tenant's key sees its own share of each; the system key everything.
    #[oai(path = "/v1/queues", method = "get", operation_id = "queues_list", tag = "Tag::Queues")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// Only this tenant's share, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<ListOf<Queue>>> {
        let whose = call.whose(tenant_id.0)?;
        let mut tx = call.read_whose(whose).await?;
        let mut found = overview::read(&mut tx, &queues::names(call.tenant().is_none()), whose).await?;
        tx.commit().await?;
        overview::running(call.app().db.dispatcher().lanes(), &mut found, whose).await;
        let data = found.into_iter().map(|queue| Queue::at(queue, call.now())).collect();
        Ok(Json(ListOf { data, next_cursor: None, has_more: false }))
    }
}
