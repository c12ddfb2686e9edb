//! `GET /v1/plans`.

use patchbay_db::DbError;
use patchbay_queue::ledger::controls;
use poem_openapi::{OpenApi, payload::Json};

use super::dto::Plan;
use crate::{
    http::{Handled, ListOf, SystemCall},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List plans
    ///
    /// All of them by name, in one answer.
    #[oai(path = "/v1/plans", method = "get", operation_id = "plans_list", tag = "Tag::Plans")]
    async fn run(&self, call: SystemCall) -> Handled<Json<ListOf<Plan>>> {
        let mut tx = call.begin("plans are listed by the operator").await?;
        let found = controls::plans(&mut tx).await.map_err(DbError::from)?;
        tx.commit().await?;
        let data = found.into_iter().map(Plan::from).collect();
        Ok(Json(ListOf { data, next_cursor: None, has_more: false }))
    }
}
