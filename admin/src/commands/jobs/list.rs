//! `jobs list`.

use chrono::{DateTime, Utc};
use clap::{Args, builder::PossibleValuesParser};

use super::progress;
use crate::{
    client::words::JOB_STATUS,
    commands::given,
    context::Context,
    failure::Failure,
    pages::{self, Paging},
    screen::{Cell, Column, Table, View, words},
    when,
};

const AFTER: &str = "Examples:
  patchbay-admin jobs list --status held
  patchbay-admin jobs list --kind messages.send --since 1h --all
  patchbay-admin jobs list --subject imp_01h455vb4pex5vsknk084sn02q --json";

/// Lists jobs.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct List {
    /// Only those that stand there.
    #[arg(long, value_parser = PossibleValuesParser::new(JOB_STATUS))]
    status: Option<String>,
    /// Only those of this kind.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only those in this queue.
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
    /// Only those about this record.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Only those accepted then or later: an instant, or so long ago (15m, 2h, 3d).
    #[arg(long, value_name = "TIME", value_parser = when::past)]
    since: Option<DateTime<Utc>>,
    /// Only those accepted before.
    #[arg(long, value_name = "TIME", value_parser = when::past)]
    before: Option<DateTime<Utc>>,
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
            let call = given!(
                context.client.jobs_list().limit(limit),
                cursor: cursor,
                tenant_id: context.tenant,
                status: self.status,
                kind: self.kind,
                queue: self.queue,
                subject: self.subject,
                created_from: self.since,
                created_before: self.before,
            );
            context.answered(call.send().await)
        })
        .await?;
        let note = found.note();
        let columns = [
            Column::Id("ID"),
            Column::Text("KIND"),
            Column::Text("QUEUE"),
            Column::Text("LANE"),
            Column::Id("STATUS"),
            Column::Text("PROGRESS"),
            Column::Number("AGE"),
            Column::Text("NOTE"),
        ];
        let mut table = Table::new(context.style, &columns);
        for job in found.rows {
            let tone = words::status(&job.status);
            let note = job.held_reason.clone().or_else(|| job.error_code.clone()).unwrap_or_default();
            table.row([
                job.id.into(),
                job.kind.into(),
                job.queue.into(),
                job.lane.into(),
                Cell::toned(job.status, tone),
                progress::short(&job.progress).into(),
                words::age(job.created_at).into(),
                note.into(),
            ]);
        }
        Ok(View::new(found.json, table.drawn("No jobs.")).with_note(note))
    }
}
