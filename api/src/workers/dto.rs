//! What workers look like on the wire.

use chrono::{DateTime, Utc};
use patchbay_db::{
    TypedId,
    ids::{JobId, TenantId},
};
use patchbay_domain::jobs::told::Asked;
use patchbay_queue::lanes::{ServedQueue, WorkerJob, WorkerView};
use poem_openapi::{Object, types::Example};

use crate::http::{Id, Time};

/// A job that runs.
#[derive(Debug, Object)]
pub struct RunningJob {
    /// Its id.
    pub id: Id<JobId>,
    /// What it does.
    pub kind: String,
    /// Whose it is.
    pub tenant_id: Id<TenantId>,
    /// Its lane.
    pub lane: String,
    /// Since when.
    pub since: Time,
    /// For how long, in milliseconds.
    pub running_ms: i64,
}

impl RunningJob {
    fn at(job: WorkerJob, now: DateTime<Utc>) -> Self {
        Self {
            id: Id(JobId::from_uuid(job.id)),
            kind: job.kind,
            tenant_id: Id(TenantId::from_uuid(job.tenant)),
            lane: job.lane,
            since: Time(job.since),
            running_ms: (now - job.since).num_milliseconds().max(0),
        }
    }
}

/// A kind of job that a worker knows.
#[derive(Debug, Object)]
pub struct KnownKind {
    /// Its name.
    pub kind: String,
    /// The newest version of its payload that it can read.
    pub version: i16,
}

/// A queue that a worker serves.
#[derive(Debug, Object)]
pub struct WorkerQueue {
    /// Its name.
    pub queue: String,
    /// Jobs of it that the worker runs at once, at the most. For the system key.
    pub concurrency: Option<u64>,
    /// Jobs that it runs, of those that are asked for.
    pub running: u64,
    /// The kinds that it knows.
    pub kinds: Vec<KnownKind>,
    /// Those of them that are among the 100 that it has run longest, longest first.
    pub jobs: Vec<RunningJob>,
}

impl WorkerQueue {
    fn at(served: ServedQueue, now: DateTime<Utc>, asked: Asked) -> Self {
        Self {
            queue: served.queue,
            concurrency: of_ours(asked, served.concurrency as u64),
            running: served.running as u64,
            kinds: served.kinds.into_iter().map(|(kind, version)| KnownKind { kind, version }).collect(),
            jobs: served.jobs.into_iter().map(|job| RunningJob::at(job, now)).collect(),
        }
    }
}

/// What only the operator is told.
fn of_ours<T>(asked: Asked, value: T) -> Option<T> {
    (asked == Asked::Operator).then_some(value)
}

/// A process that runs jobs.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Worker {
    /// Its name, new for each process; for a tenant the random end of it.
    pub id: String,
    /// The machine. For the system key.
    pub host: Option<String>,
    /// The process there. For the system key.
    pub pid: Option<u32>,
    /// The version of the program. For the system key.
    pub version: Option<String>,
    /// When it started.
    pub started_at: Time,
    /// When it was last heard of.
    pub seen_at: Time,
    /// Whether it takes no more jobs because it is being shut down.
    pub draining: bool,
    /// The queues that it serves; for a tenant those in which it runs the tenant's jobs.
    pub queues: Vec<WorkerQueue>,
}

impl Worker {
    /// The wire form of `worker` at `now`, for who asks.
    pub fn at(worker: WorkerView, now: DateTime<Utc>, asked: Asked) -> Self {
        Self {
            id: match asked {
                Asked::Operator => worker.id,
                // The rest names the machine.
                Asked::Tenant => worker.id.rsplit('-').next().unwrap_or_default().to_owned(),
            },
            host: of_ours(asked, worker.host),
            pid: of_ours(asked, worker.pid),
            version: of_ours(asked, worker.version),
            started_at: Time(worker.started_at),
            seen_at: Time(worker.seen_at),
            draining: worker.draining,
            queues: worker.queues.into_iter().map(|served| WorkerQueue::at(served, now, asked)).collect(),
        }
    }
}

impl Example for Worker {
    fn example() -> Self {
        let job = RunningJob {
            id: Id::example(),
            kind: "messages.send".to_owned(),
            tenant_id: Id::example(),
            lane: "pac_01h455vb4pex5vsknk084sn02q~+12025550100".to_owned(),
            since: Time::example(),
            running_ms: 120,
        };
        let queue = WorkerQueue {
            queue: "sends".to_owned(),
            concurrency: Some(64),
            running: 1,
            kinds: vec![KnownKind { kind: "messages.send".to_owned(), version: 1 }],
            jobs: vec![job],
        };
        Self {
            id: "node-3-4711-3fa9c2".to_owned(),
            host: Some("node-3".to_owned()),
            pid: Some(4_711),
            version: Some("0.1.0".to_owned()),
            started_at: Time::example(),
            seen_at: Time::example(),
            draining: false,
            queues: vec![queue],
        }
    }
}
