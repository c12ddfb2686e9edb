//! The live list of workers: what each process says of itself, for as long as it says it.
//!
//! A heartbeat is one key with a time to live and one entry in an index, both under the tag `{workers}`: listing is two
//! commands, and a process that died is gone from the list when its key is. Nothing depends on it: leases decide who
//! runs what, this is for people.
//! Rejected: reading the list from leases, which know no host, no version and no worker that is idle.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Lanes;

/// How long a process is listed after its last word.
pub const LISTED_FOR: Duration = Duration::from_secs(15);
/// Running jobs shown of one queue of one process; [`ServedQueue::running`] counts all.
pub const SHOWN_AT_MOST: usize = 100;

/// One worker process, by its own word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerView {
    /// Its identity: new for each process, and what leases and the ledger name.
    pub id: String,
    /// The host it runs on.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it said this.
    pub seen_at: DateTime<Utc>,
    /// Whether it takes nothing new any more.
    pub draining: bool,
    /// The queues it serves, by name.
    pub queues: Vec<ServedQueue>,
}

/// One queue as one process serves it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedQueue {
    /// The queue's name.
    pub queue: String,
    /// Jobs at a time.
    pub concurrency: usize,
    /// Jobs that hold a slot now, whether shown below or not.
    pub running: usize,
    /// Of these, how many are whose.
    #[serde(default)]
    pub tenants: BTreeMap<Uuid, usize>,
    /// The kinds it can run, each with the newest payload version it knows.
    pub kinds: BTreeMap<String, i16>,
    /// What runs now, longest first; at most [`SHOWN_AT_MOST`].
    pub jobs: Vec<WorkerJob>,
}

impl WorkerView {
    /// What of it concerns one tenant: the queues in which it runs that tenant's jobs, and of these jobs alone; `None`
    /// where it runs none.
    #[must_use]
    pub fn of_tenant(mut self, tenant: Uuid) -> Option<Self> {
        self.queues.retain_mut(|served| {
            served.running = served.tenants.get(&tenant).copied().unwrap_or(0);
            served.tenants.retain(|whose, _| *whose == tenant);
            served.jobs.retain(|job| job.tenant == tenant);
            served.running > 0
        });
        (!self.queues.is_empty()).then_some(self)
    }
}

/// A job that a worker runs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerJob {
    /// The job.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Whose.
    pub tenant: Uuid,
    /// Its lane.
    pub lane: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl Lanes {
    fn worker_key(&self, id: &str) -> String {
        format!("{}:{{workers}}:{id}", self.namespace)
    }

    fn worker_index(&self) -> String {
        format!("{}:{{workers}}", self.namespace)
    }

    /// Says that a worker process lives; it is listed for [`LISTED_FOR`].
    ///
    /// # Errors
    /// Redis's.
    pub async fn beat(&self, worker: &WorkerView) -> redis::RedisResult<()> {
        let value = serde_json::to_vec(worker).expect("a heartbeat is plain data and serialises");
        redis::pipe()
            .atomic()
            .cmd("SET")
            .arg(self.worker_key(&worker.id))
            .arg(value)
            .arg("PX")
            .arg(u64::try_from(LISTED_FOR.as_millis()).unwrap_or(u64::MAX))
            .ignore()
            .cmd("ZADD")
            .arg(self.worker_index())
            .arg(worker.started_at.timestamp_millis())
            .arg(&worker.id)
            .ignore()
            .query_async(&mut self.conn())
            .await
    }

    /// Takes a process off the list: it has ended in order.
    ///
    /// # Errors
    /// Redis's; it then stays listed until its last word is [`LISTED_FOR`] old.
    pub async fn leave(&self, id: &str) -> redis::RedisResult<()> {
        redis::pipe()
            .atomic()
            .cmd("DEL")
            .arg(self.worker_key(id))
            .ignore()
            .cmd("ZREM")
            .arg(self.worker_index())
            .arg(id)
            .ignore()
            .query_async(&mut self.conn())
            .await
    }

    /// The worker processes that live, the oldest first.
    ///
    /// # Errors
    /// Redis's.
    pub async fn workers(&self) -> redis::RedisResult<Vec<WorkerView>> {
        let index = self.worker_index();
        let ids: Vec<String> = redis::cmd("ZRANGE").arg(&index).arg(0).arg(-1).query_async(&mut self.conn()).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = ids.iter().map(|id| self.worker_key(id)).collect();
        let words: Vec<Option<Vec<u8>>> = redis::cmd("MGET").arg(keys).query_async(&mut self.conn()).await?;
        let (mut workers, mut gone) = (Vec::with_capacity(ids.len()), Vec::new());
        for (id, word) in ids.into_iter().zip(words) {
            match word {
                // A word that another version of this crate cannot read is not shown, and not removed either.
                Some(word) => workers.extend(serde_json::from_slice::<WorkerView>(&word)),
                None => gone.push(id),
            }
        }
        if !gone.is_empty() {
            // One that comes back with its next word is indexed again with it.
            let () = redis::cmd("ZREM").arg(&index).arg(gone).query_async(&mut self.conn()).await?;
        }
        Ok(workers)
    }
}
