//! `autoscale`: the load of queues, for whoever decides how many workers there are.

use clap::Args;

use crate::{
    commands::given,
    context::Context,
    failure::Failure,
    screen::{Column, Table, View, words},
};

const AFTER: &str = "For the system key. A queue whose slots all run while its backlog grows wants more workers.

Examples:
  patchbay-admin autoscale --watch=5
  patchbay-admin autoscale sends --json";

/// Shows the load of queues: backlog, age, rates, and how many of the workers' slots run.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Autoscale {
    /// Only this queue.
    queue: Option<String>,
}

impl Autoscale {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = given!(context.client.autoscale_get(), queue: self.queue);
        let answer = context.answered(call.send().await)?;
        let columns = [
            Column::Id("QUEUE"),
            Column::Number("BACKLOG"),
            Column::Number("OLDEST"),
            Column::Number("IN/S"),
            Column::Number("OUT/S"),
            Column::Number("RUNNING"),
            Column::Number("SLOTS"),
        ];
        let rate = |rate: Option<f64>| rate.map_or_else(|| "?".to_owned(), words::number);
        let mut table = Table::new(context.style, &columns);
        for load in answer.read.queues {
            table.row([
                load.queue.into(),
                words::at_least(load.backlog, load.at_least).into(),
                words::span(load.oldest_age_seconds).into(),
                rate(load.arrived_per_second).into(),
                rate(load.finished_per_second).into(),
                words::maybe(load.running).into(),
                words::maybe(load.slots).into(),
            ]);
        }
        Ok(View::new(answer.json, table.drawn("No queues.")))
    }
}
