//! Arrivals at a constant rate, whatever becomes of the earlier ones.
//!
//! A loop that waits for each answer slows down with the server and hides its worst moments (coordinated omission).
//! Here arrival `n` is due at `start + n / rate`, and whoever measures, measures from that instant:
//! time spent waiting because the load itself came late counts as latency too. The clock is a thread of its own: tokio's
//! timers are a millisecond coarse, which is half of what the quickest of these figures measure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

/// What came of the arrivals.
pub struct Outcome {
    /// The first few errors.
    pub errors: Vec<String>,
    /// How many failed.
    pub failed: usize,
    /// From the first arrival to the end of the last.
    pub took: Duration,
}

/// Lets `total` arrivals come, `rate` a second; each runs `arrive(n, due)`.
pub async fn run<A, F>(rate: f64, total: usize, arrive: A) -> Outcome
where
    A: Fn(usize, Instant) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let arrive = Arc::new(arrive);
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(
        #[expect(clippy::disallowed_methods, reason = "a thread of its own")]
        move || {
            for n in 0..total {
                let due = start + after(n, rate);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if tell.send((n, due)).is_err() {
                    return;
                }
            }
        },
    );
    while let Some((n, due)) = told.recv().await {
        let arrive = arrive.clone();
        tasks.spawn(async move { arrive(n, due).await });
    }
    let mut outcome = Outcome { errors: Vec::new(), failed: 0, took: Duration::ZERO };
    while let Some(ended) = tasks.join_next().await {
        let error = match ended {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => format!("{error:#}"),
            Err(error) => error.to_string(),
        };
        outcome.failed += 1;
        if outcome.errors.len() < 3 {
            outcome.errors.push(error);
        }
    }
    outcome.took = start.elapsed();
    outcome
}

fn after(n: usize, rate: f64) -> Duration {
    Duration::from_secs_f64(f64::from(u32::try_from(n).unwrap_or(u32::MAX)) / rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn a_slow_answer_delays_no_arrival() {
        let begun: Arc<Mutex<Vec<Duration>>> = Arc::default();
        let seen = begun.clone();
        let outcome = run(100.0, 20, move |n, due| {
            let seen = seen.clone();
            async move {
                seen.lock().unwrap().push(due.elapsed());
                tokio::time::sleep(Duration::from_millis(300)).await;
                anyhow::ensure!(n != 3, "the fourth");
                Ok(())
            }
        })
        .await;
        assert_eq!((outcome.failed, outcome.errors), (1, vec!["the fourth".to_owned()]));
        // All had begun before the first had ended; one after the other would take six seconds.
        assert!(outcome.took < Duration::from_secs(3));
        assert_eq!(begun.lock().unwrap().len(), 20);
    }
}
