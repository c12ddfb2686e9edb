//! The jobs this process has: from the claim until their outcome is written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Envelope;
use crate::lanes::LaneName;
use crate::ledger::progress::Progress;
use crate::reported::Reported;

/// A shared view of the jobs of one queue in this process.
#[derive(Clone)]
pub struct Inflight {
    inner: Arc<Inner>,
}

struct Inner {
    jobs: Mutex<HashMap<Uuid, Entry>>,
    slots: Arc<Semaphore>,
    closed: CancellationToken,
}

struct Entry {
    token: i64,
    lane: LaneName,
    kind: String,
    claimed: DateTime<Utc>,
    /// Our lease certainly holds until then.
    safe_until: Instant,
    cancel: CancellationToken,
    abort: Option<AbortHandle>,
    slot: Option<OwnedSemaphorePermit>,
    marked: bool,
    interrupted: bool,
    reported: Reported,
}

/// A job as a list of workers shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningJob {
    /// The job.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Its lane.
    pub lane: LaneName,
    /// Since when this process has it.
    pub since: DateTime<Utc>,
}

impl Inflight {
    pub(super) fn new(slots: usize) -> Self {
        let inner =
            Inner { jobs: Mutex::default(), slots: Arc::new(Semaphore::new(slots)), closed: CancellationToken::new() };
        Self { inner: Arc::new(inner) }
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.inner.jobs.lock().expect("no holder of this lock can panic")
    }

    pub(super) fn slots(&self) -> &Arc<Semaphore> {
        &self.inner.slots
    }

    pub(super) fn close(&self) {
        self.inner.closed.cancel();
    }

    /// Resolves when the backend has closed: every outcome is written.
    pub(super) async fn closed(&self) {
        self.inner.closed.cancelled().await;
    }

    pub(super) fn begin(&self, job: &Envelope, safe_until: Instant, now: DateTime<Utc>, slot: OwnedSemaphorePermit) {
        let entry = Entry {
            token: job.token,
            lane: LaneName { tenant: job.header.tenant, lane: job.header.lane.clone() },
            kind: job.header.kind.clone(),
            claimed: now,
            safe_until,
            cancel: CancellationToken::new(),
            abort: None,
            slot: Some(slot),
            marked: false,
            interrupted: false,
            reported: Reported::default(),
        };
        self.jobs().insert(job.id, entry);
    }

    pub(super) fn cancel_token(&self, id: Uuid) -> CancellationToken {
        self.jobs().get(&id).map(|entry| entry.cancel.clone()).unwrap_or_default()
    }

    pub(super) fn reported(&self, id: Uuid) -> Reported {
        self.jobs().get(&id).map(|entry| entry.reported.clone()).unwrap_or_default()
    }

    /// What its run said last of its progress, if the ledger does not have it.
    pub(super) fn unwritten_progress(&self, id: Uuid) -> Option<Progress> {
        self.reported(id).unwritten()
    }

    pub(super) fn started(&self, id: Uuid, abort: AbortHandle) {
        if let Some(entry) = self.jobs().get_mut(&id) {
            entry.abort = Some(abort);
        }
    }

    /// Its run is over: the slot is free, the lease is still ours to renew.
    pub(super) fn free_slot(&self, id: Uuid) {
        if let Some(entry) = self.jobs().get_mut(&id) {
            entry.slot = None;
            entry.abort = None;
        }
    }

    pub(super) fn forget(&self, id: Uuid) {
        self.jobs().remove(&id);
    }

    pub(super) fn was_interrupted(&self, id: Uuid) -> bool {
        self.jobs().get(&id).is_some_and(|entry| entry.interrupted)
    }

    /// The leases to renew.
    pub(super) fn leases(&self) -> Vec<(Uuid, i64, LaneName)> {
        self.jobs().iter().map(|(id, entry)| (*id, entry.token, entry.lane.clone())).collect()
    }

    pub(super) fn renewed(&self, id: Uuid, safe_until: Instant) {
        if let Some(entry) = self.jobs().get_mut(&id) {
            entry.safe_until = safe_until;
        }
    }

    pub(super) fn request_cancel(&self, id: Uuid) {
        if let Some(entry) = self.jobs().get(&id) {
            entry.cancel.cancel();
        }
    }

    /// The lease is somebody else's: the run is stopped, its outcome will not be written.
    pub(super) fn lost(&self, id: Uuid) {
        if let Some(entry) = self.jobs().remove(&id)
            && let Some(abort) = entry.abort
        {
            abort.abort();
        }
    }

    /// Whether the job is still ours, and whether that is certain without asking Redis.
    pub(super) fn holds(&self, id: Uuid, token: i64) -> Option<bool> {
        let jobs = self.jobs();
        let entry = jobs.get(&id).filter(|entry| entry.token == token)?;
        Some(Instant::now() < entry.safe_until)
    }

    /// Jobs that began before `before` and are not marked in the ledger yet; marks them here.
    pub(super) fn take_unmarked(&self, before: DateTime<Utc>) -> Vec<(Uuid, Uuid, DateTime<Utc>)> {
        self.jobs()
            .iter_mut()
            .filter(|(_, entry)| !entry.marked && entry.abort.is_some() && entry.claimed < before)
            .map(|(id, entry)| {
                entry.marked = true;
                (entry.lane.tenant, *id, entry.claimed)
            })
            .collect()
    }

    /// What runs now.
    #[must_use]
    pub fn running(&self) -> Vec<RunningJob> {
        self.jobs()
            .iter()
            .filter(|(_, entry)| entry.slot.is_some())
            .map(|(id, entry)| RunningJob {
                id: *id,
                kind: entry.kind.clone(),
                lane: entry.lane.clone(),
                since: entry.claimed,
            })
            .collect()
    }

    /// Stops every run now; each job goes back as interrupted, which costs it nothing.
    pub fn interrupt_all(&self) -> usize {
        let mut jobs = self.jobs();
        let mut stopped = 0;
        for entry in jobs.values_mut() {
            if let Some(abort) = entry.abort.take() {
                entry.interrupted = true;
                abort.abort();
                stopped += 1;
            }
        }
        stopped
    }
}

impl std::fmt::Debug for Inflight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflight").field("jobs", &self.jobs().len()).finish()
    }
}
