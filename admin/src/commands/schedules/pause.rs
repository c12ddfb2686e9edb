//! `schedules pause`.

use clap::Args;

use super::show;
use crate::{commands::given, context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin schedules pause sch_01h455vb4pex5vsknk084sn02q";

/// Pauses a schedule.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Pause {
    /// Its id.
    id: String,
}

impl Pause {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = given!(context.client.schedules_pause().id(&self.id), tenant_id: context.tenant);
        let answer = context.answered(call.send().await)?;
        Ok(View::new(answer.json, show::drawn(answer.read)))
    }
}
