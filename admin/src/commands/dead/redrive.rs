//! `dead redrive`.

use clap::Args;

use super::{deed::Deed, selection::Selection};
use crate::{context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin dead redrive job_01h455vb4pex5vsknk084sn02q
  patchbay-admin dead redrive --error-code twilio_20429 --since 2h --dry-run
  patchbay-admin dead redrive --lane pac_01h455vb4pex5vsknk084sn02q~+12025550100 --yes
  patchbay-admin dead redrive --kind messages.send --limit 20000 --pace 50 --yes";

/// Lets dead letters run again, with a fresh budget of attempts.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Redrive {
    #[command(flatten)]
    selection: Selection,
}

impl Redrive {
    /// Runs it.
    ///
    /// # Errors
    /// Nobody said yes; or as any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let deed = Deed {
            ask: "Redrive",
            done: "redriven",
            at_once: async |body| context.answered(context.client.dead_letters_redrive().body(body).send().await),
            by_job: async |body| context.answered(context.client.dead_letters_redrive_job().body(body).send().await),
        };
        deed.carry_out(context, &self.selection).await
    }
}
