//! `tenants`: whose jobs these are.

mod list;
mod top;

use clap::Subcommand;

use crate::{context::Context, failure::Failure, screen::View};

/// What can be done with tenants.
#[derive(Debug, Subcommand)]
pub enum Tenants {
    /// All tenants, newest first. For the system key.
    List(list::List),
    /// The tenants that stand out in a queue. For the system key.
    Top(top::Top),
}

impl Tenants {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Top(top) => top.run(context).await,
        }
    }
}
