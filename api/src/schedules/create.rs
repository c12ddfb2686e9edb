//! `POST /v1/schedules`.
//!
//! The action is judged now as if it ran now, so that a schedule that could never send is refused while somebody looks.

use patchbay_db::Tx;
use patchbay_domain::{
    schedules::{self, Wanted},
    tenants,
};
use patchbay_queue::schedule::CatchUp;
use poem_openapi::OpenApi;

use super::{
    Write,
    dto::{Schedule, ScheduleAction, ScheduleCreate, actionable},
    faults,
};
use crate::{
    http::{Body, Call, Created, Handled, Written},
    messages::draft::measure,
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Create;

#[OpenApi]
impl Create {
    /// Make a schedule
    ///
    /// It ticks from now on. A rule that names hours ticks once for each of its times of day: at the first instant after
    /// it where the clocks skip it, at its first occurrence where they repeat it. A rule for every hour follows real
    /// time. Refused with 422: a rule or zone that is none, a rule that never ticks, an action that would be refused as a
    /// message is (`no_sender`, `recipient_opted_out`, `template_variables` and the like), and more than 1,000 schedules
    /// (`limit_reached`). The action is judged again at each tick.
    #[oai(path = "/v1/schedules", method = "post", operation_id = "schedules_create", tag = "Tag::Schedules")]
    async fn run(&self, call: Call<Write>, body: Body<ScheduleCreate>) -> Written<Created<Schedule>> {
        let digest = body.digest();
        let ScheduleCreate { name, cron, time_zone, catch_up, action } = body.into_inner();
        let several = matches!(action, ScheduleAction::SendMessages(_));
        let action = actionable(action).map_err(faults::malformed)?;
        let mut tx = call.begin_once(digest).await?;
        let time_zone = match time_zone {
            Some(zone) => zone,
            None => tenants_zone(&mut tx).await?,
        };
        let catch_up = catch_up.map_or(CatchUp::Last, Into::into);
        let wanted = Wanted { name, cron, time_zone, catch_up, action };
        let made = schedules::create(&mut tx, &call.cause(), measure, wanted).await;
        let schedule = Schedule::shown(made.map_err(|error| faults::refused(error, several))?);
        let subject = schedule.id.0.to_string();
        super::audited::note(&mut tx, &call, "schedules.create", subject, &schedule).await?;
        let location = format!("/v1/schedules/{}", schedule.id.0);
        tx.finish(Created { location, record: schedule }).await
    }
}

/// The zone of the tenant's own.
pub(super) async fn tenants_zone(tx: &mut Tx) -> Handled<String> {
    let tenant = tenants::get_own(tx).await?;
    Ok(tenant.map_or_else(|| "UTC".to_owned(), |tenant| tenant.timezone))
}
