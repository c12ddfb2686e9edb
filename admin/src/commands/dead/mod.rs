//! `dead`: jobs that gave up, and what becomes of them.

mod deed;
mod discard;
mod export;
mod list;
mod matching;
mod redrive;
mod selection;
mod show;

use clap::Subcommand;

use crate::{context::Context, failure::Failure, screen::View};

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub enum Dead {
    /// Dead letters, newest first.
    List(list::List),
    /// One dead letter with every attempt and what it was given.
    Show(show::Show),
    /// Writes all that match to a file.
    Export(export::Export),
    /// Lets them run again: by id, or all that match, counted first.
    Redrive(redrive::Redrive),
    /// Gives them up for good: by id, or all that match, counted first.
    Discard(discard::Discard),
}

impl Dead {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Export(export) => export.run(context).await,
            Self::Redrive(redrive) => redrive.run(context).await,
            Self::Discard(discard) => discard.run(context).await,
        }
    }

    /// Whether it only looks.
    pub fn is_look(&self) -> bool {
        matches!(self, Self::List(_) | Self::Show(_))
    }
}
