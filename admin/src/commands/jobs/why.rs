//! `jobs why`: what a job waits for, in a sentence.

use clap::Args;
use serde_json::json;

use crate::{
    client::types::{Job, JobWaiting},
    context::Context,
    failure::Failure,
    screen::{View, words},
};

const AFTER: &str = "With --json, the part `waiting` of the job, which is null where it does not wait.

Examples:
  patchbay-admin jobs why job_01h455vb4pex5vsknk084sn02q
  patchbay-admin jobs why job_01h455vb4pex5vsknk084sn02q --watch";

/// Says why a job does not run now.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Why {
    /// Its id.
    id: String,
}

impl Why {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let answer = super::get(context, &self.id).await?;
        let Job { id, status, waiting, .. } = &answer.read;
        let json = json!({ "id": id, "status": status, "waiting": answer.json["waiting"] });
        let text = match waiting {
            Some(waiting) => format!("{status}: {}", told(waiting)),
            None => format!("{status}: it does not wait{}", since(&answer.read)),
        };
        Ok(View::new(json, text))
    }
}

fn since(job: &Job) -> String {
    let (word, at) = match (job.finished_at, job.started_at) {
        (Some(at), _) => ("ended", at),
        (None, Some(at)) => ("started", at),
        (None, None) => return String::new(),
    };
    format!("; it {word} {}", words::instant(at))
}

/// What it waits for.
pub fn told(waiting: &JobWaiting) -> String {
    let mut text = format!("{} ({})", waiting.detail.trim_end_matches('.'), waiting.reason);
    if let Some(until) = waiting.until {
        text.push_str(&format!(", until {}", words::instant(until)));
    }
    if let Some(position) = waiting.position {
        text.push_str(&format!(", {} before it", words::count(position)));
    }
    text
}
