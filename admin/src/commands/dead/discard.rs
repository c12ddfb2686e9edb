//! `dead discard`.

use clap::Args;

use super::{deed::Deed, selection::Selection};
use crate::{context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin dead discard job_01h455vb4pex5vsknk084sn02q
  patchbay-admin dead discard --before 30d --dry-run
  patchbay-admin dead discard --error-class permanent --yes";

/// Gives dead letters up for good: they can never run again.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Discard {
    #[command(flatten)]
    selection: Selection,
}

impl Discard {
    /// Runs it.
    ///
    /// # Errors
    /// Nobody said yes; or as any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let deed = Deed {
            ask: "Discard for good",
            done: "discarded",
            at_once: async |body| context.answered(context.client.dead_letters_discard().body(body).send().await),
            by_job: async |body| context.answered(context.client.dead_letters_discard_job().body(body).send().await),
        };
        deed.carry_out(context, &self.selection).await
    }
}
