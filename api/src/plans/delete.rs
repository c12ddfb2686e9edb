//! `DELETE /v1/plans/{name}`.

use patchbay_db::DbError;
use patchbay_queue::ledger::controls;
use poem_openapi::{ApiResponse, OpenApi, param::Path};
use serde_json::Value;

use super::noted;
use crate::{
    http::{Code, Handled, Problem, SystemCall},
    tags::Tag,
};

/// The answer.
#[derive(Debug, ApiResponse)]
pub enum Deleted {
    /// It is gone.
    #[oai(status = 204)]
    Gone,
}

/// The operation.
#[derive(Debug, Default)]
pub struct Delete;

#[OpenApi]
impl Delete {
    /// Delete a plan
    ///
    /// Answers 409 `state_conflict` while tenants have it.
    #[oai(path = "/v1/plans/:name", method = "delete", operation_id = "plans_delete", tag = "Tag::Plans")]
    async fn run(
        &self,
        call: SystemCall,
        /// The plan's name.
        name: Path<String>,
    ) -> Handled<Deleted> {
        let mut tx = call.begin("a plan is deleted by the operator").await?;
        let gone = controls::remove_plan(&mut tx, &name.0).await.map_err(|error| match DbError::from(error) {
            DbError::Reference { .. } => {
                Problem::new(Code::StateConflict, "Tenants have this plan: give them another.")
            }
            other => other.into(),
        })?;
        if !gone {
            return Err(Problem::not_found("plan").into());
        }
        noted(&call, &mut tx, "plans.delete", &name.0, Value::Null).await?;
        tx.commit().await?;
        Ok(Deleted::Gone)
    }
}
