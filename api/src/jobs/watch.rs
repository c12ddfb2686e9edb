//! Following jobs: one question to the ledger for all that this process watches, however many clients watch them.
//!
//! While anything is watched, one task asks ten times a second which of the watched jobs have a newer revision than the
//! one it knows (`ledger::view::changed`), and tells those who wait. Each watcher holds only the newest state, so
//! a slow reader costs no memory. The task ends with the last watcher.
//! Rejected: a poll per client (a thousand clients are ten thousand queries a second), and LISTEN/NOTIFY (a commit lock
//! that every outcome of every worker would go through, and no way through PgBouncer).
//! It sees all tenants' jobs, so a watch begins with a read in the tenant's own transaction: what that does not
//! find cannot be watched.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use patchbay_db::{
    Db, DbError, DbResult, TypedId,
    ids::{JobId, TenantId},
};
use patchbay_queue::ledger::view::{self, JobView};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often the ledger is asked.
const EVERY: Duration = Duration::from_millis(100);

/// How long it is left alone when it did not answer.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// Streams that one key may have open in this process.
pub const STREAMS_OF_A_KEY: usize = 20;

type Key = (Uuid, Uuid);

/// Watches jobs; cheap to clone.
#[derive(Clone)]
pub struct Watcher(Arc<Shared>);

struct Shared {
    db: Db,
    draining: CancellationToken,
    watched: Mutex<Watched>,
    streams: Mutex<HashMap<Uuid, usize>>,
}

#[derive(Default)]
struct Watched {
    jobs: HashMap<Key, Entry>,
    polling: bool,
}

struct Entry {
    latest: watch::Sender<Arc<JobView>>,
    watchers: usize,
}

/// One watched job; dropping it ends the watch.
pub struct Watch {
    shared: Arc<Shared>,
    key: Key,
    latest: watch::Receiver<Arc<JobView>>,
}

/// A stream that counts against its key's; dropping it gives the place back.
pub struct Admission {
    shared: Arc<Shared>,
    key: Uuid,
}

impl Watcher {
    /// A watcher on `db`. All watches end when `draining` is cancelled, so that a process can stop.
    #[must_use]
    pub fn new(db: Db, draining: CancellationToken) -> Self {
        Self(Arc::new(Shared { db, draining, watched: Mutex::default(), streams: Mutex::default() }))
    }

    /// Watches a job; none where the tenant has no such job.
    ///
    /// # Errors
    /// The database's.
    pub async fn watch(&self, tenant: TenantId, job: JobId) -> DbResult<Option<Watch>> {
        let mut tx = self.0.db.begin_read(tenant).await?;
        let found = view::get(&mut tx, tenant.uuid(), job.uuid()).await?;
        tx.commit().await?;
        Ok(found.map(|job| self.join(job)))
    }

    /// A place for one more stream of the API key `key`, if it has one left.
    #[must_use]
    pub fn admit(&self, key: Uuid) -> Option<Admission> {
        let mut streams = locked(&self.0.streams);
        let open = streams.entry(key).or_default();
        if *open >= STREAMS_OF_A_KEY {
            return None;
        }
        *open += 1;
        Some(Admission { shared: Arc::clone(&self.0), key })
    }

    /// How many jobs are watched.
    #[must_use]
    pub fn watched(&self) -> usize {
        locked(&self.0.watched).jobs.len()
    }

    fn join(&self, job: JobView) -> Watch {
        let key = (job.tenant_id, job.id);
        let mut watched = locked(&self.0.watched);
        let job = Arc::new(job);
        let entry = watched
            .jobs
            .entry(key)
            .or_insert_with(|| Entry { latest: watch::Sender::new(Arc::clone(&job)), watchers: 0 });
        entry.watchers += 1;
        tell(&entry.latest, job);
        let latest = entry.latest.subscribe();
        if !watched.polling {
            watched.polling = true;
            tokio::spawn(poll(Arc::clone(&self.0)));
        }
        Watch { shared: Arc::clone(&self.0), key, latest }
    }

    /// Waits until a job has ended, at most `within`. Whether it has.
    ///
    /// # Errors
    /// `NotFound` where the tenant has no such job, and the database's.
    pub async fn ended(&self, tenant: TenantId, job: JobId, within: Duration) -> DbResult<bool> {
        let deadline = Instant::now() + within;
        let mut watch = self.watch(tenant, job).await?.ok_or(DbError::NotFound)?;
        let mut latest = Some(watch.current());
        while let Some(job) = latest {
            if job.is_over() {
                return Ok(true);
            }
            latest = timeout_at(deadline, watch.changed()).await.ok().flatten();
        }
        Ok(false)
    }
}

impl Watch {
    /// The job as it is known now.
    pub fn current(&mut self) -> Arc<JobView> {
        Arc::clone(&self.latest.borrow_and_update())
    }

    /// The job after its next change; none when the process drains.
    pub async fn changed(&mut self) -> Option<Arc<JobView>> {
        tokio::select! {
            () = self.shared.draining.cancelled() => None,
            changed = self.latest.changed() => changed.ok().map(|()| self.current()),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = locked(&self.shared.watched);
        if let Some(entry) = watched.jobs.get_mut(&self.key) {
            entry.watchers -= 1;
            if entry.watchers == 0 {
                watched.jobs.remove(&self.key);
            }
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut streams = locked(&self.shared.streams);
        if let Some(open) = streams.get_mut(&self.key) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.key);
            }
        }
    }
}

async fn poll(shared: Arc<Shared>) {
    let mut pause = EVERY;
    loop {
        tokio::select! {
            () = shared.draining.cancelled() => return,
            () = sleep(pause) => {}
        }
        let known: Vec<_> = {
            let mut watched = locked(&shared.watched);
            if watched.jobs.is_empty() {
                watched.polling = false;
                return;
            }
            watched.jobs.iter().map(|((tenant, id), entry)| (*tenant, *id, entry.latest.borrow().revision)).collect()
        };
        match changed(&shared.db, &known).await {
            Ok(jobs) => {
                pause = EVERY;
                let watched = locked(&shared.watched);
                for job in jobs {
                    if let Some(entry) = watched.jobs.get(&(job.tenant_id, job.id)) {
                        tell(&entry.latest, Arc::new(job));
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, jobs = known.len(), "watched jobs could not be read; they are tried again");
                pause = AFTER_TROUBLE;
            }
        }
    }
}

async fn changed(db: &Db, known: &[(Uuid, Uuid, i64)]) -> DbResult<Vec<JobView>> {
    let mut tx = db.system("the jobs that clients of all tenants follow").await?;
    let jobs = view::changed(&mut tx, known).await?;
    tx.commit().await?;
    Ok(jobs)
}

/// Newer states only: a reader may have been faster than the poll.
fn tell(latest: &watch::Sender<Arc<JobView>>, job: Arc<JobView>) {
    latest.send_if_modified(|known| {
        let newer = job.revision > known.revision;
        if newer {
            *known = job;
        }
        newer
    });
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
