//! `tenants top`.

use clap::{Args, builder::PossibleValuesParser};

use crate::{
    client::words::TENANT_RANK,
    context::Context,
    failure::Failure,
    screen::{Column, Table, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin tenants top sends
  patchbay-admin tenants top sends --by oldest --limit 3 --watch";

/// Lists the ten tenants with the most waiting in a queue.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Top {
    /// The queue's name.
    queue: String,
    /// Their order: by how much waits, by how long the oldest waits, or by how often they are held up.
    #[arg(long, default_value = "depth", value_parser = PossibleValuesParser::new(TENANT_RANK))]
    by: String,
    /// How many.
    #[arg(long, default_value_t = 10, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=10))]
    limit: u32,
}

impl Top {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = context.client.queues_tenants().queue(&self.queue).by(&self.by).limit(self.limit);
        let answer = context.answered(call.send().await)?;
        let columns = [
            Column::Id("TENANT"),
            Column::Number("WAITING"),
            Column::Number("RUNNING"),
            Column::Number("OLDEST"),
            Column::Number("WAIT P50"),
            Column::Number("WAIT P99"),
            Column::Number("HELD UP"),
        ];
        let mut table = Table::new(context.style, &columns);
        for share in answer.read.data {
            table.row([
                share.tenant_id.into(),
                words::at_least(share.waiting, share.at_least).into(),
                words::count(share.running).into(),
                share.oldest_age_seconds.map(words::span).unwrap_or_default().into(),
                share.dwell_p50_ms.map(|millis| format!("{millis} ms")).unwrap_or_default().into(),
                share.dwell_p99_ms.map(|millis| format!("{millis} ms")).unwrap_or_default().into(),
                words::count(share.throttled).into(),
            ]);
        }
        Ok(View::new(answer.json, table.drawn("No tenant has jobs in it.")))
    }
}
