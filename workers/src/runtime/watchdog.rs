//! Ends a process whose claims have truly stopped, so that its supervisor starts a new one.
//!
//! Weather is no reason: the dog bites only where Redis and PostgreSQL have both answered it all the while. It sits in
//! a thread of its own, with a runtime and connections of its own, because the commonest way for claims to stop is a
//! runtime that some handler blocks: a task there would be as stuck as what it watches.
//! It is broken by waiting on anything of the main runtime.

use std::time::{Duration, Instant};

use patchbay_queue::backend::Vitals;

/// What the dog found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A loop of this queue panicked.
    Broken(String, &'static str),
    /// No claim of this queue for so long, although everything it needs answers.
    Stopped(String, Duration),
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(queue, name) => write!(f, "the {name} of {queue} panicked"),
            Self::Stopped(queue, quiet) => {
                write!(f, "no claim from {queue} for {} s, although Redis and PostgreSQL answer", quiet.as_secs())
            }
        }
    }
}

/// The watchdog of a process.
#[derive(Debug, Clone)]
pub struct Dog {
    /// The queues it watches.
    pub queues: Vec<(String, Vitals)>,
    /// How long claims may be away while everything answers.
    pub patience: Duration,
    /// How often it looks.
    pub every: Duration,
}

impl Dog {
    /// A dog with a minute's patience.
    #[must_use]
    pub const fn new(queues: Vec<(String, Vitals)>) -> Self {
        Self { queues, patience: Duration::from_secs(60), every: Duration::from_secs(5) }
    }

    /// Watches until there is something to bite for. `answers` tells whether Redis and PostgreSQL both answer.
    pub async fn watch(&self, answers: impl AsyncFn() -> bool) -> Verdict {
        let mut suspicious: Option<Instant> = None;
        loop {
            tokio::time::sleep(self.every).await;
            if let Some((queue, name)) = self.queues.iter().find_map(|(queue, v)| Some((queue, v.broken()?))) {
                return Verdict::Broken(queue.clone(), name);
            }
            // Twice the look's period: an idle loop claims every second, and no short stall is asked about.
            let worst = self.queues.iter().max_by_key(|(_, vitals)| vitals.without_claims());
            let Some((queue, vitals)) = worst.filter(|(_, vitals)| vitals.without_claims() > 2 * self.every) else {
                suspicious = None;
                continue;
            };
            if !answers().await {
                suspicious = None;
                continue;
            }
            let since = *suspicious.get_or_insert_with(Instant::now);
            if since.elapsed() >= self.patience {
                return Verdict::Stopped(queue.clone(), vitals.without_claims());
            }
        }
    }
}
