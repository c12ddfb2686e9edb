//! `schedules list`.

use clap::Args;

use crate::{
    commands::given,
    context::Context,
    failure::Failure,
    pages::{self, Paging},
    screen::{Cell, Column, Table, Tone, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin schedules list
  patchbay-admin schedules list --tenant tnt_01h455vb4pex5vsknk084sn02q
  patchbay-admin schedules list --all --json";

/// Lists schedules.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct List {
    #[command(flatten)]
    paging: Paging,
}

impl List {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let found = pages::rows(self.paging, async |limit, cursor| {
            let call = given!(context.client.schedules_list().limit(limit), cursor: cursor, tenant_id: context.tenant);
            context.answered(call.send().await)
        })
        .await?;
        let note = found.note();
        let mut columns = vec![
            Column::Id("ID"),
            Column::Text("NAME"),
            Column::Id("CRON"),
            Column::Text("ZONE"),
            Column::Text("STATE"),
            Column::Text("NEXT"),
            Column::Number("LATE"),
        ];
        if context.sees_all() {
            columns.insert(1, Column::Id("TENANT"));
        }
        let mut table = Table::new(context.style, &columns);
        for schedule in found.rows {
            let tone = tone(&schedule.state);
            let mut cells: Vec<Cell> = vec![
                schedule.id.into(),
                schedule.name.into(),
                schedule.cron.into(),
                schedule.time_zone.into(),
                Cell::toned(schedule.state, tone),
                schedule.next_at.map(words::instant).unwrap_or_default().into(),
                schedule.lateness_seconds.map(|late| format!("{}s", words::number(late))).unwrap_or_default().into(),
            ];
            if context.sees_all() {
                cells.insert(1, schedule.tenant_id.into());
            }
            table.row(cells);
        }
        Ok(View::new(found.json, table.drawn("No schedules.")).with_note(note))
    }
}

fn tone(state: &str) -> Tone {
    match state {
        "faulty" => Tone::Bad,
        "paused" => Tone::Notice,
        "ended" => Tone::Faint,
        _ => Tone::Plain,
    }
}
