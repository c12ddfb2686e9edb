//! `GET /v1/plans/{name}`.

use patchbay_db::DbError;
use patchbay_queue::ledger::controls;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::dto::Plan;
use crate::{
    http::{Handled, Problem, SystemCall},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a plan
    #[oai(path = "/v1/plans/:name", method = "get", operation_id = "plans_get", tag = "Tag::Plans")]
    async fn run(
        &self,
        call: SystemCall,
        /// The plan's name.
        name: Path<String>,
    ) -> Handled<Json<Plan>> {
        let mut tx = call.begin("a plan is read by the operator").await?;
        let found = controls::plan(&mut tx, &name.0).await.map_err(DbError::from)?;
        tx.commit().await?;
        Ok(Json(found.ok_or_else(|| Problem::not_found("plan"))?.into()))
    }
}
