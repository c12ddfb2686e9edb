//! `PUT /v1/plans/{name}`.

use patchbay_db::DbError;
use patchbay_queue::ledger::controls;
use poem_openapi::{OpenApi, param::Path, payload::Json, types::ToJSON};

use super::{
    dto::{Plan, PlanPut},
    noted,
};
use crate::{
    http::{Body, Handled, SystemCall},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Put;

#[OpenApi]
impl Put {
    /// Make or change a plan
    ///
    /// What it says holds for its tenants within a second, for what waits already too. What is set on a tenant itself
    /// (`queues_set_limit` with the lane `*`) goes before its plan.
    #[oai(path = "/v1/plans/:name", method = "put", operation_id = "plans_put", tag = "Tag::Plans")]
    async fn run(
        &self,
        call: SystemCall,
        /// The plan's name.
        #[oai(validator(pattern = "^[a-z][a-z0-9_-]{0,62}$"))]
        name: Path<String>,
        body: Body<PlanPut>,
    ) -> Handled<Json<Plan>> {
        let wanted = body.into_inner();
        let mut tx = call.begin("a plan is set by the operator").await?;
        let plan = controls::set_plan(&mut tx, &name.0, wanted.weight, wanted.max_waiting).await;
        let plan = plan.map_err(DbError::from)?;
        noted(&call, &mut tx, "plans.put", &name.0, wanted.to_json().unwrap_or_default()).await?;
        tx.commit().await?;
        Ok(Json(plan.into()))
    }
}
