//! The apalis backend: claims jobs for one queue and writes how they ended.
//!
//! apalis drives (`poll_next` drains a channel, its service runs the job); loops of ours work beside
//! it: one claims, never more than there are free slots; one renews leases; one writes outcomes, in
//! batches, first to the ledger and then to Redis; small ones mark what runs long, show that the
//! runtime is alive, and let go jobs of versions that are known here. apalis's `Persistence` was not used:
//! it acknowledges one by one and ties heartbeats to its buffer, so that slow jobs run twice.
//! How to break it: free a slot before its outcome is in the channel; stop renewing a job whose
//! outcome is not written yet; write to Redis before the ledger.

mod ack_loop;
mod apart;
mod claim_loop;
mod company;
mod heart;
mod inflight;
mod judge;
mod layer;
mod lease_loop;
mod marks;
mod meters;
mod payloads;
mod pulse;
mod service;
mod serving;
mod threads;
mod versions;
mod vitals;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::context::WorkerContext;
use backoff::backoff::Backoff as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use heart::{Heart, WorkerCard};
pub use inflight::{Inflight, RunningJob};
pub(crate) use judge::{Over, judge, parked};
pub use layer::{OutcomeLayer, OutcomeService, Settles};
pub use service::RegistryService;
pub(crate) use service::{Unclaimed, told};
pub use serving::Serving;
pub use vitals::Vitals;

use claim_loop::Takers;
use inflight::RunId;
use meters::Meters;
use threads::Holders;

use crate::clock::EngineClock;
use crate::context::LedgerPool;
use crate::lanes::Window;
use crate::ledger::JobRow;
use crate::{Envelope, Lanes};

/// How a worker works on one queue.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// The process's identity: new for each process, or a dead one's jobs would look alive.
    pub worker: String,
    /// Jobs at a time.
    pub concurrency: usize,
    /// How long a job stays ours without a renewal.
    pub lease: Duration,
    /// How long a run may take to stop once its kind's time limit has stopped it. One that is still there then (it does
    /// not yield) is given up: a crash is counted, and the job runs elsewhere.
    pub stops_within: Duration,
    /// How much of a backlog Redis holds: for jobs that the worker itself puts into lanes. The keeper's.
    pub window: Window,
    /// The time. Clones of these settings have the same, as all queues of a process should; handlers that need the time
    /// beyond their [`JobContext`](crate::JobContext) are given it too.
    pub clock: EngineClock,
}

/// A dead worker's jobs are back within fifteen seconds.
pub(crate) const USUAL_LEASE: Duration = Duration::from_secs(9);

impl WorkerSettings {
    /// Settings with a lease of nine seconds: a dead worker's jobs are back within fifteen.
    pub fn new(worker: impl Into<String>, concurrency: usize) -> Self {
        Self {
            worker: worker.into(),
            concurrency: concurrency.max(1),
            lease: USUAL_LEASE,
            stops_within: Duration::from_secs(5),
            window: Window::default(),
            clock: EngineClock::default(),
        }
    }
}

/// One queue, as apalis sees it.
pub struct QueueBackend {
    shared: Arc<Shared>,
    jobs: mpsc::Receiver<Envelope>,
    outcomes: mpsc::Sender<ack_loop::Ended>,
    last_call: CancellationToken,
    closing: Option<tokio::task::JoinHandle<()>>,
    claims: Option<tokio::task::JoinHandle<()>>,
    acks: Option<tokio::task::JoinHandle<()>>,
}

/// What the loops share.
pub(crate) struct Shared {
    pub queue: String,
    pub settings: WorkerSettings,
    pub lanes: Lanes,
    pub ledger: LedgerPool,
    pub inflight: Inflight,
    pub vitals: Vitals,
    holders: Holders,
    pub meters: Meters,
    /// The kinds that can run here, each with the newest version known; not set where a plain handler takes any.
    pub kinds: OnceLock<BTreeMap<String, i16>>,
    /// Cancelled: claim no more.
    pub draining: CancellationToken,
}

impl Shared {
    /// Says what can run here, and lets go what waited for that. Two services of one backend would be a mistake of the
    /// program; the first says what it takes.
    fn know(self: &Arc<Self>, kinds: BTreeMap<String, i16>) {
        if self.kinds.set(kinds).is_ok() {
            self.vitals.watch("versions", versions::run(self.clone()));
        }
    }

    /// Puts jobs that are due by what the ledger says into their lanes. Where that fails, the audit does it later.
    async fn push_rows(&self, rows: Vec<JobRow>, as_of: Instant) {
        let mut by_queue: HashMap<String, Vec<Envelope>> = HashMap::new();
        for row in rows {
            by_queue.entry(row.queue.clone()).or_default().push(row.into());
        }
        for (queue, jobs) in by_queue {
            if let Err(error) = self.lanes.push(&queue, &jobs, self.settings.window, as_of).await {
                tracing::warn!(queue, jobs = jobs.len(), %error, "push failed; the audit will find these jobs");
            }
        }
    }

    /// Whether the job can run here, as far as its kind and version tell.
    fn knows(&self, job: &Envelope) -> bool {
        let Some(kinds) = self.kinds.get() else { return true };
        kinds.get(&job.header.kind).is_some_and(|newest| job.header.version <= *newest)
    }
}

/// For how long jobs are given back to a Redis that does not take them.
const GIVEN_BACK: Duration = Duration::from_secs(5);
/// How long a backend that closes waits for the answer to its last claim.
const LAST_CLAIM: Duration = Duration::from_secs(6);

/// The backend cannot fail: Redis's and PostgreSQL's troubles are ridden out inside it.
#[derive(Debug, thiserror::Error)]
pub enum Never {}

impl QueueBackend {
    /// Starts the loops for `queue` in the current runtime. They end when apalis closes the backend.
    #[must_use]
    pub fn start(queue: &str, settings: WorkerSettings, lanes: Lanes, ledger: LedgerPool) -> Self {
        let (jobs_in, jobs) = mpsc::channel(settings.concurrency);
        let (ended_in, ended) = mpsc::channel(settings.concurrency.max(64) * 4);
        let inflight = Inflight::new(settings.concurrency);
        let shared = Arc::new(Shared {
            queue: queue.to_owned(),
            vitals: Vitals::new(inflight.clone()),
            inflight,
            holders: Holders::default(),
            meters: Meters::new(queue),
            kinds: OnceLock::new(),
            settings,
            lanes,
            ledger,
            draining: CancellationToken::new(),
        });
        let vitals = shared.vitals.clone();
        let takers = Takers { jobs: jobs_in, ended: ended_in.clone() };
        let claims = vitals.watch("claim loop", claim_loop::run(shared.clone(), takers));
        vitals.watch_on(apart::runtime(), "lease loop", lease_loop::run(shared.clone()));
        vitals.watch("marks", marks::run(shared.clone()));
        vitals.watch_on(apart::runtime(), "pulse", pulse::run(shared.clone(), Handle::current()));
        let last_call = CancellationToken::new();
        let acks = vitals.watch("acknowledge loop", ack_loop::run(shared.clone(), ended, last_call.clone()));
        Self { shared, jobs, outcomes: ended_in, last_call, closing: None, claims: Some(claims), acks: Some(acks) }
    }

    /// All that the rest of the process may want of it, to be kept when it is handed to apalis.
    #[must_use]
    pub fn serving(&self) -> Serving {
        Serving { shared: self.shared.clone() }
    }

    /// What runs now; also the way to stop it before its time.
    #[must_use]
    pub fn inflight(&self) -> Inflight {
        self.shared.inflight.clone()
    }

    /// Whether the loops are alive.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.shared.vitals.clone()
    }

    /// Cancel this to claim no more; what runs goes on.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.shared.draining.clone()
    }

    /// The service that runs this backend's jobs by their kind.
    #[must_use]
    pub fn service(&self, registry: crate::Registry) -> RegistryService {
        RegistryService::new(self.shared.clone(), registry)
    }
}

impl std::fmt::Debug for QueueBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueBackend").field("queue", &self.shared.queue).finish_non_exhaustive()
    }
}

impl Backend for QueueBackend {
    type Task = Task<Envelope>;
    type Error = Never;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Never>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Never>>> {
        self.jobs.poll_recv(cx).map(|job| {
            job.map(|envelope| {
                let id = TaskId::from_string(envelope.id.to_string());
                Ok(TaskBuilder::new(envelope).task_id(id).build())
            })
        })
    }

    /// Claims no more, gives back what was claimed and not begun, and waits for every outcome to be
    /// written.
    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Never>> {
        if self.closing.is_none() {
            self.shared.draining.cancel();
            self.jobs.close();
            let mut unbegun = Vec::new();
            while let Ok(envelope) = self.jobs.try_recv() {
                unbegun.push(envelope);
            }
            let (shared, last_call) = (self.shared.clone(), self.last_call.clone());
            let (claims, acks) = (self.claims.take(), self.acks.take());
            self.closing = Some(tokio::spawn(async move {
                give_back(&shared, &unbegun).await;
                // A claim that is under way gives back what it brings: its jobs would seem to have crashed.
                if let Some(claims) = claims
                    && tokio::time::timeout(LAST_CLAIM, claims).await.is_err()
                {
                    tracing::warn!(queue = shared.queue, "the last claim was not answered; what it took returns later");
                }
                last_call.cancel();
                if let Some(acks) = acks {
                    let _ended = acks.await;
                }
                shared.inflight.close();
            }));
        }
        let closing = self.closing.as_mut().expect("set above");
        std::pin::Pin::new(closing).poll(cx).map(|_| Ok(()))
    }
}

/// Returns claimed jobs that were never begun, untouched.
pub(crate) async fn give_back(shared: &Shared, jobs: &[Envelope]) {
    if jobs.is_empty() {
        return;
    }
    let jobs: Vec<Envelope> = jobs.iter().map(|job| as_known(shared, job)).collect();
    // Until Redis has them their leases are kept: one that ran out would count as a crash of what never began.
    let mut weather = claim_loop::weather(Some(GIVEN_BACK));
    while let Err(error) = shared.lanes.release(&shared.queue, &jobs).await {
        let Some(pause) = weather.next_backoff() else {
            tracing::warn!(queue = shared.queue, %error, "jobs not given back; they return when their leases run out");
            break;
        };
        tokio::time::sleep(pause).await;
    }
    shared.inflight.forget(jobs.iter().map(RunId::of));
}

/// Whoever takes it next is to know at once that somebody wants it cancelled.
fn as_known(shared: &Shared, job: &Envelope) -> Envelope {
    let mut job = job.clone();
    job.header.cancel_requested |= shared.inflight.known(RunId::of(&job)).cancelled;
    job
}

impl BackendConfig for QueueBackend {
    type Args = Envelope;
    type Id = Uuid;
    type Kind = Ephemeral;
    type Config = WorkerSettings;
    type Layer = OutcomeLayer;

    fn config(&self) -> &WorkerSettings {
        &self.shared.settings
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> OutcomeLayer {
        OutcomeLayer::new(self.shared.clone(), self.outcomes.clone())
    }
}
