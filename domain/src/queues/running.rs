//! How many jobs of a scope run: what a drain waits for.

use patchbay_db::{DbError, DbResult};
use patchbay_queue::Lanes;
use patchbay_queue::lanes::{EVERY_QUEUE, PauseScope, WorkerJob};

use super::names;

/// Jobs of `scope` that run in `queue`, or in every queue; none where Redis does not answer.
pub async fn of(lanes: &Lanes, queue: &'static str, scope: &PauseScope) -> Option<u64> {
    let queues = if queue == EVERY_QUEUE { names(true) } else { vec![queue] };
    let mut all = 0;
    for queue in queues {
        match in_queue(lanes, queue, scope).await {
            Ok(running) => all += running,
            Err(error) => {
                tracing::warn!(queue, %error, "running jobs could not be counted");
                return None;
            }
        }
    }
    Some(all)
}

async fn in_queue(lanes: &Lanes, queue: &str, scope: &PauseScope) -> DbResult<u64> {
    match scope {
        PauseScope::Queue => Ok(lanes.queue_stats(queue).await.map_err(away)?.running),
        PauseScope::Tenant(tenant) => Ok(lanes.running_of(queue, *tenant).await.map_err(away)?.values().sum()),
        PauseScope::Lane(lane) if !lane.tenant.is_nil() => {
            let running = lanes.running_of(queue, lane.tenant).await.map_err(away)?;
            Ok(running.into_iter().filter(|(name, _)| is_under(name, &lane.lane)).map(|(_, running)| running).sum())
        }
        PauseScope::Lane(lane) => by_worker(lanes, queue, |job| is_under(&job.lane, &lane.lane)).await,
        PauseScope::Kind(kind) => by_worker(lanes, queue, |job| job.kind == *kind).await,
    }
}

/// As the workers tell it: the lanes know neither kinds nor everybody's prefixes.
async fn by_worker(lanes: &Lanes, queue: &str, counts: impl Fn(&WorkerJob) -> bool) -> DbResult<u64> {
    let workers = lanes.workers().await.map_err(away)?;
    let served = workers.iter().flat_map(|worker| &worker.queues).filter(|served| served.queue == queue);
    Ok(served.flat_map(|served| &served.jobs).filter(|job| counts(job)).count() as u64)
}

pub(super) fn away(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DbError {
    DbError::Unavailable(error.into())
}

/// Whether `lane` is the key `prefix` or a path under it.
#[must_use]
pub fn is_under(lane: &str, prefix: &str) -> bool {
    lane.strip_prefix(prefix)
        .is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with(patchbay_queue::lanes::SEPARATOR))
}

#[cfg(test)]
mod tests {
    use super::is_under;

    #[test]
    fn a_key_covers_its_path_and_no_other_that_begins_like_it() {
        assert!(is_under("a~b", "a") && is_under("a", "a") && is_under("a~b", "") && is_under("a~b", "a~b"));
        assert!(!is_under("ab", "a") && !is_under("a", "a~b") && !is_under("", "a"));
    }
}
