//! `POST /v1/schedules/{id}/pause`.
//!
//! The row loses its next time, so that a paused schedule costs the schedulers nothing.

use patchbay_db::ids::{ScheduleId, TenantId};
use patchbay_domain::schedules;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use serde_json::json;

use super::{Write, dto::Schedule};
use crate::{
    http::{BodyDigest, Caller, Done, Id, Problem, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Pause;

#[OpenApi]
impl Pause {
    /// Pause a schedule
    ///
    /// It does not tick until it is resumed; a tick whose job waits already does nothing. Pausing twice changes nothing.
    #[oai(path = "/v1/schedules/:id/pause", method = "post", operation_id = "schedules_pause", tag = "Tag::Schedules")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The schedule's id.
        id: Path<Id<ScheduleId>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Written<Done<Schedule>> {
        let tenant = call.one_of(tenant_id.0)?;
        let mut tx = call.begin_once_of(tenant, BodyDigest::empty()).await?;
        let found = schedules::pause(&mut tx, &call.cause(), id.0.0).await?;
        let schedule = Schedule::shown(found.ok_or_else(|| Problem::not_found("schedule"))?);
        let detail = json!({ "name": schedule.name, "next_at": schedule.next_at.map(|at| at.0) });
        call.audit(&mut tx, Some(tenant), "schedules.pause", id.0.0.to_string(), detail).await?;
        tx.finish(Done(schedule)).await
    }
}
