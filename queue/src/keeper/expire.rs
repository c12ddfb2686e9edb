//! Jobs whose worker vanished go back to their lanes, a crash counted.

use std::collections::HashMap;
use std::time::Duration;

use super::{Keeper, KeeperError, LedgerConn};
use crate::Envelope;
use crate::ledger::crash::{Lost, crash};

const BATCH: usize = 100;
/// How long a keeper that vanishes in the middle keeps what it took.
const GRACE: Duration = Duration::from_secs(10);

impl Keeper {
    /// Takes back the leases that ran out.
    pub(super) async fn expire(&self, conn: &mut LedgerConn, queue: &str) -> Result<(), KeeperError> {
        loop {
            let expired = self.lanes.expire(queue, BATCH, GRACE, &self.settings.name).await?;
            if expired.is_empty() {
                return Ok(());
            }
            tracing::warn!(queue, jobs = expired.len(), "leases ran out; their jobs are taken back");
            metrics::counter!("queue_leases_expired_total", "queue" => queue.to_owned())
                .increment(expired.len() as u64);
            let lost: Vec<Lost> = expired
                .iter()
                .map(|e| Lost {
                    tenant: e.tenant,
                    id: e.id,
                    token: e.token,
                    before: e.before,
                    worker: e.worker.clone(),
                })
                .collect();
            let tokens: HashMap<_, _> = expired.iter().map(|e| (e.id, e.token)).collect();
            let again: Vec<Envelope> = crash(conn, &lost)
                .await?
                .into_iter()
                .map(Envelope::from)
                .map(|envelope| Envelope { token: tokens.get(&envelope.id).copied().unwrap_or(0), ..envelope })
                .collect();
            self.lanes.release(queue, &again).await?;
            // The others ended before their worker did, or are poison.
            let ended: Vec<_> =
                tokens.into_iter().filter(|(id, _)| !again.iter().any(|envelope| envelope.id == *id)).collect();
            self.lanes.ack(queue, &ended).await?;
        }
    }
}
