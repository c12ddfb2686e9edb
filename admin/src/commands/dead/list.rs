//! `dead list`.

use clap::Args;

use super::matching::{Matching, matching};
use crate::{
    commands::given,
    context::Context,
    failure::Failure,
    pages::{self, Paging},
    screen::{Cell, Column, Table, Tone, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin dead list --since 1d
  patchbay-admin dead list --error-class crash --all --json";

/// Lists dead letters.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct List {
    #[command(flatten)]
    matching: Matching,
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
            let call = given!(context.client.dead_letters_list().limit(limit), cursor: cursor);
            context.answered(matching!(call, self.matching, context).send().await)
        })
        .await?;
        let note = found.note();
        let mut columns = vec![
            Column::Id("ID"),
            Column::Text("KIND"),
            Column::Text("LANE"),
            Column::Text("CLASS"),
            Column::Text("CODE"),
            Column::Number("ERRORS"),
            Column::Number("DIED"),
            Column::Text("DETAIL"),
        ];
        if context.sees_all() {
            columns.insert(1, Column::Id("TENANT"));
        }
        let mut table = Table::new(context.style, &columns);
        for letter in found.rows {
            let mut cells: Vec<Cell> = vec![
                letter.id.into(),
                letter.kind.into(),
                letter.lane.into(),
                Cell::toned(letter.error.class, Tone::Bad),
                letter.error.code.into(),
                letter.errors.to_string().into(),
                words::age(letter.failed_at).into(),
                letter.error.detail.into(),
            ];
            if context.sees_all() {
                cells.insert(1, letter.tenant_id.into());
            }
            table.row(cells);
        }
        Ok(View::new(found.json, table.drawn("No dead letters.")).with_note(note))
    }
}
