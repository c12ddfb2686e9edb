//! `plans`: what tenants' plans are worth in the queues.

mod list;
mod set;

use clap::Subcommand;

use crate::{context::Context, failure::Failure, screen::View};

/// What can be done with plans.
#[derive(Debug, Subcommand)]
pub enum Plans {
    /// All plans. For the system key.
    List(list::List),
    /// Make a plan, or change it. For the system key.
    Set(set::Set),
}

impl Plans {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Set(set) => set.run(context).await,
        }
    }

    /// Whether it only looks.
    pub fn is_look(&self) -> bool {
        matches!(self, Self::List(_))
    }
}
