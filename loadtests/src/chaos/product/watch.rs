//! What the simulator had taken when: asked again and again, by a clock that starts with the load.
//!
//! Only what is taken from then on counts. What came before (schedules tick as soon as they are made) was of no pace that the
//! load has, and would be noted as if all of it had come in the first instant.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinHandle;

use crate::simulated::Simulated;

/// How often the simulator is asked how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// Watching under way; ends when dropped.
pub struct Watch {
    start: Instant,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Begins now.
    ///
    /// # Errors
    /// When the simulator does not say how far it is.
    pub async fn begin(providers: Arc<Vec<Simulated>>) -> Result<Self> {
        let mut before = 0;
        for provider in providers.iter() {
            before += provider.count("accepted").await?;
        }
        let (start, seen) = (Instant::now(), Arc::new(Mutex::new(Seen { before, done: Vec::new() })));
        let task = tokio::spawn(watch(providers, start, seen.clone()));
        Ok(Self { start, seen, task })
    }

    /// Its clock.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// When each was noted, in order.
    pub fn done(&self) -> Vec<Duration> {
        self.seen.lock().expect("no holder of this lock can panic").done.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(providers: Arc<Vec<Simulated>>, start: Instant, seen: Arc<Mutex<Seen>>) {
    loop {
        let mut taken = 0;
        for provider in providers.iter() {
            taken += provider.count("accepted").await.unwrap_or(0);
        }
        let now = start.elapsed();
        seen.lock().expect("no holder of this lock can panic").note(taken, now);
        tokio::time::sleep(LOOK).await;
    }
}

/// What was taken when.
#[derive(Debug)]
struct Seen {
    /// So many had been taken when it began.
    before: u64,
    done: Vec<Duration>,
}

impl Seen {
    /// So many were taken in all by `now`.
    fn note(&mut self, taken: u64, now: Duration) {
        let so_far = usize::try_from(taken.saturating_sub(self.before)).unwrap_or(usize::MAX).max(self.done.len());
        self.done.resize(so_far, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_before_is_no_part_of_the_pace_and_the_rest_is_in_order() {
        let at = Duration::from_secs;
        let mut seen = Seen { before: 5, done: Vec::new() };
        for (taken, now) in [(5, 0), (7, 1), (0, 2), (8, 3)] {
            seen.note(taken, at(now));
        }
        assert_eq!(seen.done, [at(1), at(1), at(3)]);
    }
}
