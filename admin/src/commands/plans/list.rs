//! `plans list`.

use clap::Args;

use crate::{
    client::types::Plan,
    context::Context,
    failure::Failure,
    screen::{Column, Table, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin plans list";

/// Lists plans.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct List {}

impl List {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let answer = context.answered(context.client.plans_list().send().await)?;
        Ok(View::new(answer.json, drawn(context, answer.read.data)))
    }
}

/// Plans as a table.
pub fn drawn(context: &Context, plans: Vec<Plan>) -> String {
    let columns = [Column::Id("PLAN"), Column::Number("WEIGHT"), Column::Number("MAX WAITING"), Column::Number("AGE")];
    let mut table = Table::new(context.style, &columns);
    for plan in plans {
        table.row([
            plan.name.into(),
            plan.weight.to_string().into(),
            plan.max_waiting.map(|jobs| jobs.to_string()).unwrap_or_default().into(),
            words::age(plan.updated_at).into(),
        ]);
    }
    table.drawn("No plans.")
}
