//! Claiming: as many jobs as there are free slots, as soon as there are any.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::vitals::Turn;
use super::{Shared, give_back};
use crate::Envelope;
use crate::clock::now;
use crate::lanes::{Bell, Claimed};

/// Without a bell, how long an idle worker waits before it looks anyway.
const IDLE: Duration = Duration::from_secs(1);

/// Runs until the worker drains.
pub(super) async fn run(shared: Arc<Shared>, jobs: mpsc::Sender<Envelope>) {
    claim(&shared, &jobs).await;
    shared.vitals.turn(Turn::Over);
}

async fn claim(shared: &Arc<Shared>, jobs: &mpsc::Sender<Envelope>) {
    let mut weather = weather();
    let mut bell: Option<Bell> = None;
    loop {
        // The first free slot is waited for, the others are taken as they are.
        let Some(first) = free_slot(shared).await else { return };
        let free = shared.inflight.slots().available_permits();
        let asked = Instant::now();
        let claimed = shared.lanes.claim(&shared.queue, free + 1, shared.settings.lease, &shared.settings.worker).await;
        let claimed = match claimed {
            Ok(claimed) => {
                weather.reset();
                shared.vitals.claimed();
                metrics::gauge!("queue_last_claim_seconds", "queue" => shared.queue.clone()).set(unix_seconds(now()));
                claimed
            }
            Err(error) => {
                drop(first);
                let pause = weather.next_backoff().unwrap_or(IDLE);
                tracing::warn!(queue = shared.queue, %error, ?pause, "claim failed");
                sleep(shared, pause).await;
                continue;
            }
        };
        let idle_for = claimed.jobs.is_empty().then(|| claimed.next.unwrap_or(IDLE).min(IDLE));
        if !hand_out(shared, jobs, claimed, asked, first).await {
            return;
        }
        if let Some(at_most) = idle_for.filter(|wait| !wait.is_zero()) {
            bell = wait_for_bell(shared, bell, at_most).await;
        }
    }
}

/// None once the worker drains.
async fn free_slot(shared: &Shared) -> Option<OwnedSemaphorePermit> {
    let slots = shared.inflight.slots().clone();
    if let Ok(slot) = slots.clone().try_acquire_owned() {
        return (!shared.draining.is_cancelled()).then_some(slot);
    }
    shared.vitals.turn(Turn::Full);
    let slot = tokio::select! {
        () = shared.draining.cancelled() => return None,
        slot = slots.acquire_owned() => slot.expect("the semaphore is never closed"),
    };
    shared.vitals.turn(Turn::Claiming);
    Some(slot)
}

fn weather() -> ExponentialBackoff {
    ExponentialBackoff {
        initial_interval: Duration::from_millis(50),
        max_interval: Duration::from_secs(2),
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    }
}

/// `false`: nobody takes jobs any more.
async fn hand_out(
    shared: &Arc<Shared>,
    jobs: &mpsc::Sender<Envelope>,
    claimed: Claimed,
    asked: Instant,
    first: OwnedSemaphorePermit,
) -> bool {
    let safe_until = asked + shared.settings.lease;
    let mut first = Some(first);
    let started = now();
    if !claimed.garbled.is_empty() {
        // Left under their leases: when these run out, repair reads the jobs from the ledger.
        tracing::error!(queue = shared.queue, jobs = claimed.garbled.len(), "values in Redis are no envelopes");
    }
    let mut claimed = claimed.jobs.into_iter();
    while let Some(envelope) = claimed.next() {
        let slot = match first.take() {
            Some(slot) => slot,
            None => shared.inflight.slots().clone().acquire_owned().await.expect("the semaphore is never closed"),
        };
        let waited = started.timestamp_millis() - crate::envelope::made_at_ms(envelope.id);
        metrics::histogram!("queue_wait_seconds", "queue" => shared.queue.clone())
            .record(Duration::from_millis(u64::try_from(waited).unwrap_or(0)).as_secs_f64());
        shared.inflight.begin(&envelope, safe_until, started, slot);
        if let Err(refused) = jobs.send(envelope).await {
            let unbegun: Vec<Envelope> = std::iter::once(refused.0).chain(claimed).collect();
            give_back(shared, &unbegun).await;
            return false;
        }
    }
    true
}

async fn wait_for_bell(shared: &Shared, bell: Option<Bell>, at_most: Duration) -> Option<Bell> {
    let mut bell = match bell {
        Some(bell) => bell,
        None => match shared.lanes.bell().await {
            Ok(bell) => bell,
            Err(_) => {
                sleep(shared, at_most.min(Duration::from_millis(100))).await;
                return None;
            }
        },
    };
    let key = shared.lanes.bell_key(&shared.queue);
    tokio::select! {
        () = shared.draining.cancelled() => None,
        rung = bell.wait(&key, at_most) => rung.is_ok().then_some(bell),
    }
}

async fn sleep(shared: &Shared, pause: Duration) {
    tokio::select! {
        () = shared.draining.cancelled() => {}
        () = tokio::time::sleep(pause) => {}
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge of seconds")]
fn unix_seconds(at: chrono::DateTime<chrono::Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}
