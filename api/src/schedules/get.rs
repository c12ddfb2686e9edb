//! `GET /v1/schedules/{id}`.
//!
//! The times to come are worked out when they are asked for: stored, a change of a zone's law would make them wrong.

use patchbay_db::ids::{ScheduleId, TenantId};
use patchbay_domain::schedules;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};

use super::{Read, dto::Schedule};
use crate::{
    http::{Caller, Handled, Id, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a schedule
    ///
    /// With its next five ticks, its last one, the job of that, and how late it was.
    #[oai(path = "/v1/schedules/:id", method = "get", operation_id = "schedules_get", tag = "Tag::Schedules")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// The schedule's id.
        id: Path<Id<ScheduleId>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<Schedule>> {
        let mut tx = call.read_of(call.one_of(tenant_id.0)?).await?;
        let schedule = schedules::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        let schedule = schedule.ok_or_else(|| Problem::not_found("schedule"))?;
        Ok(Json(Schedule::shown(schedule)))
    }
}
