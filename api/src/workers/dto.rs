//! What workers look like on the wire.

use chrono::{DateTime, Utc};
use patchbay_db::{
    TypedId,
    ids::{JobId, TenantId},
};
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
    /// Jobs of it that the worker runs at once, at the most.
    pub concurrency: u64,
    /// Jobs that it runs.
    pub running: u64,
    /// The kinds that it knows.
    pub kinds: Vec<KnownKind>,
    /// What it runs, longest first, 100 at most.
    pub jobs: Vec<RunningJob>,
}

impl WorkerQueue {
    fn at(served: ServedQueue, now: DateTime<Utc>) -> Self {
        Self {
            queue: served.queue,
            concurrency: served.concurrency as u64,
            running: served.running as u64,
            kinds: served.kinds.into_iter().map(|(kind, version)| KnownKind { kind, version }).collect(),
            jobs: served.jobs.into_iter().map(|job| RunningJob::at(job, now)).collect(),
        }
    }
}

/// A process that runs jobs.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Worker {
    /// Its name, new for each process.
    pub id: String,
    /// The machine.
    pub host: String,
    /// The process there.
    pub pid: u32,
    /// The version of the program.
    pub version: String,
    /// When it started.
    pub started_at: Time,
    /// When it was last heard of.
    pub seen_at: Time,
    /// Whether it takes no more jobs because it is being shut down.
    pub draining: bool,
    /// The queues that it serves.
    pub queues: Vec<WorkerQueue>,
}

impl Worker {
    /// The wire form of `worker` at `now`.
    pub fn at(worker: WorkerView, now: DateTime<Utc>) -> Self {
        Self {
            id: worker.id,
            host: worker.host,
            pid: worker.pid,
            version: worker.version,
            started_at: Time(worker.started_at),
            seen_at: Time(worker.seen_at),
            draining: worker.draining,
            queues: worker.queues.into_iter().map(|served| WorkerQueue::at(served, now)).collect(),
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
            concurrency: 64,
            running: 1,
            kinds: vec![KnownKind { kind: "messages.send".to_owned(), version: 1 }],
            jobs: vec![job],
        };
        Self {
            id: "worker-7f3a".to_owned(),
            host: "node-3".to_owned(),
            pid: 4_711,
            version: "0.1.0".to_owned(),
            started_at: Time::example(),
            seen_at: Time::example(),
            draining: false,
            queues: vec![queue],
        }
    }
}
