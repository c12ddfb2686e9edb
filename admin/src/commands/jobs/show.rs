//! `jobs show`.

use clap::Args;
use serde_json::Value;

use super::progress;
use crate::{
    client::types::{Job, JobAttempt},
    context::Context,
    failure::Failure,
    screen::{Column, Record, Table, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin jobs show job_01h455vb4pex5vsknk084sn02q";

/// Shows a job.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Show {
    /// Its id.
    pub id: String,
}

impl Show {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let answer = super::get(context, &self.id).await?;
        Ok(View::new(answer.json, drawn(context, answer.read)))
    }
}

/// A job for a person.
pub fn drawn(context: &Context, job: Job) -> String {
    let attempts = job.attempts.unwrap_or_default();
    let mut text = Record::new()
        .with("job", job.id)
        .with("kind", job.kind)
        .with("status", job.status)
        .with("queue", job.queue)
        .with_text("lane", &job.lane)
        .with_some("subject", job.subject)
        .with_text("progress", &progress::long(&job.progress))
        .with_some("held", held(job.held_reason, job.held_by))
        .with_some("waits for", job.waiting.as_ref().map(super::why::told))
        .with("attempts", budget(job.errors, job.max_attempts, job.crashes, job.interruptions))
        .with_some("last error", job.error_code)
        .with("accepted", words::instant(job.created_at))
        .with_some("not before", (job.run_at != job.created_at).then(|| words::instant(job.run_at)))
        .with_some("not after", job.not_after.map(words::instant))
        .with_some("started", job.started_at.map(words::instant))
        .with_some("cancelling", job.cancel_requested_at.map(words::instant))
        .with_some("ended", job.finished_at.map(words::instant))
        .with_some("removed", job.expires_at.map(words::instant))
        .with_some("request", job.request_id)
        .with_some("result", job.result.filter(|result| *result != Value::Null).map(|result| words::json(&result)))
        .with_some("read it at", job.result_url)
        .with_some("errors at", job.errors_url)
        .drawn();
    if !attempts.is_empty() {
        text.push_str("\n\n");
        text.push_str(&attempts_drawn(context, attempts));
    }
    text
}

/// Why, and by what.
fn held(reason: Option<String>, by: Option<String>) -> Option<String> {
    match (reason, by) {
        (Some(reason), Some(by)) => Some(format!("{reason} ({by})")),
        (reason, by) => reason.or(by),
    }
}

fn budget(errors: u32, most: u32, crashes: u32, interruptions: u32) -> String {
    let mut text = format!("{errors} of {most} errors used");
    for (name, number) in [("crashes", crashes), ("interruptions", interruptions)] {
        if number > 0 {
            text.push_str(&format!(", {number} {name}"));
        }
    }
    text
}

/// Attempts that did not end their job well, oldest first.
pub fn attempts_drawn(context: &Context, attempts: Vec<JobAttempt>) -> String {
    let columns = [
        Column::Id("ENDED"),
        Column::Number("RAN"),
        Column::Number("TIMES"),
        Column::Text("CLASS"),
        Column::Text("CODE"),
        Column::Text("DETAIL"),
        Column::Text("WORKER"),
    ];
    let mut table = Table::new(context.style, &columns);
    for attempt in attempts {
        table.row([
            words::instant(attempt.at).into(),
            attempt.duration_ms.map(|millis| format!("{millis} ms")).unwrap_or_default().into(),
            attempt.times.to_string().into(),
            attempt.class.into(),
            attempt.code.into(),
            attempt.detail.into(),
            attempt.worker.unwrap_or_default().into(),
        ]);
    }
    table.drawn("No attempts that failed or were put off.")
}
