//! How many jobs of a scope run: what a drain waits for.
//!
//! Leases say it: nothing runs without one, so nothing that runs is missed. A lease names its tenant and lane; its job's
//! kind stands in the ledger. Rejected: what workers say of themselves, which is seconds old and names a hundred jobs at
//! most.

use patchbay_db::{Db, DbError, DbResult};
use patchbay_queue::Lanes;
use patchbay_queue::lanes::{EVERY_QUEUE, PauseScope};
use patchbay_queue::ledger::view::running_of_kind;
use uuid::Uuid;

use super::names;

/// Leases of one statement.
const CHUNK: usize = 1_000;

/// Jobs of `scope` that run in `queue`, or in every queue; none where Redis or the ledger does not answer.
pub async fn of(db: &Db, queue: &'static str, scope: &PauseScope) -> Option<u64> {
    let queues = if queue == EVERY_QUEUE { names(true) } else { vec![queue] };
    let mut all = 0;
    for queue in queues {
        match in_queue(db, queue, scope).await {
            Ok(running) => all += running,
            Err(error) => {
                tracing::warn!(queue, %error, "running jobs could not be counted");
                return None;
            }
        }
    }
    Some(all)
}

async fn in_queue(db: &Db, queue: &str, scope: &PauseScope) -> DbResult<u64> {
    let lanes = db.dispatcher().lanes();
    match scope {
        PauseScope::Queue => Ok(lanes.queue_stats(queue).await.map_err(away)?.running),
        PauseScope::Tenant(tenant) => Ok(lanes.running_of(queue, *tenant).await.map_err(away)?.values().sum()),
        PauseScope::Lane(lane) if !lane.tenant.is_nil() => {
            let running = lanes.running_of(queue, lane.tenant).await.map_err(away)?;
            Ok(running.into_iter().filter(|(name, _)| is_under(name, &lane.lane)).map(|(_, running)| running).sum())
        }
        PauseScope::Lane(shared) => {
            let leased = lanes.leased(queue).await.map_err(away)?;
            Ok(leased.iter().filter(|(_, lane)| is_under(&lane.lane, &shared.lane)).count() as u64)
        }
        PauseScope::Kind(kind) => of_kind(db, lanes, queue, kind).await,
    }
}

async fn of_kind(db: &Db, lanes: &Lanes, queue: &str, kind: &str) -> DbResult<u64> {
    let leased = lanes.leased(queue).await.map_err(away)?;
    if leased.is_empty() {
        return Ok(0);
    }
    let leased: Vec<(Uuid, Uuid)> = leased.into_iter().map(|(id, lane)| (lane.tenant, id)).collect();
    let mut tx = db.system("a kind is drained in all tenants").await?;
    let mut running = 0;
    for some in leased.chunks(CHUNK) {
        running += running_of_kind(&mut tx, some, kind).await?;
    }
    tx.commit().await?;
    Ok(running)
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
