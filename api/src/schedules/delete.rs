//! `DELETE /v1/schedules/{id}`.
//!
//! The row goes: what its ticks did is told by their jobs and messages.

use patchbay_db::ids::{ScheduleId, TenantId};
use patchbay_domain::schedules;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};
use serde_json::json;

use super::{Write, dto::Schedule, run::not_of_the_program};
use crate::{
    http::{Caller, Handled, Id, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Delete;

#[OpenApi]
impl Delete {
    /// Delete a schedule
    ///
    /// Answers it as it was. A job of one of its ticks that still waits does nothing; messages that were accepted are sent.
    /// One that comes with the program cannot be deleted (`state_conflict`).
    #[oai(path = "/v1/schedules/:id", method = "delete", operation_id = "schedules_delete", tag = "Tag::Schedules")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The schedule's id.
        id: Path<Id<ScheduleId>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<Schedule>> {
        let tenant = call.one_of(tenant_id.0)?;
        not_of_the_program(tenant)?;
        let mut tx = call.begin_of(tenant).await?;
        let deleted = schedules::delete(&mut tx, &call.cause(), id.0.0).await?;
        let deleted = deleted.ok_or_else(|| Problem::not_found("schedule"))?;
        let detail = json!({ "name": deleted.name, "cron": deleted.cron, "time_zone": deleted.time_zone });
        call.audit(&mut tx, Some(tenant), "schedules.delete", id.0.0.to_string(), detail).await?;
        tx.commit().await?;
        Ok(Json(Schedule::listed(deleted)))
    }
}
