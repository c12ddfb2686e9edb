//! `queues resume`.

use clap::Args;

use super::{pauses, scope::Scope};
use crate::{client::types::QueueResume, context::Context, failure::Failure, screen::View};

const AFTER: &str = "The scope must be the one that was paused: a resumed queue leaves a tenant's own pause in force.

Examples:
  patchbay-admin queues resume sends
  patchbay-admin queues resume '*' --tenant tnt_01h455vb4pex5vsknk084sn02q";

/// Resumes a queue or a part of it.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Resume {
    #[command(flatten)]
    scope: Scope,
}

impl Resume {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let body = QueueResume {
            lane: self.scope.lane.clone(),
            kind: self.scope.kind.clone(),
            tenant_id: context.tenant.clone(),
            shared: self.scope.shared.then_some(true),
        };
        let call = context.client.queues_resume().queue(&self.scope.queue).body(body);
        let answer = context.answered(call.send().await)?;
        Ok(View::new(answer.json, pauses::table(context, answer.read.pauses)))
    }
}
