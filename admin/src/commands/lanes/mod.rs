//! `lanes`: a tenant's share of a queue, by sender or other key.

mod list;

use clap::Subcommand;

use crate::{context::Context, failure::Failure, screen::View};

/// What can be done with lanes.
#[derive(Debug, Subcommand)]
pub enum Lanes {
    /// A tenant's lanes in a queue: what waits and runs, limits, and from when each may be served.
    List(list::List),
}

impl Lanes {
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
