//! `schedules next`.

use clap::Args;

use crate::{
    context::Context,
    failure::Failure,
    screen::{View, words},
};

const AFTER: &str = "With --json, the part `next_times` of the schedule.

Examples:
  patchbay-admin schedules next sch_01h455vb4pex5vsknk084sn02q";

/// Shows when a schedule ticks next.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Next {
    /// Its id.
    id: String,
}

impl Next {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let answer = super::get(context, &self.id).await?;
        let times = answer.read.next_times.unwrap_or_default();
        let text = match times.as_slice() {
            [] => format!("It does not tick: it is {}.", answer.read.state),
            times => times.iter().map(|at| words::instant(*at)).collect::<Vec<_>>().join("\n"),
        };
        Ok(View::new(answer.json["next_times"].clone(), text))
    }
}
