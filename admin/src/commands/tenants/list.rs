//! `tenants list`.

use clap::Args;

use crate::{
    commands::given,
    context::Context,
    failure::Failure,
    pages::{self, Paging},
    screen::{Cell, Column, Table, Tone, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin tenants list
  patchbay-admin tenants list --all --json";

/// Lists tenants.
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
            let call = context.client.tenants_list().limit(limit);
            context.answered(given!(call, cursor: cursor).send().await)
        })
        .await?;
        let note = found.note();
        let columns = [
            Column::Id("ID"),
            Column::Text("NAME"),
            Column::Text("STATUS"),
            Column::Text("PLAN"),
            Column::Text("TIMEZONE"),
            Column::Id("PARENT"),
            Column::Number("AGE"),
        ];
        let mut table = Table::new(context.style, &columns);
        for tenant in found.rows {
            let tone = if tenant.status == "active" { Tone::Plain } else { Tone::Notice };
            table.row([
                tenant.id.into(),
                tenant.name.into(),
                Cell::toned(tenant.status, tone),
                tenant.plan.unwrap_or_default().into(),
                tenant.timezone.into(),
                tenant.parent_id.unwrap_or_default().into(),
                words::age(tenant.created_at).into(),
            ]);
        }
        Ok(View::new(found.json, table.drawn("No tenants.")).with_note(note))
    }
}
