//! `limits list`.

use clap::Args;

use super::told::told;
use crate::{
    answer::Answer,
    client::types::ListOfQueueLimit,
    commands::given,
    context::Context,
    failure::Failure,
    pages::{self, Paging},
    screen::{Column, Table, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin limits list sends
  patchbay-admin limits list sends --tenant tnt_01h455vb4pex5vsknk084sn02q
  patchbay-admin limits list '*' --shared";

/// Lists limits.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct List {
    /// The queue's name; `*` for what holds in all of them.
    queue: String,
    /// Only what all tenants share. For the system key.
    #[arg(long, conflicts_with = "tenant")]
    shared: bool,
    #[command(flatten)]
    paging: Paging,
}

impl List {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let shared = self.shared.then_some(true);
        let found =
            pages::rows(self.paging, async |_, cursor| page(context, &self.queue, shared, cursor).await).await?;
        let note = found.note();
        let columns = [
            Column::Id("TENANT"),
            Column::Id("LANE"),
            Column::Text("LIMITS"),
            Column::Text("BY"),
            Column::Number("AGE"),
        ];
        let mut table = Table::new(context.style, &columns);
        for set in found.rows {
            table.row([
                set.tenant_id.unwrap_or_else(|| "(shared)".to_owned()).into(),
                if set.lane.is_empty() { "*".to_owned() } else { set.lane }.into(),
                told(&set.limit).into(),
                set.set_by.unwrap_or_else(|| "(product)".to_owned()).into(),
                words::age(set.updated_at).into(),
            ]);
        }
        Ok(View::new(found.json, table.drawn("No limits.")).with_note(note))
    }
}

/// A page of what is set in a queue.
pub async fn page(
    context: &Context,
    queue: &str,
    shared: Option<bool>,
    cursor: Option<String>,
) -> Result<Answer<ListOfQueueLimit>, Failure> {
    let call = context.client.queues_limits().queue(queue);
    context.answered(given!(call, cursor: cursor, shared: shared, tenant_id: context.tenant).send().await)
}
