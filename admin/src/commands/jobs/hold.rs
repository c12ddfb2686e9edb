//! `jobs hold`.

use clap::Args;

use super::show;
use crate::{client::types::JobHold, commands::given, context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin jobs hold job_01h455vb4pex5vsknk084sn02q --reason 'the template is being checked'";

/// Puts a job on hold until it is released.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Hold {
    /// Its id.
    id: String,
    /// Why, for whoever asks why it waits.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Hold {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let body = JobHold { reason: self.reason.clone() };
        let call = given!(context.client.jobs_hold().id(&self.id).body(body), tenant_id: context.tenant);
        let answer = context.answered(call.send().await)?;
        Ok(View::new(answer.json, show::drawn(context, answer.read)))
    }
}
