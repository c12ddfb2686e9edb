//! What whoever decides how many workers there are has to know of a queue. Cheap: asked every few seconds, for ever.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::DbResult;
use patchbay_queue::Lanes;
use patchbay_queue::lanes::Flow;

use super::overview;

/// One queue.
#[derive(Debug, Clone)]
pub struct Load {
    /// Its name.
    pub queue: &'static str,
    /// Due jobs that nobody runs yet; at least so many where the next field says so.
    pub backlog: u64,
    /// Whether more than that wait.
    pub at_least: bool,
    /// Since when the oldest job is due.
    pub oldest: Option<DateTime<Utc>>,
    /// Jobs that run; none where Redis does not answer.
    pub running: Option<u64>,
    /// Jobs that all workers together may run at a time; none where Redis does not answer.
    pub slots: Option<u64>,
    /// How fast jobs come and go, where that is known.
    pub flow: Option<Flow>,
}

/// What the ledger knows; [`dispatched`] adds the rest.
///
/// # Errors
/// The database's.
pub async fn read(conn: &mut AsyncPgConnection, names: &[&'static str]) -> DbResult<Vec<overview::Queue>> {
    overview::due(conn, names, None).await
}

/// Adds what Redis knows. Outside of any transaction.
pub async fn dispatched(lanes: &Lanes, mut queues: Vec<overview::Queue>) -> Vec<Load> {
    overview::running(lanes, &mut queues, None).await;
    let workers = lanes.workers().await;
    if let Err(error) = &workers {
        tracing::warn!(%error, "workers could not be looked up");
    }
    let mut loads = Vec::with_capacity(queues.len());
    for queue in queues {
        let flow = lanes.flow(queue.name).await.unwrap_or_else(|error| {
            tracing::warn!(queue = queue.name, %error, "the flow of a queue could not be read");
            None
        });
        let slots = workers.as_ref().ok().map(|workers| {
            let working = workers.iter().filter(|worker| !worker.draining).flat_map(|worker| &worker.queues);
            working.filter(|served| served.queue == queue.name).map(|served| served.concurrency as u64).sum()
        });
        loads.push(Load {
            queue: queue.name,
            backlog: queue.waiting,
            at_least: queue.at_least,
            oldest: queue.oldest,
            running: queue.running,
            slots,
            flow,
        });
    }
    loads
}
