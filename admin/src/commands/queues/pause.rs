//! `queues pause`.

use chrono::{DateTime, Utc};
use clap::Args;

use super::{pauses, scope::Scope};
use crate::{client::types::QueuePauseCreate, context::Context, failure::Failure, screen::View, when};

const AFTER: &str = "Examples:
  patchbay-admin queues pause sends --reason 'the provider is down' --until 2h
  patchbay-admin queues pause sends --kind messages.send --reason 'a bad release'
  patchbay-admin queues pause '*' --tenant tnt_01h455vb4pex5vsknk084sn02q --reason 'asked by phone'
  patchbay-admin queues pause sends --lane +12025550100 --reason 'the number is being ported'";

/// Pauses a queue or a part of it.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Pause {
    #[command(flatten)]
    pub wanted: Wanted,
}

/// A pause; a drain is one, too.
#[derive(Debug, Args)]
pub struct Wanted {
    #[command(flatten)]
    pub scope: Scope,
    /// Why, for whoever asks why a job waits.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// It resumes by itself then: an instant, or in so long (15m, 2h, 3d).
    #[arg(long, value_name = "TIME", value_parser = when::future)]
    pub until: Option<DateTime<Utc>>,
}

impl Wanted {
    /// For the API.
    pub fn body(&self, context: &Context) -> QueuePauseCreate {
        QueuePauseCreate {
            lane: self.scope.lane.clone(),
            kind: self.scope.kind.clone(),
            tenant_id: context.tenant.clone(),
            shared: self.scope.shared.then_some(true),
            until: self.until,
            reason: self.reason.clone(),
        }
    }
}

impl Pause {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = context.client.queues_pause().queue(&self.wanted.scope.queue).body(self.wanted.body(context));
        let answer = context.answered(call.send().await)?;
        Ok(View::new(answer.json, pauses::table(context, answer.read.pauses)))
    }
}
