//! `limits`: what is set on a tenant, a lane, a prefix of lanes, or on what all tenants share.

mod clear;
mod key;
mod list;
mod parse;
mod set;
mod told;

use clap::Subcommand;
pub use told::told;

use crate::{context::Context, failure::Failure, screen::View};

/// What can be done with limits.
#[derive(Debug, Subcommand)]
pub enum Limits {
    /// All that is set in a queue.
    List(list::List),
    /// Sets limits on a key; what is not named stays as it is.
    Set(set::Set),
    /// Lifts all limits of a key.
    Clear(clear::Clear),
}

impl Limits {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Set(set) => set.run(context).await,
            Self::Clear(clear) => clear.run(context).await,
        }
    }

    /// Whether it only looks.
    pub fn is_look(&self) -> bool {
        matches!(self, Self::List(_))
    }
}
