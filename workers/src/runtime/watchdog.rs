//! Ends a process that has truly stopped working, so that its supervisor starts a new one.
//!
//! Three ways to stop: every thread of the runtime is held by a handler that does not yield (its pulse is gone); claims
//! are not made or outcomes not written although Redis and PostgreSQL answer; a loop panicked. Weather is no reason:
//! for the second the dog bites only where both have answered it all the while.
//! It sits in a thread of its own, with a runtime and connections of its own, and is broken by waiting on anything of
//! the main runtime. It trusts only what it sees itself, look by look: a process that was stopped and goes on (a
//! debugger, a laptop's lid) finds a pulse long gone and is well all the same.

use std::time::{Duration, Instant};

use patchbay_queue::backend::Vitals;

/// What the dog found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A loop of this queue panicked.
    Broken(String, &'static str),
    /// No claim of this queue for so long, although everything it needs answers.
    Stopped(String, Duration),
    /// Outcomes of this queue unwritten for so long, although everything they need answers.
    Unwritten(String, Duration),
    /// The runtime has not had a free thread for so long.
    Stuck(Duration),
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(queue, name) => write!(f, "the {name} of {queue} panicked"),
            Self::Stopped(queue, quiet) => {
                write!(f, "no claim from {queue} for {} s, although Redis and PostgreSQL answer", quiet.as_secs())
            }
            Self::Unwritten(queue, late) => {
                let late = late.as_secs();
                write!(f, "outcomes of {queue} not written for {late} s, although Redis and PostgreSQL answer")
            }
            Self::Stuck(quiet) => {
                write!(f, "every thread of the runtime was held by jobs that do not yield for {} s", quiet.as_secs())
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
    pub async fn watch<F: Future<Output = bool>>(&self, answers: impl Fn() -> F) -> Verdict {
        let (mut suspicious, mut pulse): (Option<Instant>, Pulse) = (None, Pulse::default());
        loop {
            tokio::time::sleep(self.every).await;
            if let Some((queue, name)) = self.queues.iter().find_map(|(queue, v)| Some((queue, v.broken()?))) {
                return Verdict::Broken(queue.clone(), name);
            }
            let without = pulse.looked(self.queues.iter().map(|(_, vitals)| vitals.beats()).sum()) * self.every;
            if without >= self.patience {
                return Verdict::Stuck(without);
            }
            let Some(suspect) = self.suspect() else {
                suspicious = None;
                continue;
            };
            if !answers().await {
                suspicious = None;
                continue;
            }
            let since = *suspicious.get_or_insert_with(Instant::now);
            if since.elapsed() >= self.patience {
                return suspect;
            }
        }
    }

    /// What it would bite for, were the weather known to be fine. Twice the look's period: an idle loop claims every
    /// second, and no short stall is asked about.
    fn suspect(&self) -> Option<Verdict> {
        let worst = |of: fn(&Vitals) -> Duration| {
            let all = self.queues.iter().map(|(queue, vitals)| (queue.clone(), of(vitals)));
            all.max_by_key(|(_, quiet)| *quiet).filter(|(_, quiet)| *quiet > 2 * self.every)
        };
        let claims = worst(Vitals::without_claims).map(|(queue, quiet)| Verdict::Stopped(queue, quiet));
        claims.or_else(|| worst(Vitals::without_outcomes).map(|(queue, late)| Verdict::Unwritten(queue, late)))
    }
}

/// For how many looks there has been no beat.
#[derive(Debug, Default)]
struct Pulse {
    beats: u64,
    silent: u32,
}

impl Pulse {
    fn looked(&mut self, beats: u64) -> u32 {
        self.silent = if beats == self.beats { self.silent + 1 } else { 0 };
        self.beats = beats;
        self.silent
    }
}
