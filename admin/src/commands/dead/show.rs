//! `dead show`.

use clap::Args;
use serde_json::Value;

use crate::{
    commands::jobs::attempts_drawn,
    context::Context,
    failure::Failure,
    screen::{Record, View, words},
};

const AFTER: &str = "Examples:
  patchbay-admin dead show job_01h455vb4pex5vsknk084sn02q";

/// Shows a dead letter.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Show {
    /// The job's id.
    id: String,
}

impl Show {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let answer = context.answered(context.client.dead_letters_get().id(&self.id).send().await)?;
        let letter = answer.read;
        let payload = letter.payload.filter(|payload| *payload != Value::Null);
        let record = Record::new()
            .with("job", letter.id)
            .with("kind", letter.kind)
            .with("queue", letter.queue)
            .with_text("lane", &letter.lane)
            .with_some("group", letter.group_id)
            .with_some("subject", letter.subject)
            .with("died of", format!("{} ({})", letter.error.code, letter.error.class))
            .with("detail", letter.error.detail)
            .with("attempts", format!("{} errors, {} crashes", letter.errors, letter.crashes))
            .with("accepted", words::instant(letter.created_at))
            .with("gave up", words::instant(letter.failed_at))
            .with_some("removed", letter.expires_at.map(words::instant))
            .with_some("request", letter.request_id)
            .with_some("payload", payload.map(|payload| words::json(&payload)))
            .drawn();
        let attempts = attempts_drawn(context, letter.attempts.unwrap_or_default());
        Ok(View::new(answer.json, format!("{record}\n\n{attempts}")))
    }
}
