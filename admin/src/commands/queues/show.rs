//! `queues show`.

use clap::Args;

use super::pauses;
use crate::{
    commands::given,
    context::Context,
    failure::Failure,
    screen::{Record, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin queues show sends
  patchbay-admin queues show sends --tenant tnt_01h455vb4pex5vsknk084sn02q";

/// Shows a queue.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Show {
    /// Its name.
    queue: String,
}

impl Show {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = given!(context.client.queues_get().queue(&self.queue), tenant_id: context.tenant);
        let answer = context.answered(call.send().await)?;
        let queue = answer.read;
        let record = Record::new()
            .with("queue", queue.name)
            .with("kinds", queue.kinds.join(", "))
            .with("waiting", words::at_least(queue.waiting, queue.at_least))
            .with("running", words::maybe(queue.running))
            .with("scheduled", words::at_least(queue.scheduled, queue.scheduled_at_least))
            .with("held", words::at_least(queue.held, queue.held_at_least))
            .with("dead", words::at_least(queue.dead, queue.dead_at_least))
            .with_some("oldest", queue.oldest_at.map(words::instant))
            .drawn();
        let pauses = pauses::table(context, queue.pauses);
        Ok(View::new(answer.json, format!("{record}\n\n{pauses}")))
    }
}
