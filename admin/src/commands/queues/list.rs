//! `queues list`.

use clap::Args;

use crate::{
    commands::given,
    context::Context,
    failure::Failure,
    screen::{Cell, Column, Table, Tone, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin queues list
  patchbay-admin queues list --tenant tnt_01h455vb4pex5vsknk084sn02q
  patchbay-admin queues list --watch=5";

/// Lists queues.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct List {}

impl List {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = given!(context.client.queues_list(), tenant_id: context.tenant);
        let answer = context.answered(call.send().await)?;
        let columns = [
            Column::Id("QUEUE"),
            Column::Number("WAITING"),
            Column::Number("RUNNING"),
            Column::Number("SCHEDULED"),
            Column::Number("HELD"),
            Column::Number("DEAD"),
            Column::Number("OLDEST"),
            Column::Text("PAUSED"),
            Column::Text("KINDS"),
        ];
        let mut table = Table::new(context.style, &columns);
        for queue in answer.read.data {
            table.row([
                queue.name.into(),
                words::at_least(queue.waiting, queue.at_least).into(),
                words::maybe(queue.running).into(),
                words::at_least(queue.scheduled, queue.scheduled_at_least).into(),
                words::at_least(queue.held, queue.held_at_least).into(),
                words::at_least(queue.dead, queue.dead_at_least).into(),
                queue.oldest_age_seconds.map(words::span).unwrap_or_default().into(),
                Cell::toned(super::pauses::summary(&queue.pauses), Tone::Notice),
                queue.kinds.join(", ").into(),
            ]);
        }
        Ok(View::new(answer.json, table.drawn("No queues.")))
    }
}
