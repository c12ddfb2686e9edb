//! How much is set aside, as gauges: no backlog has what a pause holds that somebody forgot, or what waits for a version
//! that nobody deploys.

use super::{KeeperError, LedgerConn};
use crate::ledger::aside;

/// Sets the gauges of `queues`; one look for all of them.
pub(super) async fn publish(conn: &mut LedgerConn, queues: &[String]) -> Result<(), KeeperError> {
    let names: Vec<&str> = queues.iter().map(String::as_str).collect();
    let found =
        diesel_async::AsyncConnection::transaction(&mut **conn, async |conn| aside::queues(conn, &names, None).await)
            .await?;
    for queue in found {
        set(&queue.queue, [queue.scheduled, queue.held, queue.dead].map(|count| count.jobs));
    }
    Ok(())
}

/// Takes the gauges of a queue back to zero.
pub(super) fn withdraw(queue: &str) {
    set(queue, [0; 3]);
}

fn set(queue: &str, values: [u64; 3]) {
    let [scheduled, held, dead] = values.map(|value| u32::try_from(value).unwrap_or(u32::MAX));
    let labels = [("queue", queue.to_owned())];
    metrics::gauge!("queue_scheduled", &labels).set(scheduled);
    metrics::gauge!("queue_held", &labels).set(held);
    metrics::gauge!("queue_dead", &labels).set(dead);
}
