//! `workers list`.

use clap::Args;

use crate::{
    client::types::Worker,
    context::Context,
    failure::Failure,
    screen::{Cell, Column, Table, Tone, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin workers list --watch
  patchbay-admin workers list --jobs";

/// Lists workers.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct List {
    /// What each runs now, longest first, instead of the workers.
    #[arg(long)]
    jobs: bool,
}

impl List {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let mut call = context.client.workers_list();
        if let Some(tenant) = &context.tenant {
            call = call.tenant_id(tenant.clone());
        }
        let answer = context.answered(call.send().await)?;
        let text = if self.jobs { jobs(context, answer.read.data) } else { workers(context, answer.read.data) };
        Ok(View::new(answer.json, text))
    }
}

fn workers(context: &Context, workers: Vec<Worker>) -> String {
    let columns = [
        Column::Id("WORKER"),
        Column::Text("HOST"),
        Column::Number("PID"),
        Column::Text("VERSION"),
        Column::Number("UP"),
        Column::Number("SEEN"),
        Column::Text("STATE"),
        Column::Text("RUNNING"),
    ];
    let mut table = Table::new(context.style, &columns);
    for worker in workers {
        let queues = worker.queues.iter().map(|served| match served.concurrency {
            Some(slots) => format!("{} {}/{slots}", served.queue, served.running),
            None => format!("{} {}", served.queue, served.running),
        });
        let state =
            if worker.draining { Cell::toned("draining", Tone::Notice) } else { Cell::toned("serving", Tone::Good) };
        table.row([
            worker.id.into(),
            worker.host.unwrap_or_default().into(),
            worker.pid.map(|pid| pid.to_string()).unwrap_or_default().into(),
            worker.version.unwrap_or_default().into(),
            words::age(worker.started_at).into(),
            words::age(worker.seen_at).into(),
            state,
            queues.collect::<Vec<_>>().join(", ").into(),
        ]);
    }
    table.drawn("No workers.")
}

fn jobs(context: &Context, workers: Vec<Worker>) -> String {
    let columns = [
        Column::Id("JOB"),
        Column::Text("KIND"),
        Column::Id("TENANT"),
        Column::Text("LANE"),
        Column::Number("RUNS FOR"),
        Column::Text("WORKER"),
    ];
    let mut running: Vec<_> = workers
        .into_iter()
        .flat_map(|worker| {
            worker.queues.into_iter().flat_map(|served| served.jobs).map(move |job| (job, worker.id.clone()))
        })
        .collect();
    running.sort_by_key(|(job, _)| job.since);
    let mut table = Table::new(context.style, &columns);
    for (job, worker) in running {
        table.row([
            job.id.into(),
            job.kind.into(),
            job.tenant_id.into(),
            job.lane.into(),
            words::span(job.running_ms / 1_000).into(),
            worker.into(),
        ]);
    }
    table.drawn("Nothing runs.")
}
