//! The life of a worker process, from its settings to its end.
//!
//! Ending has an order: no new claims; running jobs finish, or are given back when the grace is over; outcomes are
//! written; only then does the keeper let go of its lock, so that another process repairs at once what is left.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, select_all};
use patchbay_db::Pools;
use patchbay_queue::{Keeper, KeeperSettings, Lanes};
use patchbay_service::health::serve;
use patchbay_service::shutdown::Finish;
use patchbay_service::{Config, Entropy, Shutdown, SystemClock, SystemEntropy, telemetry};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use super::cli::Plan;
use super::connect::{Connections, db_config};
use super::health::health;
use super::identity::identity;
use super::queue_worker::{QueueWorker, settings};
use super::watchdog::Dog;
use crate::handlers::{Parts, registry};

/// Why a process could not start, or ended.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long giving back may take once nothing may run any more.
const GIVE_BACK: Duration = Duration::from_secs(3);
/// What the watchdog's end is known by (`EX_SOFTWARE`).
const BITTEN: i32 = 70;

/// Serves the queues of `plan` until a signal ends it.
///
/// # Errors
/// A part that could not start, or that ended by itself.
pub async fn run(config: Config, plan: Plan) -> Result<ExitCode, Failure> {
    let _telemetry = telemetry::init("patchbay-worker", &config)?;
    let shutdown = Shutdown::on_signals(config.worker.shutdown_grace)?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let identity = identity(&*entropy);
    let connections = Connections::new(&config, &entropy)?;
    let sealer = config.secrets.sealer(entropy).ok_or("secrets.key is not set")?;
    let registry = registry(&Parts {
        db: connections.db.clone(),
        clock: Arc::new(SystemClock),
        sealer: Arc::new(sealer),
        providers: connections.providers.clone(),
        config: config.clone(),
    });

    let keeping = CancellationToken::new();
    let keeper = tokio::spawn(keeper(&config, &identity, &connections).run(keeping.clone()));
    let start = |(queue, slots): (&String, &usize)| {
        let settings = settings(&identity, *slots, config.worker.lease);
        QueueWorker::start(queue, settings, &connections, registry.clone())
    };
    let mut workers: Vec<QueueWorker> = plan.iter().map(start).collect();
    let vitals: Vec<_> = workers.iter().map(|worker| (worker.queue().to_owned(), worker.vitals().clone())).collect();
    let listener = serve(config.worker.listen, &health(&shutdown, &connections, vitals.clone())).await?;
    guard(&config, Dog::new(vitals))?;
    tracing::info!(worker = identity, queues = ?plan, listen = %listener.address(), "at work");

    let failed = tokio::select! {
        () = shutdown.draining() => None,
        (ended, _, _) = select_all(workers.iter_mut().map(|worker| Box::pin(worker.ended()))) => {
            Some(ended.err().unwrap_or_else(|| "a queue's worker ended by itself".to_owned()))
        }
    };
    if let Some(why) = &failed {
        tracing::error!(why, "a queue is not served any more; the process ends");
        shutdown.end();
    }
    drain(&shutdown, &mut workers).await;
    keeping.cancel();
    if tokio::time::timeout(GIVE_BACK, keeper).await.is_err() {
        tracing::debug!("the keeper's lock runs out by itself");
    }
    listener.stop().await?;
    tracing::info!(worker = identity, "ended");
    failed.map_or(Ok(ExitCode::SUCCESS), |why| Err(why.into()))
}

fn keeper(config: &Config, identity: &str, connections: &Connections) -> Keeper {
    let settings =
        KeeperSettings { window: connections.window, lease: config.worker.lease, ..KeeperSettings::new(identity) };
    Keeper::new(connections.lanes.clone(), connections.ledger.clone(), settings)
}

/// Lets running jobs finish within the grace; gives back what is left.
async fn drain(shutdown: &Shutdown, workers: &mut [QueueWorker]) {
    for worker in &*workers {
        worker.drain();
    }
    let running: usize = workers.iter().map(QueueWorker::running).sum();
    tracing::info!(running, "waiting for running jobs");
    let mut all_ended = Box::pin(join_all(workers.iter_mut().map(|worker| async {
        (worker.ended().await, worker)
    })));
    todo_placeholder();
}
