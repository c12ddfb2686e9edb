//! `jobs watch`: the job again and again, until it has ended.
//!
//! It asks rather than listens to the job's event stream: an operator's look once a second costs nothing, and it works
//! through every proxy.

use clap::Args;

use super::show::{self, Show};
use crate::{context::Context, failure::Failure, screen::View};

const AFTER: &str = "Ends with 0 when the job succeeded and with 4 when it failed or was cancelled.

Examples:
  patchbay-admin jobs watch job_01h455vb4pex5vsknk084sn02q
  patchbay-admin jobs watch job_01h455vb4pex5vsknk084sn02q --json --watch=0.5";

/// Follows a job to its end.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Watch {
    #[command(flatten)]
    job: Show,
}

impl Watch {
    /// Looks once.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let answer = super::get(context, &self.job.id).await?;
        let ended = answer.read.finished_at.map(|_| answer.read.status == "succeeded");
        Ok(View { ended, ..View::new(answer.json, show::drawn(context, answer.read)) })
    }
}
