//! `PUT /v1/queues/{queue}/lanes/{lane}/limit`.
//!
//! A PUT of the whole record, because a key has one and setting it twice is setting it once.

use patchbay_db::ids::TenantId;
use patchbay_domain::queues::control::Decision;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
    types::ToJSON,
};
use serde_json::json;

use super::{
    Write,
    decide::Deed,
    key::{Whose, one_or_all, operators},
    limit_dto::LaneLimit,
};
use crate::{
    http::{Body, Caller, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct SetLimit;

#[OpenApi]
impl SetLimit {
    /// Set the limits of a lane
    ///
    /// They hold for what waits already, within a second, and replace all that was set on the same lane. The lane may be a
    /// prefix of a path (`pac_…` for all senders of a provider account) or `*` for all of the tenant's lanes together; a
    /// job keeps to what is set on each prefix of its lane. Several may start only where all agree. The queue `*` stands
    /// for all queues: for weights, depths and hours. What the system key has set on a tenant's lane answers `forbidden` to
    /// the tenant's own keys, and so do hours where it has set some on the same lane for all queues.
    #[oai(
        path = "/v1/queues/:queue/lanes/:lane/limit",
        method = "put",
        operation_id = "queues_set_limit",
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
        body: Body<LaneLimit>,
    ) -> Handled<Json<LaneLimit>> {
        let queue = one_or_all(&call, &queue.0)?;
        let whose = Whose::of(&call, tenant_id.0, shared.0)?;
        let wanted = body.into_inner();
        if wanted.is_the_operators() {
            operators(&call, "Weights and depths are set by the operator.")?;
        }
        let limit = wanted.on(queue, whose.key(&lane.0)?)?;
        let shown = LaneLimit::of(&limit);
        let detail = json!({ "lane": lane.0, "limit": wanted.to_json() });
        let decision = Decision::Limit(limit);
        let deed = Deed { queue, decision, whose: whose.tenant(), action: "queues.set_limit", detail };
        put(&call, deed).await?;
        Ok(Json(shown))
    }
}

/// Writes a limit, if it is the caller's to set, and puts it into force.
pub(super) async fn put(call: &Caller<Write>, deed: Deed) -> Handled<()> {
    match call {
        Caller::Tenant(tenant) => {
            let mut tx = tenant.begin().await?;
            deed.write(&mut tx, call).await?;
            tx.commit().await?;
        }
        Caller::System(system) => {
            let mut tx = system.begin("a limit is set by the operator").await?;
            deed.write(&mut tx, call).await?;
            tx.commit().await?;
        }
    }
    deed.enforce(call).await;
    Ok(())
}
