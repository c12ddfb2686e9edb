//! `queues`: what waits and runs in each, and stopping and starting them.

mod drain;
mod list;
mod pause;
mod pauses;
mod resume;
mod scope;
mod show;

use clap::Subcommand;

use crate::{context::Context, failure::Failure, screen::View};

/// What can be done with queues.
#[derive(Debug, Subcommand)]
pub enum Queues {
    /// All queues: how much waits, how much runs, how old the oldest is.
    List(list::List),
    /// One queue with its kinds and pauses.
    Show(show::Show),
    /// Stops a queue, a kind, a tenant's share or a lane; what runs is finished.
    Pause(pause::Pause),
    /// Stops it the same way, and waits until nothing of it runs any more.
    Drain(drain::Drain),
    /// Lets go on what was paused.
    Resume(resume::Resume),
}

impl Queues {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Pause(pause) => pause.run(context).await,
            Self::Drain(drain) => drain.run(context).await,
            Self::Resume(resume) => resume.run(context).await,
        }
    }

    /// Whether it only looks.
    pub fn is_look(&self) -> bool {
        matches!(self, Self::List(_) | Self::Show(_))
    }
}
