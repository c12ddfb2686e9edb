//! Queues at a glance.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::ids::TenantId;
use patchbay_db::{DbResult, TypedId};
use patchbay_queue::Lanes;
use patchbay_queue::lanes::EVERY_QUEUE;
use patchbay_queue::ledger::aside::{self, Capped};
use patchbay_queue::ledger::controls::{self, Pause};
use patchbay_queue::ledger::depth;

/// A queue, or a tenant's share of it.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Its name.
    pub name: &'static str,
    /// The kinds of jobs that wait in it.
    pub kinds: Vec<&'static str>,
    /// Due jobs that nobody runs yet; at least so many where the next field says so.
    pub waiting: u64,
    /// Whether more than that wait.
    pub at_least: bool,
    /// Jobs that run; none where Redis does not answer.
    pub running: Option<u64>,
    /// Jobs that are planned for later.
    pub scheduled: Capped,
    /// Jobs that are held.
    pub held: Capped,
    /// Dead letters.
    pub dead: Capped,
    /// Since when the oldest job is due.
    pub oldest: Option<DateTime<Utc>>,
    /// Whether there are more lanes than it was looked for in.
    pub more_lanes: bool,
    /// Pauses in force.
    pub pauses: Vec<Pause>,
}

/// What the ledger knows; [`running`] adds the rest.
///
/// # Errors
/// The database's.
pub async fn read(
    conn: &mut AsyncPgConnection,
    names: &[&'static str],
    whose: Option<TenantId>,
) -> DbResult<Vec<Queue>> {
    let mut queues = due(conn, names, whose).await?;
    let aside = aside::queues(conn, names, whose.map(TypedId::uuid)).await?;
    for (queue, aside) in queues.iter_mut().zip(aside) {
        (queue.scheduled, queue.held, queue.dead) = (aside.scheduled, aside.held, aside.dead);
    }
    Ok(queues)
}

/// As [`read`], without what is set aside.
///
/// # Errors
/// The database's.
pub(super) async fn due(
    conn: &mut AsyncPgConnection,
    names: &[&'static str],
    whose: Option<TenantId>,
) -> DbResult<Vec<Queue>> {
    let depths = depth::queues(conn, names, whose.map(TypedId::uuid)).await?;
    let pauses = controls::pauses(conn, None).await?;
    let queues = names.iter().map(|name| {
        let found = depths.iter().find(|depth| depth.name == *name);
        Queue {
            name,
            kinds: super::kinds_of(name),
            waiting: found.map_or(0, |depth| depth.due.unsigned_abs()),
            at_least: found.is_some_and(|depth| depth.at_least),
            running: None,
            scheduled: Capped::default(),
            held: Capped::default(),
            dead: Capped::default(),
            oldest: found.and_then(|depth| depth.oldest),
            more_lanes: found.is_some_and(|depth| depth.more_lanes),
            pauses: pauses.iter().filter(|pause| pause.queue == *name || pause.queue == EVERY_QUEUE).cloned().collect(),
        }
    });
    Ok(queues.collect())
}

/// Adds who runs, as Redis knows it, and takes those from who waits; and the oldest of a queue of very many lanes. Outside
/// of any transaction.
pub async fn running(lanes: &Lanes, queues: &mut [Queue], whose: Option<TenantId>) {
    for queue in queues {
        let running = match whose {
            Some(tenant) => lanes.running_of(queue.name, tenant.uuid()).await.map(|lanes| lanes.values().sum()),
            None => lanes.queue_stats(queue.name).await.map(|stats| stats.running),
        };
        match running {
            Ok(running) => {
                queue.running = Some(running);
                if !queue.at_least {
                    queue.waiting = queue.waiting.saturating_sub(running);
                }
            }
            Err(error) => tracing::warn!(queue = queue.name, %error, "running jobs could not be counted"),
        }
        if queue.more_lanes && whose.is_none() {
            queue.oldest = queue.oldest.into_iter().chain(in_all_lanes(lanes, queue.name).await).min();
        }
    }
}

/// Since when the oldest job of any lane was due when the dispatcher last looked.
async fn in_all_lanes(lanes: &Lanes, queue: &str) -> Option<DateTime<Utc>> {
    match lanes.oldest(queue).await {
        Ok(due_ms) => due_ms.and_then(DateTime::from_timestamp_millis),
        Err(error) => {
            tracing::warn!(queue, %error, "the oldest job of a queue could not be looked up");
            None
        }
    }
}
