//! `jobs`: where each stands and why it waits.

mod cancel;
mod hold;
mod list;
mod progress;
mod release;
mod retry;
mod show;
mod watch;
mod why;

use clap::Subcommand;
pub use show::attempts_drawn;

use crate::{answer::Answer, client::types::Job, commands::given, context::Context, failure::Failure, screen::View};

/// What can be done with jobs.
#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// A tenant's jobs, newest first.
    List(list::List),
    /// One job with its attempts.
    Show(show::Show),
    /// Why a job does not run now.
    Why(why::Why),
    /// Follows a job to its end.
    Watch(watch::Watch),
    /// Puts a job on hold.
    Hold(hold::Hold),
    /// Lets a held job go on.
    Release(release::Release),
    /// Cancels a job; a running one is asked to stop.
    Cancel(cancel::Cancel),
    /// Lets a job that failed run again.
    Retry(retry::Retry),
}

impl Jobs {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Why(why) => why.run(context).await,
            Self::Watch(watch) => watch.run(context).await,
            Self::Hold(hold) => hold.run(context).await,
            Self::Release(release) => release.run(context).await,
            Self::Cancel(cancel) => cancel.run(context).await,
            Self::Retry(retry) => retry.run(context).await,
        }
    }

    /// Whether it only looks.
    pub fn is_look(&self) -> bool {
        matches!(self, Self::List(_) | Self::Show(_) | Self::Why(_) | Self::Watch(_))
    }
}

/// Asks for a job.
async fn get(context: &Context, id: &str) -> Result<Answer<Job>, Failure> {
    let call = given!(context.client.jobs_get().id(id), tenant_id: context.tenant);
    context.answered(call.send().await)
}
