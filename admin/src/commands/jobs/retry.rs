//! `jobs retry`.

use clap::Args;

use super::show;
use crate::{commands::given, context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin jobs retry job_01h455vb4pex5vsknk084sn02q";

/// Lets a job that failed run again, with a fresh budget of attempts.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Retry {
    /// Its id.
    id: String,
}

impl Retry {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = given!(context.client.jobs_retry().id(&self.id), tenant_id: context.tenant);
        let answer = context.answered(call.send().await)?;
        Ok(View::new(answer.json, show::drawn(context, answer.read)))
    }
}
