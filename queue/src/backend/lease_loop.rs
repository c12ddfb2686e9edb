//! Renewing leases, whatever the jobs do: a busy worker and a full channel do not stop it.

use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;

use super::Shared;
use crate::clock::now;
use crate::lanes::Renewed;
use crate::ledger::crash::mark_running;

/// A run this long is shown as running in lists.
const SHOWN_AFTER: TimeDelta = TimeDelta::seconds(1);

/// Runs until every outcome is written.
pub(super) async fn run(shared: Arc<Shared>) {
    let period = shared.settings.lease / 3;
    let mut tick = tokio::time::interval(period.min(std::time::Duration::from_secs(1)));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut renewed_at = Instant::now();
    loop {
        tokio::select! {
            () = shared.inflight.closed() => return,
            _ = tick.tick() => {}
        }
        mark(&shared).await;
        if renewed_at.elapsed() >= period {
            renewed_at = Instant::now();
            renew(&shared).await;
        }
    }
}

async fn renew(shared: &Shared) {
    let leases = shared.inflight.leases();
    if leases.is_empty() {
        return;
    }
    let safe_until = Instant::now() + shared.settings.lease;
    match shared.lanes.renew(&shared.queue, &shared.settings.worker, &leases, shared.settings.lease).await {
        Ok(answers) => {
            let mut ended = Vec::new();
            for ((id, token, _), answer) in leases.iter().zip(answers) {
                match answer {
                    // The job may have ended while we asked, and its lease with it: then we have just
                    // raised a dead one. (The acknowledge loop forgets a job before it ends the lease.)
                    Renewed::Adopted if shared.inflight.holds(*id, *token).is_none() => ended.push((*id, *token)),
                    Renewed::Adopted => shared.inflight.renewed(*id, safe_until),
                    Renewed::Held => shared.inflight.renewed(*id, safe_until),
                    Renewed::CancelRequested => {
                        shared.inflight.renewed(*id, safe_until);
                        shared.inflight.request_cancel(*id);
                    }
                    Renewed::Lost => {
                        tracing::warn!(queue = shared.queue, job = %id, "lease lost; the run is stopped");
                        metrics::counter!("queue_leases_lost_total", "queue" => shared.queue.clone()).increment(1);
                        shared.inflight.lost(*id);
                    }
                }
            }
            if !ended.is_empty()
                && let Err(error) = shared.lanes.ack(&shared.queue, &ended).await
            {
                tracing::warn!(queue = shared.queue, %error, "leases not ended; they run out");
            }
        }
        Err(error) => tracing::warn!(queue = shared.queue, %error, "leases not renewed"),
    }
}

async fn mark(shared: &Shared) {
    let running = shared.inflight.take_unmarked(now() - SHOWN_AFTER);
    if running.is_empty() {
        return;
    }
    let written = async {
        let mut conn = shared.ledger.get().await.map_err(|error| error.to_string())?;
        mark_running(&mut conn, &shared.settings.worker, &running).await.map_err(|error| error.to_string())
    };
    if let Err(error) = written.await {
        tracing::warn!(queue = shared.queue, %error, "running jobs not marked");
    }
}
