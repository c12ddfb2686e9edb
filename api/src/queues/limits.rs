//! `GET /v1/queues/{queue}/limits`.

use patchbay_db::{TypedId, ids::TenantId};
use patchbay_domain::queues::limits;
use patchbay_queue::{LaneName, SYSTEM_TENANT};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};
use uuid::Uuid;

use super::{Read, key::one_or_all, limit_dto::QueueLimit};
use crate::{
    http::{Caller, Code, Handled, Id, ListOf, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Limits;

#[OpenApi]
impl Limits {
    /// List limits
    ///
    /// All that is set on keys of the queue, 100 a page: for the system key those that all tenants share first, then
    /// tenant by tenant. A tenant's key sees its own.
    #[oai(path = "/v1/queues/:queue/limits", method = "get", operation_id = "queues_limits", tag = "Tag::Queues")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// The queue's name, or `*` for what holds in all of them.
        queue: Path<String>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Only this tenant's, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
        /// For the system key, instead of `tenant_id`: only those that all tenants share.
        shared: Query<Option<bool>>,
    ) -> Handled<Json<ListOf<QueueLimit>>> {
        let queue = one_or_all(&call, &queue.0)?;
        let mut whose = call.whose(tenant_id.0)?;
        if whose.is_none() && shared.0 == Some(true) {
            whose = Some(TenantId::from_uuid(SYSTEM_TENANT));
        }
        let after = cursor.0.as_deref().map(read_cursor).transpose()?;
        let mut tx = call.read().await?;
        let (page, has_more) = limits::list(&mut tx, queue, whose, after.as_ref()).await?;
        tx.commit().await?;
        let next_cursor = page.last().filter(|_| has_more).map(|last| cursor_of(&last.limit.lane));
        let data = page.into_iter().map(|set| QueueLimit::of(queue, set)).collect();
        Ok(Json(ListOf { data, next_cursor, has_more }))
    }
}

fn cursor_of(key: &LaneName) -> String {
    hex::encode([key.tenant.as_bytes(), key.lane.as_bytes()].concat())
}

/// The last key of the page before.
fn read_cursor(cursor: &str) -> Result<LaneName, Problem> {
    let read = || {
        let bytes = hex::decode(cursor).ok()?;
        let (tenant, lane) = bytes.split_at_checked(16)?;
        let lane = String::from_utf8(lane.to_vec()).ok().filter(|lane| !lane.contains('\0'))?;
        Some(LaneName { tenant: Uuid::from_slice(tenant).ok()?, lane })
    };
    read().ok_or_else(|| Problem::new(Code::InvalidCursor, "Pass next_cursor of the page before as it is."))
}
