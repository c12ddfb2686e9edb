//! `schedules resume`.

use clap::Args;

use super::show;
use crate::{commands::given, context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin schedules resume sch_01h455vb4pex5vsknk084sn02q";

/// Resumes a schedule.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Resume {
    /// Its id.
    id: String,
}

impl Resume {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = given!(context.client.schedules_resume().id(&self.id), tenant_id: context.tenant);
        let answer = context.answered(call.send().await)?;
        Ok(View::new(answer.json, show::drawn(answer.read)))
    }
}
