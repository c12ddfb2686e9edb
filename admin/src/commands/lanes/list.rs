//! `lanes list`.

use clap::Args;

use crate::{
    client::types::Lane,
    commands::{given, limits::told},
    context::Context,
    failure::Failure,
    pages::{self, Paging},
    screen::{Cell, Column, Table, Tone, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin lanes list sends --tenant tnt_01h455vb4pex5vsknk084sn02q
  patchbay-admin lanes list sends --all --json";

/// Lists a tenant's lanes.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct List {
    /// The queue's name.
    queue: String,
    #[command(flatten)]
    paging: Paging,
}

impl List {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let found = pages::rows(self.paging, async |_, cursor| {
            let call = context.client.queues_lanes().queue(&self.queue);
            context.answered(given!(call, cursor: cursor, tenant_id: context.tenant).send().await)
        })
        .await?;
        let note = found.note();
        let columns = [
            Column::Id("LANE"),
            Column::Number("WAITING"),
            Column::Number("RUNNING"),
            Column::Number("OLDEST"),
            Column::Text("LIMITS"),
            Column::Text("SERVED"),
        ];
        let mut table = Table::new(context.style, &columns);
        for lane in found.rows {
            let served = served(&lane);
            table.row([
                if lane.name.is_empty() { "(own)".to_owned() } else { lane.name }.into(),
                words::at_least(lane.waiting, lane.at_least).into(),
                words::maybe(lane.running).into(),
                lane.oldest_age_seconds.map(words::span).unwrap_or_default().into(),
                lane.limit.as_ref().map(told).unwrap_or_default().into(),
                served,
            ]);
        }
        Ok(View::new(found.json, table.drawn("No lanes.")).with_note(note))
    }
}

/// Whether it may be served now.
fn served(lane: &Lane) -> Cell {
    match (&lane.pause, lane.eligible_at) {
        (Some(pause), _) => Cell::toned(format!("paused: {}", pause.reason), Tone::Notice),
        (None, Some(at)) => Cell::toned(words::instant(at), Tone::Notice),
        (None, None) => "now".into(),
    }
}
