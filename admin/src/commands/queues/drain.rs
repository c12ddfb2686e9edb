//! `queues drain`.

use clap::Args;

use super::{pause::Wanted, pauses};
use crate::{
    context::Context,
    failure::Failure,
    screen::{View, words},
};

const AFTER: &str = "Run it again to look again; `queues resume` ends it.

Examples:
  patchbay-admin queues drain sends --reason 'before the deploy' --wait 30";

/// Pauses, and waits for what runs.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Drain {
    #[command(flatten)]
    wanted: Wanted,
    /// Wait so many seconds at most until nothing of it runs any more.
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=30))]
    wait: u32,
}

impl Drain {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = context.client.queues_drain().queue(&self.wanted.scope.queue).body(self.wanted.body(context));
        let answer = context.answered(call.prefer(format!("wait={}", self.wait)).send().await)?;
        let state = if answer.read.drained {
            "Drained: nothing of it runs.".to_owned()
        } else {
            format!("{} still run.", words::maybe(answer.read.running))
        };
        let pauses = pauses::table(context, answer.read.pauses);
        Ok(View::new(answer.json, format!("{state}\n\n{pauses}")))
    }
}
