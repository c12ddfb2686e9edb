//! Marking what has been running for a while, for lists and people, asking what became of jobs whose leases Redis had
//! forgotten, and letting others in beside who has been alone for long.
//!
//! Not the lease loop's work: this waits for the ledger, whose connections live in the handlers' runtime.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::Shared;
use super::company::let_others_in;
use super::inflight::RunId;
use crate::ledger::cancel::{Asked, ask};
use crate::ledger::crash::mark_running;

/// A run this long is shown as running in lists.
const SHOWN_AFTER: TimeDelta = TimeDelta::seconds(1);

/// Runs until the backend has closed.
pub(super) async fn run(shared: Arc<Shared>) {
    // Given up where the backend closes: nobody may wait for a mark. One apart from the other: who is alone must not be for
    // longer because the ledger is slow to take a mark.
    tokio::select! {
        () = shared.inflight.closed() => {}
        () = async { tokio::join!(each_second(|| mark(&shared)), each_second(|| recall(&shared)),
            each_second(|| let_others_in(&shared))); } => {}
    }
}

async fn each_second<F: Future<Output = ()>>(work: impl Fn() -> F) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        work().await;
    }
}

/// Redis forgot the leases of these while they ran, or may have: what it knew of wishes to cancel them is in the ledger, and
/// so is whether somebody else has ended their jobs meanwhile.
async fn recall(shared: &Shared) {
    let adopted = shared.inflight.take_adopted();
    if adopted.is_empty() {
        return;
    }
    let runs: Vec<_> = adopted.iter().map(|(run, tenant)| (*tenant, run.job, run.token)).collect();
    let asked = async {
        let mut conn = shared.ledger.get().await.map_err(|error| error.to_string())?;
        ask(&mut conn, &runs).await.map_err(|error| error.to_string())
    };
    match asked.await {
        Ok(asked) => {
            for Asked { id, token, cancelled, over } in asked {
                let run = RunId { job: id, token };
                if over {
                    shared.inflight.lost(run);
                } else if cancelled {
                    shared.inflight.request_cancel(run);
                }
            }
        }
        Err(error) => {
            tracing::warn!(queue = shared.queue, %error, "what became of running jobs is asked for again");
            adopted.iter().for_each(|(run, _)| shared.inflight.adopted(*run));
        }
    }
}

async fn mark(shared: &Shared) {
    let running = shared.inflight.take_unmarked(shared.settings.clock.now() - SHOWN_AFTER);
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
