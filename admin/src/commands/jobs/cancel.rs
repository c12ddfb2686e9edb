//! `jobs cancel`.

use clap::Args;

use super::show;
use crate::{commands::given, confirm::confirm, context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin jobs cancel job_01h455vb4pex5vsknk084sn02q
  patchbay-admin jobs cancel job_01h455vb4pex5vsknk084sn02q --yes";

/// Cancels a job.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Cancel {
    /// Its id.
    id: String,
}

impl Cancel {
    /// Runs it.
    ///
    /// # Errors
    /// Nobody said yes; or as any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        confirm(context, &format!("Cancel {} for good?", self.id))?;
        let call = given!(context.client.jobs_cancel().id(&self.id), tenant_id: context.tenant);
        let answer = context.answered(call.send().await)?;
        Ok(View::new(answer.json, show::drawn(context, answer.read)))
    }
}
