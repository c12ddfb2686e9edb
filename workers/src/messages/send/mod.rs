//! `messages.send`: claim, commit, send, record.
//!
//! Three commits could be enough for a message, and a thousand single-message jobs a second are not three thousand
//! transactions: claims and records of jobs that run at the same time share transactions
//! ([`GroupCommit`](patchbay_queue::group_commit)). A crash between claim and record leaves a message in `sending`; the
//! next run asks the provider about it (`uncertain.rs`) before anything is sent again. What a zombie may still do is
//! bounded by `Settings::fresh`: a send does not begin later than that after its claim, so that a look-up that waits
//! for it and for the provider can be believed.

mod batch;
mod claims;
mod deliver;
mod fate;
mod pulse;
mod records;
mod single;
mod uncertain;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::{Handler, JobContext, JobError, Outcome};
use tokio::sync::Semaphore;

use super::Messaging;
use claims::Claims;
use pulse::Pulse;
use records::Records;

/// Sends the messages of a job.
#[derive(Debug)]
pub struct SendHandler {
    messaging: Messaging,
    claims: Claims,
    records: Records,
    /// Requests to providers that may be under way.
    permits: Arc<Semaphore>,
    /// What the breakers of provider accounts are told.
    pulse: Pulse,
    /// From so long after a claim on nothing of it can be on its way.
    settle: Duration,
}

impl SendHandler {
    /// A handler with its own writers: one a process.
    #[must_use]
    pub fn new(messaging: Messaging) -> Self {
        let slowest = messaging.providers.iter().map(|provider| provider.settle_time()).max().unwrap_or_default();
        let settle = messaging.settings.fresh + slowest;
        Self {
            claims: Claims::new(&messaging, settle),
            records: Records::new(&messaging),
            permits: Arc::new(Semaphore::new(messaging.settings.sends_at_once)),
            pulse: Pulse::new(&messaging.db),
            settle,
            messaging,
        }
    }
}

#[async_trait]
impl Handler<SendMessages> for SendHandler {
    async fn run(&self, job: SendMessages, ctx: &JobContext) -> Result<Outcome, JobError> {
        if job.messages > 1 { self.run_batch(job.messages, ctx).await } else { self.run_single(ctx).await }
    }
}
