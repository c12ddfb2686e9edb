//! After the commit: handing jobs to their lanes.
//!
//! The caller does not wait: its job is accepted already. One task per process gathers what many
//! callers hand in and pushes it in few calls. Where the channel is full (somebody enqueues faster than Redis takes it),
//! jobs are left in the ledger on purpose, and their lanes marked as having more there: a refill brings them, and nothing
//! that comes later overtakes them. Where Redis is away, nobody can be told: the audit finds them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc::{self, error::TrySendError};

use crate::lanes::{LaneName, Window};
use crate::ledger::{Changed, JobRow};
use crate::{Envelope, Lanes, NewJob};

/// A handle that pushes accepted jobs; cheap to clone.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    lanes: Lanes,
    sender: mpsc::Sender<Handed>,
    left: Left,
}

/// The lanes, by queue, of which something was left in the ledger and that are not marked yet.
#[derive(Debug, Clone, Default)]
struct Left(Arc<Mutex<HashMap<String, HashSet<LaneName>>>>);

impl Left {
    fn note(&self, queue: String, lanes: impl IntoIterator<Item = LaneName>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = all.entry(queue).or_default();
        lanes.into_iter().take(LANES.saturating_sub(noted.len())).for_each(|lane| {
            noted.insert(lane);
        });
    }

    fn take(&self) -> HashMap<String, HashSet<LaneName>> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What somebody handed in, who knew the ledger as of then.
#[derive(Debug)]
struct Handed {
    queue: String,
    errand: Errand,
    as_of: Instant,
}

/// What is to be done about a job.
#[derive(Debug)]
enum Errand {
    /// It goes to its lane.
    Push(Envelope),
    /// Redis may hold it as it was: that goes, and if it is due it comes as it is.
    Refresh { job: Envelope, due: bool },
}

impl Errand {
    fn lane(self) -> LaneName {
        let (Self::Push(job) | Self::Refresh { job, .. }) = self;
        LaneName { tenant: job.header.tenant, lane: job.header.lane }
    }
}

/// Pushes in flight from one process before further ones are left in the ledger.
const BACKLOG: usize = 20_000;
/// Lanes of a queue that are noted; what is left of others is found by the audit.
const LANES: usize = 10_000;

impl Dispatcher {
    /// Starts the pushing task in the current runtime; it ends with the last handle.
    #[must_use]
    pub fn start(lanes: Lanes, window: Window) -> Self {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let left = Left::default();
        tokio::spawn(push_all(lanes.clone(), window, receiver, left.clone()));
        Self { lanes, sender, left }
    }

    /// The lanes it pushes to.
    #[must_use]
    pub const fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Hands over committed jobs that are due, `as_of` before their commit. Never waits, never fails.
    pub fn push(&self, jobs: &[NewJob], as_of: Instant) {
        for job in jobs {
            self.hand_over(job.queue.clone(), Errand::Push(Envelope::from(job).light()), as_of);
        }
    }

    /// As [`push`](Self::push), for jobs that were in the ledger before: redriven ones.
    pub fn push_rows(&self, jobs: Vec<JobRow>, as_of: Instant) {
        for job in jobs {
            self.hand_over(job.queue.clone(), Errand::Push(Envelope::from(job)), as_of);
        }
    }

    /// Brings living jobs that were changed in the ledger up to date in Redis. Where that is dropped, a worker runs one
    /// as it was, which its end does not count for: it runs again as it is.
    pub fn refresh(&self, jobs: Vec<Changed>, as_of: Instant) {
        for Changed { job, due } in jobs {
            self.hand_over(job.queue.clone(), Errand::Refresh { job: Envelope::from(job), due }, as_of);
        }
    }

    fn hand_over(&self, queue: String, errand: Errand, as_of: Instant) {
        if let Err(TrySendError::Full(handed) | TrySendError::Closed(handed)) =
            self.sender.try_send(Handed { queue, errand, as_of })
        {
            metrics::counter!("queue_push_dropped_total", "queue" => handed.queue.clone()).increment(1);
            self.left.note(handed.queue, [handed.errand.lane()]);
        }
    }
}

async fn push_all(lanes: Lanes, window: Window, mut receiver: mpsc::Receiver<Handed>, left: Left) {
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, 1_000).await > 0 {
        // Before what was handed over later.
        for (queue, noted) in left.take() {
            let noted: Vec<LaneName> = noted.into_iter().collect();
            if let Err(error) = lanes.mark_full(&queue, &noted).await {
                tracing::warn!(queue, %error, "lanes not marked yet; the audit may find their jobs sooner");
                left.note(queue, noted);
            }
        }
        let mut by_queue: HashMap<String, (Instant, Vec<Errand>)> = HashMap::new();
        for Handed { queue, errand, as_of } in batch.drain(..) {
            // Of a batch the first: what waited here for long is refused, and read again by a refill.
            let (since, errands) = by_queue.entry(queue).or_insert((as_of, Vec::new()));
            *since = as_of.min(*since);
            errands.push(errand);
        }
        for (queue, (as_of, errands)) in by_queue {
            let count = errands.len();
            if let Err(error) = run(&lanes, window, &queue, errands, as_of).await {
                tracing::warn!(queue, jobs = count, %error, "push failed; the audit will find these jobs");
                metrics::counter!("queue_push_dropped_total", "queue" => queue).increment(count as u64);
            }
        }
    }
}

/// Does a queue's errands in their order: a job may be pushed and, right after, be changed.
async fn run(
    lanes: &Lanes,
    window: Window,
    queue: &str,
    errands: Vec<Errand>,
    as_of: Instant,
) -> redis::RedisResult<()> {
    let mut jobs = Vec::with_capacity(errands.len());
    for errand in errands {
        match errand {
            Errand::Push(job) => jobs.push(job),
            Errand::Refresh { job, due } => {
                lanes.push(queue, &jobs, window, as_of).await?;
                jobs.clear();
                let lane = LaneName { tenant: job.header.tenant, lane: job.header.lane.clone() };
                let running = lanes.withdraw(queue, &[(job.id, lane)]).await?.contains(&true);
                if due && !running {
                    jobs.push(job);
                }
            }
        }
    }
    lanes.push(queue, &jobs, window, as_of).await.map(drop)
}
