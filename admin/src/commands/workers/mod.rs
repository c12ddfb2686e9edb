//! `workers`: the processes that run jobs, and what each runs now.

mod list;

use clap::Subcommand;

use crate::{context::Context, failure::Failure, screen::View};

/// What can be done with workers.
#[derive(Debug, Subcommand)]
pub enum Workers {
    /// Those that were heard of within the last 15 seconds; for a tenant's key, those that run its jobs.
    List(list::List),
}

impl Workers {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        match self {
            Self::List(list) => list.run(context).await,
        }
    }
}
