//! Writing outcomes: batches as large as what came while the last ones were written.
//!
//! Two batches are under way at a time, each on a connection of its own: while PostgreSQL makes one durable, the other
//! is computed, and Redis hears of a third. More would only make the batches smaller. Their order does not matter: a
//! job is in one batch only, and a second run of it under another token, which the ledger's fence tells apart.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Shared;
use super::inflight::RunId;
use super::write::write;
use crate::Envelope;
use crate::lanes::{LaneName, Renewed};
use crate::ledger::progress::Progress;
use crate::ledger::settle::{End, Settlement};

/// A run that is over, with what the ledger is to hear.
#[derive(Debug)]
pub(super) struct Ended {
    settlement: Settlement,
    lane: LaneName,
}

impl Ended {
    pub(super) fn new(envelope: &Envelope, started_at: DateTime<Utc>, end: End, progress: Option<Progress>) -> Self {
        let header = &envelope.header;
        let settlement = Settlement {
            tenant: header.tenant,
            id: envelope.id,
            token: envelope.token,
            started_at,
            end,
            progress,
            generation: header.generation,
        };
        Self { settlement, lane: LaneName { tenant: header.tenant, lane: header.lane.clone() } }
    }

    const fn run(&self) -> RunId {
        run_of(&self.settlement)
    }
}

const fn run_of(settlement: &Settlement) -> RunId {
    RunId { job: settlement.id, token: settlement.token }
}

const BATCH: usize = 1_000;
/// Batches under way at a time.
const WRITERS: usize = 2;
/// A second batch is begun beside another only if it is worth a statement.
const WORTH_IT: usize = 200;

/// Runs until `last_call`, and then until everything is written. (The senders live as long as
/// apalis's service does, which is longer than the close that waits for us.)
pub(super) async fn run(shared: Arc<Shared>, mut ended: mpsc::Receiver<Ended>, last_call: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut writing = FuturesUnordered::new();
    let mut over = false;
    while !(over && batch.is_empty() && writing.is_empty()) {
        let worth = writing.is_empty() || batch.len() >= WORTH_IT || over;
        if !batch.is_empty() && worth && writing.len() < WRITERS {
            writing.push(settle_and_ack(&shared, std::mem::replace(&mut batch, Vec::with_capacity(BATCH))));
        }
        let room = BATCH - batch.len();
        tokio::select! {
            biased;
            Some(()) = writing.next(), if !writing.is_empty() => {}
            received = ended.recv_many(&mut batch, room), if !over && room > 0 => over = received == 0,
            () = last_call.cancelled(), if !ended.is_closed() => ended.close(),
            else => {}
        }
    }
}

async fn settle_and_ack(shared: &Shared, batch: Vec<Ended>) {
    let ours = still_ours(shared, batch).await;
    if ours.is_empty() {
        return;
    }
    let as_of = Instant::now();
    let ready = write(shared, &ours).await;
    // Forgotten first: the lease loop must not take an ended lease for one that Redis lost.
    shared.inflight.forget(ours.iter().map(run_of));
    let leases: Vec<(Uuid, i64)> = ours.iter().map(|s| (s.id, s.token)).collect();
    if let Err(error) = shared.lanes.ack(&shared.queue, &leases).await {
        tracing::warn!(queue = shared.queue, %error, "leases not ended; they run out");
    }
    // After the leases: one of these may be a job that has just ended here, and is due again.
    shared.push_rows(ready, as_of).await;
}

/// Drops the ends of runs whose lease was lost. Where time has run past a lease, Redis is asked.
async fn still_ours(shared: &Shared, batch: Vec<Ended>) -> Vec<Settlement> {
    let mut ours = Vec::with_capacity(batch.len());
    let mut doubtful = Vec::new();
    for ended in batch {
        match shared.inflight.holds(ended.run()) {
            Some(true) => ours.push(ended.settlement),
            Some(false) => doubtful.push(ended),
            None => shared.meters.late.increment(1),
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
                    shared.inflight.forget(std::iter::once(ended.run()));
                    shared.meters.late.increment(1);
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
