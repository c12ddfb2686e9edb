//! `PATCH /v1/schedules/{id}`.

use patchbay_db::ids::ScheduleId;
use patchbay_domain::schedules::{self, Change};
use patchbay_queue::schedule::CatchUp;
use poem_openapi::{OpenApi, param::Path, payload::Json, types::MaybeUndefined};

use super::{
    Write, audited,
    create::tenants_zone,
    dto::{Schedule, ScheduleAction, SchedulePatch, actionable},
    faults,
};
use crate::{
    http::{Body, Call, Handled, Id, Problem},
    messages::draft::measure,
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Patch;

#[OpenApi]
impl Patch {
    /// Change a schedule
    ///
    /// A changed rule counts from now on: what was missed under the old one is not made up. A paused schedule stays
    /// paused. Refused as when it is made.
    #[oai(path = "/v1/schedules/:id", method = "patch", operation_id = "schedules_patch", tag = "Tag::Schedules")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The schedule's id.
        id: Path<Id<ScheduleId>>,
        body: Body<SchedulePatch>,
    ) -> Handled<Json<Schedule>> {
        let SchedulePatch { name, cron, time_zone, catch_up, action } = body.into_inner();
        let several = matches!(action, Some(ScheduleAction::SendMessages(_)));
        let action = action.map(actionable).transpose().map_err(faults::malformed)?;
        let mut tx = call.begin().await?;
        let time_zone = match time_zone {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(tenants_zone(&mut tx).await?),
            MaybeUndefined::Value(zone) => Some(zone),
        };
        let catch_up = match catch_up {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(CatchUp::Last),
            MaybeUndefined::Value(catch_up) => Some(catch_up.into()),
        };
        let change = Change { name, cron, time_zone, catch_up, action };
        let changed = schedules::update(&mut tx, &call.cause(), measure, id.0.0, change).await;
        let changed = changed.map_err(|error| faults::refused(error, several))?;
        let schedule = Schedule::shown(changed.ok_or_else(|| Problem::not_found("schedule"))?);
        audited::note(&mut tx, &call, "schedules.patch", id.0.0.to_string(), &schedule).await?;
        tx.commit().await?;
        Ok(Json(schedule))
    }
}
