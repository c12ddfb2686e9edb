//! Jobs that nobody knew, and this worker does: out of the ledger, back into their lanes.
//!
//! A worker that meets a job of an unknown kind, or of a payload newer than it knows, sets it aside in the ledger
//! (`held`, by `version`): one write, and no worker looks at it again until one that knows it does. So a backlog of
//! twenty thousand costs nothing while it waits, and a rolling deploy works both ways: whoever knows a job lets it go
//! on, at its start and every few seconds.
//! While old workers are still about they may take such a job again, and set it aside again. A look that finds the jobs
//! it has just let go lets fewer go the next time, so that the two do not play ball with the whole backlog; one that
//! finds others lets more go.
//! Rejected: putting such jobs off for some seconds (each look of each job is a claim and a write, for as long as the
//! deploy takes), and a claim that skips kinds (it would read through a lane of jobs that it may not take, every time).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng as _;
use uuid::Uuid;

use super::Shared;
use crate::ledger::hold::{Place, release_version, unknown_kinds};

/// Looks come this far apart while there is something to find.
const SOON: Duration = Duration::from_secs(1);
/// And this far at most where there is nothing.
const IDLE: Duration = Duration::from_secs(5);
/// Jobs of one statement.
const BATCH: i64 = 1_000;
/// Jobs of one look, at least and at most.
const FEW: i64 = 64;
const MANY: i64 = 50_000;

/// Runs until the worker drains.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut pace = Pace { limit: MANY, last: HashSet::new() };
    let mut pause = SOON;
    let mut place = Place::default();
    loop {
        match look(&shared, pace.limit, &mut place).await {
            Ok(released) if released.is_empty() => pause = (pause * 3 / 2).min(IDLE),
            Ok(released) => {
                tracing::info!(
                    queue = shared.queue,
                    jobs = released.len(),
                    "jobs that wait for a worker like this one go on"
                );
                pause = SOON;
                pace.learn(released);
            }
            Err(error) => tracing::warn!(queue = shared.queue, error, "jobs of new kinds are looked for later"),
        }
        tokio::select! {
            () = shared.draining.cancelled() => return,
            () = tokio::time::sleep(pause.mul_f64(jitter())) => {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "jitter: no result depends on the draw")]
fn jitter() -> f64 {
    rand::rng().random_range(0.75..1.25)
}

/// How many are let go in one look.
struct Pace {
    limit: i64,
    last: HashSet<Uuid>,
}

impl Pace {
    fn learn(&mut self, released: Vec<Uuid>) {
        let again = released.iter().filter(|id| self.last.contains(id)).count();
        self.limit = if again * 2 > released.len() { (self.limit / 2).max(FEW) } else { (self.limit * 2).min(MANY) };
        self.last = released.into_iter().collect();
    }
}

/// Lets go up to `limit` jobs that this worker knows, the tenants in turn from `place` on; answers them.
async fn look(shared: &Shared, limit: i64, place: &mut Place) -> Result<Vec<Uuid>, String> {
    let Some(known) = shared.kinds.get() else { return Ok(Vec::new()) };
    let mut conn = shared.ledger.get().await.map_err(|error| error.to_string())?;
    let unknown = unknown_kinds(&mut conn, &shared.queue).await.map_err(|error| error.to_string())?;
    let mut released = Vec::new();
    for (kind, least) in unknown {
        let Some(newest) = known.get(&kind).filter(|newest| least <= **newest) else { continue };
        loop {
            let room = limit - i64::try_from(released.len()).unwrap_or(i64::MAX);
            let batch = BATCH.min(room);
            if batch <= 0 {
                return Ok(released);
            }
            let as_of = Instant::now();
            let rows = release_version(&mut conn, &shared.queue, &kind, *newest, batch, place)
                .await
                .map_err(|error| error.to_string())?;
            let last = i64::try_from(rows.len()).unwrap_or(i64::MAX) < batch;
            released.extend(rows.iter().map(|row| row.id));
            shared.push_rows(rows, as_of).await;
            if last {
                break;
            }
        }
    }
    Ok(released)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_come_back_slow_the_pace_and_others_quicken_it() {
        let jobs: Vec<Uuid> = (0..1_000).map(Uuid::from_u128).collect();
        let mut pace = Pace { limit: 8_000, last: HashSet::new() };
        pace.learn(jobs.clone());
        assert_eq!(pace.limit, 16_000);
        pace.learn(jobs.clone());
        assert_eq!(pace.limit, 8_000);
        for _ in 0..20 {
            pace.learn(jobs.clone());
        }
        assert_eq!(pace.limit, FEW);
        pace.learn((5_000..5_100).map(Uuid::from_u128).collect());
        assert_eq!(pace.limit, 2 * FEW);
    }
}
