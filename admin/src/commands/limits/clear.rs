//! `limits clear`.

use clap::Args;

use super::key::Key;
use crate::{commands::given, confirm::confirm, context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin limits clear sends +12025550100
  patchbay-admin limits clear sends '*' --shared --yes";

/// Lifts all limits of a key.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Clear {
    #[command(flatten)]
    key: Key,
}

impl Clear {
    /// Runs it.
    ///
    /// # Errors
    /// Nobody said yes; or as any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        confirm(context, &format!("Lift all limits of {} in {}?", self.key.lane, self.key.queue))?;
        let call = context.client.queues_clear_limit().queue(&self.key.queue).lane(&self.key.lane);
        let call = given!(call, tenant_id: context.tenant, shared: self.key.shared());
        let answer = context.answered(call.send().await)?;
        Ok(View::new(answer.json, "No limits.".to_owned()))
    }
}
