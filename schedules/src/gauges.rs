//! The depth of each queue (counted up to a cap) and the age of its oldest job, as the ledger sees them.
//!
//! Redis holds only a window of a backlog, so its counts cannot say how far behind a queue is. Workers scale on the age
//! (`patchbay_queue_oldest_seconds`), because a depth says nothing without a speed. Measured here and not by each
//! worker, because it is one question about the whole installation.

use std::collections::BTreeSet;
use std::time::Duration;

use patchbay_db::{Db, DbResult};
use patchbay_jobs::registry::KINDS;
use patchbay_queue::ledger::depth;
use patchbay_service::Clock;
use tokio_util::sync::CancellationToken;

/// How often it is measured: as often as anybody scrapes.
const EVERY: Duration = Duration::from_secs(10);

/// Measures until `stop`.
pub async fn run(db: Db, clock: impl Clock, stop: CancellationToken) {
    loop {
        if let Err(error) = measure(&db, &clock).await {
            tracing::warn!(%error, "the queues' depths are not measured");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Sets the gauges once.
///
/// # Errors
/// The database's; the gauges stay as they were.
pub async fn measure(db: &Db, clock: &impl Clock) -> DbResult<()> {
    let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.queue).collect();
    let mut tx = db.system("gauges: every queue's depth").await?;
    let found = depth::queues(&mut tx, &names.into_iter().collect::<Vec<_>>(), None).await?;
    tx.commit().await?;
    let now = clock.now();
    for depth in found {
        let age = depth.oldest.map_or(0.0, |oldest| (now - oldest).to_std().unwrap_or_default().as_secs_f64());
        let due = u32::try_from(depth.due).unwrap_or(u32::MAX);
        metrics::gauge!("patchbay_queue_waiting", "queue" => depth.name.clone()).set(due);
        metrics::gauge!("patchbay_queue_oldest_seconds", "queue" => depth.name).set(age);
    }
    Ok(())
}
