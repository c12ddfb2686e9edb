//! Claiming: as many jobs as there are free slots, as soon as there are any.
//!
//! What cannot run here (parked by a pause of its kind, expired, of a kind or version nobody here knows) is set aside:
//! it takes no slot and meets no handler, its end goes straight to the acknowledge loop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::ack_loop::Ended;
use super::judge::{Over, parked, unknown};
use super::vitals::Turn;
use super::{Shared, company, give_back, payloads};
use crate::Envelope;
use crate::lanes::{Bell, Claimed};
use crate::ledger::settle::End;

/// Without a bell, how long an idle worker waits before it looks anyway.
const IDLE: Duration = Duration::from_secs(1);
/// How long slots are gathered where a lot waits: a claim for one job at a time would cost Redis as much as one for many.
const GATHER: Duration = Duration::from_millis(1);

/// Where the jobs of a claim go.
pub(super) struct Takers {
    /// To apalis.
    pub jobs: mpsc::Sender<Envelope>,
    /// To the acknowledge loop.
    pub ended: mpsc::Sender<Ended>,
}

/// Runs until the worker drains.
pub(super) async fn run(shared: Arc<Shared>, takers: Takers) {
    let deep = watch::Sender::new(false);
    tokio::join!(claim(&shared, &takers, &deep), assist(&shared, &takers, &deep));
    shared.vitals.turn(Turn::Over);
}

/// Claims whenever a slot is free; says whether a lot waits.
async fn claim(shared: &Arc<Shared>, takers: &Takers, deep: &watch::Sender<bool>) {
    let mut weather = weather(None);
    let mut bell: Option<Bell> = None;
    loop {
        let a_lot_waits = *deep.borrow();
        let slots = free_slots(shared, a_lot_waits, || shared.vitals.turn(Turn::Full)).await;
        shared.vitals.turn(Turn::Claiming);
        let Some(slots) = slots else { return };
        match take(shared, takers, slots).await {
            Ok(Taken::Refused) => return,
            Ok(Taken::Some { more, idle_for }) => {
                weather.reset();
                deep.send_if_modified(|deep| std::mem::replace(deep, more) != more);
                // Nothing more is ready: straight to the bell, not through another claim that finds nothing.
                if !idle_for.is_zero() {
                    bell = wait_for_bell(shared, bell, idle_for).await;
                }
            }
            Err(error) => {
                deep.send_replace(false);
                let pause = weather.next_backoff().unwrap_or(IDLE);
                tracing::warn!(queue = shared.queue, %error, ?pause, "claim failed");
                sleep(shared, pause).await;
            }
        }
    }
}

/// Claims beside the other one while a lot waits: Redis picks jobs for one half of the slots while the other half's are
/// handed out.
async fn assist(shared: &Arc<Shared>, takers: &Takers, deep: &watch::Sender<bool>) {
    let mut told = deep.subscribe();
    loop {
        tokio::select! {
            () = shared.draining.cancelled() => return,
            deep = told.wait_for(|deep| *deep) => drop(deep),
        }
        let Some(slots) = free_slots(shared, true, || ()).await else { return };
        match take(shared, takers, slots).await {
            Ok(Taken::Refused) => return,
            Ok(Taken::Some { more: true, .. }) => {}
            // The other one finds out by itself.
            Ok(Taken::Some { more: false, .. }) | Err(_) => drop(deep.send_replace(false)),
        }
    }
}

/// What a claim came to.
enum Taken {
    Some {
        /// It brought as many as it wanted.
        more: bool,
        /// How long there is nothing to claim unless the bell rings.
        idle_for: Duration,
    },
    /// Nobody takes jobs any more.
    Refused,
}

async fn take(shared: &Arc<Shared>, takers: &Takers, slots: OwnedSemaphorePermit) -> redis::RedisResult<Taken> {
    let (asked, want) = (Instant::now(), slots.num_permits());
    let claimed = shared.lanes.claim(&shared.queue, want, shared.settings.lease, &shared.settings.worker).await?;
    if !claimed.closed {
        // Of one that nobody has opened nobody knows whether its time is right.
        shared.settings.clock.heard(claimed.now_ms);
    }
    shared.vitals.claimed(claimed.closed);
    shared.meters.claimed(shared.settings.clock.now());
    let more = claimed.jobs.len() >= want;
    let idle_for = claimed.next.unwrap_or(IDLE).min(IDLE);
    let taken = hand_out(shared, takers, claimed, asked, slots).await;
    Ok(if taken { Taken::Some { more, idle_for } } else { Taken::Refused })
}

/// The slots that are free, one at least, and half of all at most where a lot waits (`deep`); none once the worker drains.
/// `full` is told when none is free, or somebody has to be alone and nothing may begin.
async fn free_slots(shared: &Shared, deep: bool, full: impl Fn()) -> Option<OwnedSemaphorePermit> {
    let all = shared.inflight.slots();
    let mut slots = match all.clone().try_acquire_owned() {
        Ok(slot) => slot,
        Err(_) => {
            full();
            tokio::select! {
                () = shared.draining.cancelled() => return None,
                slot = all.clone().acquire_owned() => slot.expect("the semaphore is never closed"),
            }
        }
    };
    if !company::is_open() {
        full();
        tokio::select! {
            () = shared.draining.cancelled() => return None,
            () = company::opened() => {}
        }
    }
    // Where a lot waits, half of them at a time: while Redis picks jobs for the one half, the other half's run.
    let concurrency = shared.settings.concurrency;
    let most = if deep { concurrency.div_ceil(2) } else { concurrency };
    let missing = |slots: &OwnedSemaphorePermit| most.saturating_sub(slots.num_permits());
    if deep {
        let gathering = all.clone().acquire_many_owned(u32::try_from(missing(&slots)).unwrap_or(u32::MAX));
        if let Ok(Ok(gathered)) = tokio::time::timeout(GATHER, gathering).await {
            slots.merge(gathered);
        }
    }
    let more = u32::try_from(missing(&slots).min(all.available_permits())).unwrap_or(u32::MAX);
    if let Ok(more) = all.clone().try_acquire_many_owned(more) {
        slots.merge(more);
    }
    (!shared.draining.is_cancelled()).then_some(slots)
}

/// Pauses between tries, for so long at most.
pub(super) fn weather(at_most: Option<Duration>) -> ExponentialBackoff {
    ExponentialBackoff {
        initial_interval: Duration::from_millis(50),
        max_interval: Duration::from_secs(2),
        max_elapsed_time: at_most,
        ..ExponentialBackoff::default()
    }
}

/// `false`: nobody takes jobs any more.
async fn hand_out(
    shared: &Arc<Shared>,
    takers: &Takers,
    claimed: Claimed,
    asked: Instant,
    mut slots: OwnedSemaphorePermit,
) -> bool {
    let safe_until = asked + shared.settings.lease;
    let now = shared.settings.clock.now();
    if !claimed.garbled.is_empty() {
        // Left under their leases: when these run out, repair reads the jobs from the ledger.
        tracing::error!(queue = shared.queue, jobs = claimed.garbled.len(), "values in Redis are no envelopes");
    }
    let parked = claimed.parked.into_iter().map(|job| {
        let end = parked(&job.header.kind);
        (job, end)
    });
    let (mut to_run, mut aside) = (Vec::with_capacity(claimed.jobs.len()), parked.collect::<Vec<_>>());
    for job in claimed.jobs {
        match cannot_run(shared, &job, now) {
            Some(end) => aside.push((job, end)),
            None => to_run.push(job),
        }
    }
    let with_slots =
        to_run.iter().map(|job| (job, Some(slots.split(1).expect("no claim takes more than it has slots"))));
    shared.inflight.begin(with_slots, safe_until, now);
    drop(slots);
    if !aside.is_empty() && !set_aside(shared, takers, aside, safe_until, now).await {
        give_back(shared, &to_run).await;
        return false;
    }
    let (mut left_behind, here): (Vec<_>, Vec<_>) = to_run.into_iter().partition(|job| job.header.left_behind);
    if !start(shared, takers, here, now).await {
        give_back(shared, &left_behind).await;
        return false;
    }
    while !left_behind.is_empty() {
        let some = left_behind.drain(..left_behind.len().min(payloads::AT_ONCE)).collect();
        let whole = payloads::fetched(shared, some).await;
        if !start(shared, takers, whole, now).await {
            give_back(shared, &left_behind).await;
            return false;
        }
    }
    true
}

/// `false`: the backend has closed; the jobs were given back.
async fn start(shared: &Shared, takers: &Takers, jobs: Vec<Envelope>, now: chrono::DateTime<chrono::Utc>) -> bool {
    let mut jobs = jobs.into_iter();
    while let Some(job) = jobs.next() {
        shared.meters.started(&job, now);
        if let Err(refused) = takers.jobs.send(job).await {
            let unbegun: Vec<Envelope> = std::iter::once(refused.0).chain(jobs).collect();
            give_back(shared, &unbegun).await;
            return false;
        }
    }
    true
}

/// The end of a job that must not run here and now.
fn cannot_run(shared: &Shared, job: &Envelope, now: chrono::DateTime<chrono::Utc>) -> Option<End> {
    if let Some(not_after) = job.header.not_after.filter(|at| *at < now) {
        let worker = &shared.settings.worker;
        let over = Over { worker, envelope: job, at: now, ran: Duration::ZERO, interrupted: false, cancelled: false };
        return Some(over.expired(not_after));
    }
    (!shared.knows(job)).then(|| unknown(&job.header.kind, job.header.version))
}

/// `false`: the backend has closed; the jobs were given back.
async fn set_aside(
    shared: &Shared,
    takers: &Takers,
    jobs: Vec<(Envelope, End)>,
    safe_until: Instant,
    now: chrono::DateTime<chrono::Utc>,
) -> bool {
    shared.inflight.begin(jobs.iter().map(|(job, _)| (job, None)), safe_until, now);
    let mut jobs = jobs.into_iter();
    while let Some((job, end)) = jobs.next() {
        shared.meters.ended(&job.header.kind, job.id, &end, now, None);
        if takers.ended.send(Ended::new(&job, now, end, None)).await.is_err() {
            let unwritten: Vec<Envelope> = std::iter::once(job).chain(jobs.map(|(job, _)| job)).collect();
            give_back(shared, &unwritten).await;
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
        rung = bell.wait(&key, at_most) => match rung {
            // Nothing begins here: another process may.
            Ok(true) if !company::is_open() => shared.lanes.ring(&shared.queue).await.is_ok().then_some(bell),
            rung => rung.is_ok().then_some(bell),
        }
    }
}

async fn sleep(shared: &Shared, pause: Duration) {
    tokio::select! {
        () = shared.draining.cancelled() => {}
        () = tokio::time::sleep(pause) => {}
    }
}
