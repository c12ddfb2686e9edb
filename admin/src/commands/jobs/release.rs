//! `jobs release`.

use clap::Args;

use super::show;
use crate::{commands::given, context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin jobs release job_01h455vb4pex5vsknk084sn02q";

/// Lets a held job go on; one that waits for an approval is approved by this.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Release {
    /// Its id.
    id: String,
}

impl Release {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = given!(context.client.jobs_release().id(&self.id), tenant_id: context.tenant);
        let answer = context.answered(call.send().await)?;
        Ok(View::new(answer.json, show::drawn(context, answer.read)))
    }
}
