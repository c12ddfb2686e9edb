//! `POST /v1/schedules/preview`.
//!
//! A rule's ticks without storing it: what a form shows while somebody writes the rule.

use patchbay_domain::schedules;
use poem_openapi::OpenApi;

use super::{
    Read,
    create::tenants_zone,
    dto::{SchedulePreview, SchedulePreviewRequest, ScheduleTime},
    faults,
};
use crate::{
    http::{Body, Call, Done, Time, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Preview;

#[OpenApi]
impl Preview {
    /// Preview a rule
    ///
    /// The next ticks of a rule, in UTC and on the clocks of its zone. Nothing is stored.
    #[oai(path = "/v1/schedules/preview", method = "post", operation_id = "schedules_preview", tag = "Tag::Schedules")]
    async fn run(&self, call: Call<Read>, body: Body<SchedulePreviewRequest>) -> Written<Done<SchedulePreview>> {
        let digest = body.digest();
        let SchedulePreviewRequest { cron, time_zone, after, count } = body.into_inner();
        let mut tx = call.begin_once(digest).await?;
        let zone = match time_zone {
            Some(zone) => zone,
            None => tenants_zone(&mut tx).await?,
        };
        let from = after.map_or(call.now, |after| after.0);
        let found = schedules::next_times(&cron, &zone, from, count.try_into().unwrap_or(usize::MAX));
        let (rule, times) = found.map_err(|error| faults::refused(error, false))?;
        let times = times.into_iter().map(|at| ScheduleTime::of(Time(at), rule.zone())).collect();
        let preview = SchedulePreview { cron: rule.cron().to_owned(), time_zone: rule.zone().name().to_owned(), times };
        tx.finish(Done(preview)).await
    }
}
