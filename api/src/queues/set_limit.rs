//! `PUT /v1/queues/{queue}/lanes/{lane}/limit`.
//!
//! A PUT, because a lane has one rate and setting it twice is setting it once.

use patchbay_db::{TypedId, ids::TenantId};
use patchbay_domain::queues::control::Decision;
use patchbay_queue::{LaneName, lanes::RateLimit};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};
use serde_json::json;

use super::{Write, caller::Caller, decide::Deed, get::known, lane_dto::LaneLimit};
use crate::{
    http::{Body, Handled, Id, Problem},
    tags::Tag,
};

/// Stands for all lanes of a tenant together.
const ALL: &str = "*";

/// The operation.
#[derive(Debug, Default)]
pub struct SetLimit;

#[OpenApi]
impl SetLimit {
    /// Set the rate of a lane
    ///
    /// It holds for what waits already. The lane `*` stands for all of the tenant's lanes together; a lane that has a
    /// rate of its own keeps to both.
    #[oai(
        path = "/v1/queues/:queue/lanes/:lane/limit",
        method = "put",
        operation_id = "queues_set_limit",
        tag = "Tag::Queues"
    )]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The queue's name.
        queue: Path<String>,
        /// The lane's name, such as a sender's address, or `*`.
        lane: Path<String>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
        body: Body<LaneLimit>,
    ) -> Handled<Json<LaneLimit>> {
        let queue = known(&call, &queue.0)?;
        let tenant = call.one_of(tenant_id.0)?;
        let name = lane_name(&lane.0)?;
        let wanted = body.into_inner();
        let detail = json!({ "lane": lane.0, "rate_per_second": wanted.rate_per_second, "burst": wanted.burst });
        let lane = LaneName { tenant: tenant.uuid(), lane: name };
        let limit = RateLimit { lane, rate_per_second: wanted.rate_per_second, burst: wanted.burst };
        let decision = Decision::Limit(limit);
        let deed = Deed { queue, decision, whose: Some(tenant), action: "queues.set_limit", detail };
        match &call {
            Caller::Tenant(tenant) => {
                let mut tx = tenant.begin().await?;
                deed.write(&mut tx, &call).await?;
                tx.commit().await?;
            }
            Caller::System(system) => {
                let mut tx = system.begin("a lane's rate is set by the operator").await?;
                deed.write(&mut tx, &call).await?;
                tx.commit().await?;
            }
        }
        deed.enforce(&call).await;
        Ok(Json(wanted))
    }
}

/// The lane as the ledger names it.
fn lane_name(path: &str) -> Result<String, Problem> {
    let is_fit = path.chars().count() <= 200 && !path.chars().any(char::is_control);
    if !is_fit {
        return Err(Problem::refused(
            "lane",
            "invalid",
            "A lane's name has at most 200 characters, none of them control characters.",
        ));
    }
    Ok(if path == ALL { String::new() } else { path.to_owned() })
}
