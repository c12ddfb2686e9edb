//! The life of a worker process, from its settings to its end.
//!
//! Ending has an order: no new claims; running jobs finish, or are given back when the grace is over; outcomes are
//! written; only then does the keeper let go of its lock, so that another process repairs at once what is left.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, select_all};
use patchbay_queue::backend::{Heart, WorkerCard};
use patchbay_queue::clock::EngineClock;
use patchbay_queue::{Keeper, KeeperSettings, Lanes, WorkerSettings};
use patchbay_service::connect::Connections;
use patchbay_service::health::serve;
use patchbay_service::shutdown::Finish;
use patchbay_service::{Config, Entropy, Shutdown, SystemEntropy, telemetry};
use tokio_util::sync::CancellationToken;

use super::cli::Plan;
use super::guard::Guard;
use super::health::{Served, health};
use super::identity::{host, identity};
use super::providers::providers;
use super::queue_worker::{QueueWorker, haunted};
use super::watchdog::Dog;
use crate::handlers::{Parts, registry};

/// Why a process could not start, or ended.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the process is called, in traces and in `pg_stat_activity`.
pub(super) const PROGRAM: &str = "patchbay-worker";
/// How long giving back may take once nothing may run any more.
const GIVE_BACK: Duration = Duration::from_secs(3);
/// How long a run that was given up may go on before another process takes this one's place.
const HAUNTED: Duration = Duration::from_secs(60);
/// How often the queues are announced.
const ANNOUNCE: Duration = Duration::from_secs(5);

/// Serves the queues of `plan` until a signal ends it.
///
/// # Errors
/// A part that could not start, or that ended by itself.
pub async fn run(config: Config, plan: Plan) -> Result<(), Failure> {
    let _telemetry = telemetry::init(PROGRAM, &config)?;
    let guard = Guard::start()?;
    // Signals are heard on the guard's thread: handlers that hold every other one must not keep a process alive.
    let shutdown = guard.inside(|| Shutdown::on_signals(config.worker.shutdown_grace))?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let identity = identity(&*entropy);
    let connections = Connections::new(&config, PROGRAM, &*entropy)?;
    let sealer = config.secrets.sealer(entropy).ok_or("secrets.key is not set")?;
    let clock = EngineClock::default();
    let registry = registry(&Parts {
        db: connections.db.clone(),
        clock: Arc::new(clock.clone()),
        sealer: Arc::new(sealer),
        providers: providers(&config)?,
        config: config.clone(),
    });

    // The port first: where another process has it, this one must end before it claims anything.
    let served = Served::default();
    let listener = serve(config.worker.listen, &health(&shutdown, &connections, served.clone())).await?;
    let keeping = CancellationToken::new();
    let mut keeper = tokio::spawn(keeper(&config, &identity, &connections).run(keeping.clone()));
    let queues: Vec<String> = plan.keys().cloned().collect();
    tokio::spawn(announce(connections.lanes.clone(), queues, keeping.clone()));
    let start = |(queue, slots): (&String, &usize)| {
        let (lease, window, clock) = (config.worker.lease, connections.window, clock.clone());
        let settings = WorkerSettings { lease, window, clock, ..WorkerSettings::new(&identity, *slots) };
        QueueWorker::start(queue, settings, &connections, registry.clone())
    };
    let workers: Vec<QueueWorker> = plan.iter().map(start).collect();
    let vitals: Vec<_> = workers.iter().map(|worker| (worker.queue().to_owned(), worker.vitals().clone())).collect();
    let serving: Vec<_> = workers.iter().map(|worker| worker.serving().clone()).collect();
    guard.watch(&config, Dog::new(served.get_or_init(|| vitals).clone()), serving.clone(), shutdown.clone())?;
    let card = WorkerCard { id: identity.clone(), host: host(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let heart = Heart::start(&connections.lanes, card, serving);
    tracing::info!(worker = identity, queues = ?plan, listen = %listener.address(), "at work");

    let failure = tokio::select! {
        () = shutdown.draining() => None,
        ((), index, _) = select_all(workers.iter().map(|worker| Box::pin(worker.ended()))) => {
            let worker = &workers[index];
            let why = worker.failure().unwrap_or("it ended by itself");
            Some((format!("{} is served no more: {why}", worker.queue()), Duration::ZERO))
        }
        ended = &mut keeper => Some((format!("the keeper ended: {ended:?}"), Duration::ZERO)),
        () = haunted(&workers, HAUNTED) => {
            let why = "a run that cannot be stopped holds a thread and its limits' places until the process ends";
            Some((why.to_owned(), config.worker.shutdown_grace))
        }
    };
    if let Some((why, grace)) = &failure {
        tracing::error!(why, "a part of the process failed; all of it ends");
        shutdown.drain_within(*grace);
    }
    drain(&shutdown, &workers).await;
    heart.stop().await;
    keeping.cancel();
    if !keeper.is_finished() && tokio::time::timeout(GIVE_BACK, keeper).await.is_err() {
        tracing::debug!("the keeper's lock runs out by itself");
    }
    listener.stop().await?;
    tracing::info!(worker = identity, "ended");
    failure.map_or(Ok(()), |(why, _)| Err(why.into()))
}

fn keeper(config: &Config, identity: &str, connections: &Connections) -> Keeper {
    let settings =
        KeeperSettings { window: connections.window, lease: config.worker.lease, ..KeeperSettings::new(identity) };
    Keeper::new(connections.lanes.clone(), connections.ledger.clone(), settings)
}

/// Makes the queues known to keepers, again and again because a Redis may be emptied. A queue that no keeper knows is
/// closed until its first job is found in the ledger, which then waits a second; until then its workers ask in vain.
async fn announce(lanes: Lanes, queues: Vec<String>, stop: CancellationToken) {
    loop {
        if let Err(error) = lanes.know_queues(&queues).await {
            tracing::debug!(%error, "the queues are announced later");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ANNOUNCE) => {}
        }
    }
}

/// Lets running jobs finish within the grace; gives back what is left.
async fn drain(shutdown: &Shutdown, workers: &[QueueWorker]) {
    workers.iter().for_each(QueueWorker::drain);
    let running: usize = workers.iter().map(QueueWorker::running).sum();
    tracing::info!(running, "waiting for running jobs");
    let all_ended = || join_all(workers.iter().map(QueueWorker::ended));
    if let Finish::Done(_) = shutdown.finish(all_ended()).await {
        return;
    }
    let jobs: usize = workers.iter().map(QueueWorker::interrupt).sum();
    tracing::warn!(jobs, "unfinished jobs are given back");
    if tokio::time::timeout(GIVE_BACK, all_ended()).await.is_err() {
        tracing::warn!("not everything was written; leases that are left run out");
    }
}
