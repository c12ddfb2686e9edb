//! `tenants`: whose jobs these are.

mod list;
mod plan;
mod top;

use clap::Subcommand;

use crate::{context::Context, failure::Failure, screen::View};

/// What can be done with tenants.
#[derive(Debug, Subcommand)]
pub enum Tenants {
    /// All tenants, newest first. For the system key.
    List(list::List),
    /// Give a tenant a plan. For the system key.
    Plan(plan::Plan),
    /// The ten tenants with the most waiting in a queue. For the system key.
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
            Self::Plan(plan) => plan.run(context).await,
            Self::Top(top) => top.run(context).await,
        }
    }

    /// Whether it only looks.
    pub fn is_look(&self) -> bool {
        !matches!(self, Self::Plan(_))
    }
}
