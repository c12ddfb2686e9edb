//! After the commit: handing jobs to their lanes.
//!
//! The caller does not wait: its job is accepted already. One task per process gathers what many
//! callers hand in and pushes it in few calls. Where Redis is away or the channel is full, the push is
//! dropped on purpose: the row is `waiting` in the ledger, and the audit finds it.

use std::collections::HashMap;

use tokio::sync::mpsc::{self, error::TrySendError};

use crate::lanes::Window;
use crate::ledger::JobRow;
use crate::{Envelope, Lanes, NewJob};

/// A handle that pushes accepted jobs; cheap to clone.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    lanes: Lanes,
    sender: mpsc::Sender<(String, Envelope)>,
}

/// Pushes in flight from one process before further ones are left to the audit.
const BACKLOG: usize = 20_000;

impl Dispatcher {
    /// Starts the pushing task in the current runtime; it ends with the last handle.
    #[must_use]
    pub fn start(lanes: Lanes, window: Window) -> Self {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        tokio::spawn(push_all(lanes.clone(), window, receiver));
        Self { lanes, sender }
    }

    /// The lanes it pushes to.
    #[must_use]
    pub const fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Hands over committed jobs that are due. Never waits, never fails.
    pub fn push(&self, jobs: &[NewJob]) {
        for job in jobs {
            self.hand_over(job.queue.clone(), Envelope::from(job));
        }
    }

    /// As [`push`](Self::push), for jobs that were in the ledger before: redriven ones.
    pub fn push_rows(&self, jobs: Vec<JobRow>) {
        for job in jobs {
            self.hand_over(job.queue.clone(), Envelope::from(job));
        }
    }

    fn hand_over(&self, queue: String, job: Envelope) {
        if let Err(TrySendError::Full((queue, _)) | TrySendError::Closed((queue, _))) =
            self.sender.try_send((queue, job))
        {
            metrics::counter!("queue_push_dropped_total", "queue" => queue).increment(1);
        }
    }
}

async fn push_all(lanes: Lanes, window: Window, mut receiver: mpsc::Receiver<(String, Envelope)>) {
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, 1_000).await > 0 {
        let mut by_queue: HashMap<String, Vec<Envelope>> = HashMap::new();
        for (queue, envelope) in batch.drain(..) {
            by_queue.entry(queue).or_default().push(envelope);
        }
        for (queue, jobs) in by_queue {
            if let Err(error) = lanes.push(&queue, &jobs, window, false).await {
                tracing::warn!(queue, jobs = jobs.len(), %error, "push failed; the audit will find these jobs");
                metrics::counter!("queue_push_dropped_total", "queue" => queue).increment(jobs.len() as u64);
            }
        }
    }
}
