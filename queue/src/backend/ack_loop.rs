//! Writing outcomes: batches as large as what came while the last one was written.

use std::sync::Arc;
use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Shared;
use crate::lanes::{LaneName, Renewed};
use crate::ledger::settle::{Settlement, settle};

/// A run that is over, with what the ledger is to hear.
#[derive(Debug)]
pub(super) struct Ended {
    pub settlement: Settlement,
    pub lane: LaneName,
}

const BATCH: usize = 1_000;

/// Runs until `last_call`, and then until everything is written. (The senders live as long as
/// apalis's service does, which is longer than the close that waits for us.)
pub(super) async fn run(shared: Arc<Shared>, mut ended: mpsc::Receiver<Ended>, last_call: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let received = tokio::select! {
            biased;
            received = ended.recv_many(&mut batch, BATCH) => received,
            () = last_call.cancelled(), if !ended.is_closed() => {
                ended.close();
                continue;
            }
        };
        if received == 0 {
            return;
        }
        let ours = still_ours(&shared, std::mem::take(&mut batch)).await;
        if !ours.is_empty() {
            write(&shared, &ours).await;
            let leases: Vec<(Uuid, i64)> = ours.iter().map(|s| (s.id, s.token)).collect();
            // Forgotten first: the lease loop must not take an ended lease for one that Redis lost.
            for (id, _) in &leases {
                shared.inflight.forget(*id);
            }
            if let Err(error) = shared.lanes.ack(&shared.queue, &leases).await {
                tracing::warn!(queue = shared.queue, %error, "leases not ended; they run out");
            }
        }
        batch = Vec::with_capacity(BATCH);
    }
}

/// Drops the ends of runs whose lease was lost. Where time has run past a lease, Redis is asked.
async fn still_ours(shared: &Shared, batch: Vec<Ended>) -> Vec<Settlement> {
    let mut ours = Vec::with_capacity(batch.len());
    let mut doubtful = Vec::new();
    for ended in batch {
        match shared.inflight.holds(ended.settlement.id, ended.settlement.token) {
            Some(true) => ours.push(ended.settlement),
            Some(false) => doubtful.push(ended),
            None => metrics::counter!("queue_late_outcomes_total", "queue" => shared.queue.clone()).increment(1),
        }
    }
    if doubtful.is_empty() {
        return ours;
    }
    let leases: Vec<_> = doubtful.iter().map(|e| (e.settlement.id, e.settlement.token, e.lane.clone())).collect();
    match shared.lanes.renew(&shared.queue, &shared.settings.worker, &leases, shared.settings.lease).await {
        Ok(answers) => {
            for (ended, answer) in doubtful.into_iter().zip(answers) {
                if answer == Renewed::Lost {
                    shared.inflight.forget(ended.settlement.id);
                } else {
                    ours.push(ended.settlement);
                }
            }
        }
        // Redis is away: nobody else can have claimed the job meanwhile, and the ledger's fence
        // refuses us if somebody has.
        Err(_) => ours.extend(doubtful.into_iter().map(|ended| ended.settlement)),
    }
    ours
}

/// Writes to the ledger, however long PostgreSQL is away: the leases are renewed meanwhile.
async fn write(shared: &Shared, ends: &[Settlement]) {
    let mut weather = ExponentialBackoff {
        initial_interval: Duration::from_millis(50),
        max_interval: Duration::from_secs(2),
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    };
    loop {
        let written = async {
            let mut conn = shared.ledger.get().await.map_err(|error| error.to_string())?;
            settle(&mut conn, &shared.settings.worker, ends).await.map_err(|error| error.to_string())
        };
        match written.await {
            Ok(settled) => {
                if settled.len() < ends.len() {
                    metrics::counter!("queue_late_outcomes_total", "queue" => shared.queue.clone())
                        .increment((ends.len() - settled.len()) as u64);
                }
                return;
            }
            Err(error) => {
                let pause = weather.next_backoff().unwrap_or(Duration::from_secs(2));
                tracing::warn!(queue = shared.queue, outcomes = ends.len(), error, ?pause, "outcomes not written");
                tokio::time::sleep(pause).await;
            }
        }
    }
}
