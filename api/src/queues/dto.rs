//! What queues and their pauses look like on the wire.

use chrono::{DateTime, Utc};
use patchbay_db::{TypedId, ids::TenantId};
use patchbay_domain::queues::overview;
use patchbay_queue::{SYSTEM_TENANT, ledger::controls};
use poem_openapi::{Object, types::Example};

use crate::http::{Id, Time};

/// Something that somebody stopped.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct QueuePause {
    /// The queue; `*` for all of them.
    pub queue: String,
    /// The kind of jobs that is paused, for everybody; null where that is not the point.
    pub kind: Option<String>,
    /// The tenant whose share is paused; null where it is everybody's.
    pub tenant_id: Option<Id<TenantId>>,
    /// The lane that is paused, or the prefix of all lanes that are; null where all are.
    pub lane: Option<String>,
    /// It resumes by itself then.
    pub until: Option<Time>,
    /// Why.
    pub reason: String,
    /// Who paused it: an API key, or `system`.
    pub paused_by: String,
    /// Since when.
    pub paused_at: Time,
}

impl From<controls::Pause> for QueuePause {
    fn from(pause: controls::Pause) -> Self {
        Self {
            queue: pause.queue,
            kind: pause.kind,
            tenant_id: pause.tenant_id.filter(|id| *id != SYSTEM_TENANT).map(|id| Id(TenantId::from_uuid(id))),
            lane: pause.lane,
            until: pause.until.map(Time),
            reason: pause.reason,
            paused_by: pause.paused_by,
            paused_at: Time(pause.created_at),
        }
    }
}

impl Example for QueuePause {
    fn example() -> Self {
        Self {
            queue: "sends".to_owned(),
            kind: None,
            tenant_id: Some(Id::example()),
            lane: Some("pac_01h455vb4pex5vsknk084sn02q~+12025550100".to_owned()),
            until: None,
            reason: "The number is being ported.".to_owned(),
            paused_by: "key_01h455vb4pex5vsknk084sn02q".to_owned(),
            paused_at: Time::example(),
        }
    }
}

/// A queue: all of it for the system key, the tenant's share for a tenant's.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// The kinds of jobs that wait in it.
    pub kinds: Vec<String>,
    /// Due jobs that nobody runs yet. Counted up to 10,000.
    pub waiting: u64,
    /// Whether more wait than `waiting` says.
    pub at_least: bool,
    /// Jobs that run; null while the dispatcher cannot be asked.
    pub running: Option<u64>,
    /// Jobs that are planned for later, those that are to be tried again among them. Counted up to 10,000, as `held` and
    /// `dead` are.
    pub scheduled: u64,
    /// Whether there may be more than `scheduled` says.
    pub scheduled_at_least: bool,
    /// Jobs that are held: by somebody, by a pause of their kind, for a version that no worker knows, for other jobs. Of
    /// more than 10,000 in all queues together, not all are looked at.
    pub held: u64,
    /// Whether there may be more than `held` says.
    pub held_at_least: bool,
    /// Dead letters. Of more than 10,000 in all queues together, the newest are looked at.
    pub dead: u64,
    /// Whether there may be more than `dead` says.
    pub dead_at_least: bool,
    /// Since when the oldest job is due: from when it was accepted, or from its planned time or its next attempt if that
    /// is later. Of a tenant's share, looked for in the first 256 lanes.
    pub oldest_at: Option<Time>,
    /// The age of that job in seconds.
    pub oldest_age_seconds: Option<i64>,
    /// Pauses in force, those of the whole queue too.
    pub pauses: Vec<QueuePause>,
}

impl Queue {
    /// The wire form of `queue` at `now`.
    pub fn at(queue: overview::Queue, now: DateTime<Utc>) -> Self {
        Self {
            name: queue.name.to_owned(),
            kinds: queue.kinds.into_iter().map(str::to_owned).collect(),
            waiting: queue.waiting,
            at_least: queue.at_least,
            running: queue.running,
            scheduled: queue.scheduled.jobs,
            scheduled_at_least: queue.scheduled.at_least,
            held: queue.held.jobs,
            held_at_least: queue.held.at_least,
            dead: queue.dead.jobs,
            dead_at_least: queue.dead.at_least,
            oldest_at: queue.oldest.map(Time),
            oldest_age_seconds: queue.oldest.map(|oldest| (now - oldest).num_seconds().max(0)),
            pauses: queue.pauses.into_iter().map(QueuePause::from).collect(),
        }
    }
}

impl Example for Queue {
    fn example() -> Self {
        Self {
            name: "sends".to_owned(),
            kinds: vec!["messages.send".to_owned()],
            waiting: 42,
            at_least: false,
            running: Some(8),
            scheduled: 5,
            scheduled_at_least: false,
            held: 10_000,
            held_at_least: true,
            dead: 2,
            dead_at_least: false,
            oldest_at: Some(Time::example()),
            oldest_age_seconds: Some(3),
            pauses: Vec::new(),
        }
    }
}

/// What is to be paused.
#[derive(Debug, Object)]
#[oai(example)]
pub struct QueuePauseCreate {
    /// Only this lane, or all lanes under this prefix of a path; all of the tenant's where it is left out.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub lane: Option<String>,
    /// Only jobs of this kind, everybody's; for the system key. They are put aside as held until the kind is resumed.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub kind: Option<String>,
    /// Whose, for the system key; the whole queue where it is left out. A tenant's key means its own share.
    pub tenant_id: Option<Id<TenantId>>,
    /// For the system key, with `lane`: everybody's lanes under this prefix.
    #[oai(default)]
    pub shared: bool,
    /// It resumes by itself then; until somebody resumes it where it is left out.
    pub until: Option<Time>,
    /// Why, for whoever asks why a job waits.
    #[oai(validator(min_length = 1, max_length = 500))]
    pub reason: String,
}

impl Example for QueuePauseCreate {
    fn example() -> Self {
        Self {
            lane: Some("pac_01h455vb4pex5vsknk084sn02q~+12025550100".to_owned()),
            kind: None,
            tenant_id: None,
            shared: false,
            until: None,
            reason: "The number is being ported.".to_owned(),
        }
    }
}

/// What is to be resumed: the same scope that was paused.
#[derive(Debug, Object)]
#[oai(example)]
pub struct QueueResume {
    /// The lane or prefix; all of the tenant's where it is left out.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub lane: Option<String>,
    /// The kind, for the system key.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub kind: Option<String>,
    /// Whose, for the system key; the whole queue where it is left out.
    pub tenant_id: Option<Id<TenantId>>,
    /// For the system key, with `lane`: everybody's lanes under this prefix.
    #[oai(default)]
    pub shared: bool,
}

impl Example for QueueResume {
    fn example() -> Self {
        let lane = Some("pac_01h455vb4pex5vsknk084sn02q~+12025550100".to_owned());
        Self { lane, kind: None, tenant_id: None, shared: false }
    }
}

/// The pauses of a queue after a change.
#[derive(Debug, Object)]
#[oai(example)]
pub struct QueuePauses {
    /// The queue's name.
    pub queue: String,
    /// Pauses in force that concern the caller.
    pub pauses: Vec<QueuePause>,
}

impl Example for QueuePauses {
    fn example() -> Self {
        Self { queue: "sends".to_owned(), pauses: vec![QueuePause::example()] }
    }
}

/// A queue that runs empty.
#[derive(Debug, Object)]
#[oai(example)]
pub struct QueueDrain {
    /// The queue's name.
    pub queue: String,
    /// Pauses in force that concern the caller: the one that drains among them.
    pub pauses: Vec<QueuePause>,
    /// Jobs of what is drained that still run; null while the dispatcher cannot be asked.
    pub running: Option<u64>,
    /// Whether none does any more.
    pub drained: bool,
}

impl Example for QueueDrain {
    fn example() -> Self {
        Self { queue: "sends".to_owned(), pauses: vec![QueuePause::example()], running: Some(3), drained: false }
    }
}
