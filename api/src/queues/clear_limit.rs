//! `DELETE /v1/queues/{queue}/lanes/{lane}/limit`.

use patchbay_db::ids::TenantId;
use patchbay_domain::queues::control::Decision;
use patchbay_queue::lanes::Limit;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};
use serde_json::json;

use super::{
    Write,
    decide::Deed,
    key::{Whose, one_or_all},
    limit_dto::LaneLimit,
    set_limit::put,
};
use crate::{
    http::{Caller, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct ClearLimit;

#[OpenApi]
impl ClearLimit {
    /// Lift the limits of a lane
    ///
    /// All that was set on exactly this lane or prefix; what is not limited stays so. The answer is what is left on it:
    /// nothing.
    #[oai(
        path = "/v1/queues/:queue/lanes/:lane/limit",
        method = "delete",
        operation_id = "queues_clear_limit",
        tag = "Tag::Queues"
    )]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The queue's name, or `*`.
        queue: Path<String>,
        /// The lane's name, a prefix of it, or `*`.
        lane: Path<String>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
        /// For the system key, instead of `tenant_id`: what all tenants share under this prefix, or in the queue (`*`).
        shared: Query<Option<bool>>,
    ) -> Handled<Json<LaneLimit>> {
        let queue = one_or_all(&call, &queue.0)?;
        let whose = Whose::of(&call, tenant_id.0, shared.0)?;
        let decision = Decision::Limit(Limit::new(whose.key(&lane.0)?));
        let detail = json!({ "lane": lane.0 });
        let deed = Deed { queue, decision, whose: whose.tenant(), action: "queues.clear_limit", detail };
        put(&call, deed).await?;
        Ok(Json(LaneLimit::default()))
    }
}
