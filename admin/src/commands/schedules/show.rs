//! `schedules show`.

use clap::Args;
use serde_json::Value;

use crate::{
    client::types::Schedule,
    context::Context,
    failure::Failure,
    screen::{Record, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin schedules show sch_01h455vb4pex5vsknk084sn02q";

/// Shows a schedule.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Show {
    /// Its id.
    id: String,
}

impl Show {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let answer = super::get(context, &self.id).await?;
        Ok(View::new(answer.json, drawn(answer.read)))
    }
}

/// A schedule for a person.
pub fn drawn(schedule: Schedule) -> String {
    let action = schedule.action.filter(|action| *action != Value::Null);
    Record::new()
        .with("schedule", schedule.id)
        .with("tenant", schedule.tenant_id)
        .with("name", schedule.name)
        .with("cron", schedule.cron)
        .with("zone", schedule.time_zone)
        .with("catch-up", schedule.catch_up)
        .with("state", schedule.state)
        .with_some("fault", schedule.fault)
        .with_some("next", schedule.next_at.map(words::instant))
        .with_some("last", schedule.last_tick_at.map(words::instant))
        .with_some("last job", schedule.last_job_id)
        .with_some("late by", schedule.lateness_seconds.map(|late| format!("{}s", words::number(late))))
        .with_some("paused", schedule.paused_at.map(words::instant))
        .with("made", words::instant(schedule.created_at))
        .with_some("action", action.map(|action| words::json(&action)))
        .drawn()
}
