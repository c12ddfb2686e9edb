//! Renewing leases, whatever the jobs do: a busy worker, a full channel and a handler that never yields do not stop it.
//!
//! It also ends the patience with runs that cannot be stopped: one that is still there some time after its limit is
//! given up. Its lease is renewed no more and a crash is counted, by whoever waits for the run here or, where that
//! cannot run either, by the keeper that takes the lease over. And it sees who holds a thread ([`threads`](super::threads)).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Shared;
use super::inflight::{RunId, RunningJob};
use crate::Lanes;
use crate::lanes::Renewed;

/// Runs until every outcome is written.
pub(super) async fn run(shared: Arc<Shared>) {
    // Made here: a connection lives in the runtime that uses it first.
    let lanes = shared.lanes.apart().unwrap_or_else(|_| shared.lanes.clone());
    let period = shared.settings.lease / 3;
    let mut tick = tokio::time::interval(period.min(Duration::from_millis(500)));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut renewed_at = Instant::now();
    loop {
        tokio::select! {
            () = shared.inflight.closed() => return,
            _ = tick.tick() => {}
        }
        for kind in shared.inflight.holding() {
            if shared.holders.seen(kind.clone()) {
                warn(&shared, &kind);
            }
        }
        let given_up = shared.inflight.give_up_hopeless(Instant::now());
        if renewed_at.elapsed() >= period || !given_up.is_empty() {
            renewed_at = Instant::now();
            renew(&shared, &lanes).await;
        }
        for run in given_up {
            say(&shared, &run.job);
            let _gone = run.wait.send(());
        }
    }
}

fn warn(shared: &Shared, kind: &str) {
    tracing::warn!(
        queue = shared.queue,
        kind,
        "a run does not yield and holds its thread: those of its kind get threads of their own for a while"
    );
    metrics::counter!("queue_threads_held_total", "queue" => shared.queue.clone(), "kind" => kind.to_owned())
        .increment(1);
}

fn say(shared: &Shared, run: &RunningJob) {
    tracing::error!(queue = shared.queue, job = %run.id, kind = run.kind, "a run cannot be stopped; it is given up");
    metrics::counter!("queue_runs_given_up_total", "queue" => shared.queue.clone(), "kind" => run.kind.clone())
        .increment(1);
}

async fn renew(shared: &Shared, lanes: &Lanes) {
    let leases = shared.inflight.leases();
    if leases.is_empty() {
        return;
    }
    let safe_until = Instant::now() + shared.settings.lease;
    match lanes.renew(&shared.queue, &shared.settings.worker, &leases, shared.settings.lease).await {
        Ok(answers) => {
            let mut ended = Vec::new();
            for ((id, token, _), answer) in leases.iter().zip(answers) {
                let run = RunId { job: *id, token: *token };
                match answer {
                    // The job may have ended while we asked, and its lease with it: then we have just
                    // raised a dead one. (The acknowledge loop forgets a job before it ends the lease.)
                    // One that has not begun does not: it may be over, and the audit brings it back if it is not.
                    Renewed::Adopted if !shared.inflight.has_begun(run) => {
                        shared.inflight.lost(run);
                        ended.push((*id, *token));
                    }
                    Renewed::Held => shared.inflight.renewed(run, safe_until),
                    Renewed::Adopted => {
                        shared.inflight.renewed(run, safe_until);
                        shared.inflight.adopted(run);
                    }
                    Renewed::CancelRequested => {
                        shared.inflight.renewed(run, safe_until);
                        shared.inflight.request_cancel(run);
                    }
                    // Forgotten meanwhile: it has ended, and its lease with it.
                    Renewed::Lost if shared.inflight.holds(run).is_none() => {}
                    Renewed::Lost => {
                        tracing::warn!(queue = shared.queue, job = %id, "lease lost; the run is stopped");
                        metrics::counter!("queue_leases_lost_total", "queue" => shared.queue.clone()).increment(1);
                        shared.inflight.lost(run);
                    }
                }
            }
            if !ended.is_empty()
                && let Err(error) = lanes.ack(&shared.queue, &ended).await
            {
                tracing::warn!(queue = shared.queue, %error, "leases not ended; they run out");
            }
        }
        Err(error) => {
            tracing::warn!(queue = shared.queue, %error, "leases not renewed");
            // Redis may have done it all the same, for leases that it had forgotten.
            leases.iter().for_each(|(job, token, _)| shared.inflight.adopted(RunId { job: *job, token: *token }));
        }
    }
}
