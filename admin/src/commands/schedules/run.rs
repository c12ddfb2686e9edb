//! `schedules run`.

use clap::Args;

use crate::{commands::given, context::Context, failure::Failure, screen::View};

const AFTER: &str = "Its own ticks go on as they would have.

Examples:
  patchbay-admin schedules run sch_01h455vb4pex5vsknk084sn02q";

/// Runs a schedule once, now.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Run {
    /// Its id.
    id: String,
}

impl Run {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = given!(context.client.schedules_run().id(&self.id), tenant_id: context.tenant);
        let answer = context.answered(call.send().await)?;
        let text = format!("{} runs it.", answer.read.job_id);
        let note = format!("Follow it with `jobs watch {}`.", answer.read.job_id);
        Ok(View::new(answer.json, text).with_note(Some(note)))
    }
}
