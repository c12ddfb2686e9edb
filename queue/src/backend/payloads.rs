//! Payloads too large to travel through Redis, read from the ledger once their jobs are claimed.
//!
//! A few at a time, because each may have a mebibyte. Their leases are renewed meanwhile like those of any job. How to
//! break it: run a job whose row is over by now, or the payload of one generation under the number of another (its end
//! would be written for a payload that did not run).

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;

use super::inflight::RunId;
use super::{Shared, give_back};
use crate::Envelope;
use crate::ledger::payload::payloads;

/// Payloads in one answer.
pub(super) const AT_ONCE: usize = 16;
/// Where the ledger is away, its jobs are not asked for again before this.
const PAUSE: Duration = Duration::from_millis(500);

/// Those of `jobs` that can run, whole. What is over by now ends here; where the ledger does not answer, all go back.
pub(super) async fn fetched(shared: &Shared, jobs: Vec<Envelope>) -> Vec<Envelope> {
    let ids: Vec<_> = jobs.iter().map(|job| (job.header.tenant, job.id)).collect();
    let read = async {
        let mut conn = shared.ledger.get().await.map_err(|error| error.to_string())?;
        payloads(&mut conn, &ids).await.map_err(|error| error.to_string())
    };
    let mut found: HashMap<_, _> = match read.await {
        Ok(rows) => rows.into_iter().map(|row| (row.id, row)).collect(),
        Err(error) => {
            tracing::warn!(queue = shared.queue, jobs = jobs.len(), %error, "payloads not read; their jobs are given back");
            give_back(shared, &jobs).await;
            tokio::time::sleep(PAUSE).await;
            return Vec::new();
        }
    };
    let (mut whole, mut over) = (Vec::with_capacity(jobs.len()), Vec::new());
    for mut job in jobs {
        if let Some(row) = found.remove(&job.id) {
            job.payload = Bytes::from(row.payload);
            job.header.generation = row.generation;
            job.header.left_behind = false;
            whole.push(job);
        } else {
            over.push(job);
        }
    }
    shared.inflight.forget(over.iter().map(RunId::of));
    let leases: Vec<_> = over.iter().map(|job| (job.id, job.token)).collect();
    if !leases.is_empty()
        && let Err(error) = shared.lanes.ack(&shared.queue, &leases).await
    {
        tracing::debug!(queue = shared.queue, %error, "leases of jobs that are over run out");
    }
    whole
}
