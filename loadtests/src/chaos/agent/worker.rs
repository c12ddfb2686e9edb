//! The life of a worker process: as the product's, without its configuration.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::{Db, DbConfig, Ids, Pools};
use patchbay_queue::clock::EngineClock;
use patchbay_queue::lanes::{Timeouts, Window};
use patchbay_queue::{Dispatcher, Keeper, KeeperSettings, Lanes, WorkerSettings};
use patchbay_service::Shutdown;
use patchbay_service::connect::Connections;
use patchbay_service::shutdown::Finish;
use patchbay_workers::runtime::{Dog, QueueWorker, haunted};
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::jobs::{QUEUE, registry};
use crate::clock;
use crate::stack::random;

/// How a worker process works.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Its identity; new for each process.
    #[arg(long)]
    pub name: String,
    /// The ledger.
    #[arg(long)]
    pub database: String,
    /// The dispatcher's store.
    #[arg(long)]
    pub redis: String,
    /// Its part of the store.
    #[arg(long)]
    pub namespace: String,
    /// Where effects happen.
    #[arg(long)]
    pub observer: SocketAddr,
    /// Jobs at a time.
    #[arg(long, default_value_t = 16)]
    pub concurrency: usize,
    /// Connections to the ledger at most.
    #[arg(long, default_value_t = 6)]
    pub connections: usize,
    /// How long a job stays its own without a renewal.
    #[arg(long, default_value_t = 9_000)]
    pub lease_ms: u64,
    /// Which payloads it knows: 1 older ones, 2 newer ones too.
    #[arg(long, default_value_t = 2)]
    pub generation: u8,
    /// By how many seconds its wall clock is off.
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    pub off_by_s: i64,
    /// How long running jobs may go on once it is told to end.
    #[arg(long, default_value_t = 5_000)]
    pub grace_ms: u64,
}

/// How long SIGUSR1 makes it hold all of its connections to the ledger.
const HOARDING: Duration = Duration::from_secs(3);
/// How long claims may be away, while everything answers, before the watchdog bites.
const DOG: Duration = Duration::from_secs(6);
/// What an end by the guard is known by.
pub const BITTEN: i32 = 70;
/// How long giving back may take once nothing may run any more.
const GIVE_BACK: Duration = Duration::from_secs(3);

/// How far this process's wall clock is off, for [`skewed`], which can hold nothing itself.
static OFF_BY_S: AtomicI64 = AtomicI64::new(0);

/// A wall clock that is off.
fn skewed() -> DateTime<Utc> {
    clock::now() + TimeDelta::seconds(OFF_BY_S.load(Ordering::Relaxed))
}

/// Works until a signal ends it.
///
/// # Errors
/// A part that could not start, or that ended by itself.
pub async fn run(args: &Args) -> Result<()> {
    OFF_BY_S.store(args.off_by_s, Ordering::Relaxed);
    let guard = Guard::start()?;
    let shutdown = guard.shutdown(Duration::from_millis(args.grace_ms))?;
    let connections = connect(args)?;
    let lease = Duration::from_millis(args.lease_ms);
    let keeping = CancellationToken::new();
    let settings = KeeperSettings { lease, ..KeeperSettings::new(&args.name) };
    let keeper = Keeper::new(connections.lanes.clone(), connections.ledger.clone(), settings).run(keeping.clone());
    let keeper = tokio::spawn(keeper);
    let clock = EngineClock::new(skewed);
    let settings = WorkerSettings { lease, clock, ..WorkerSettings::new(args.name.clone(), args.concurrency) };
    let registry = registry(&Client::new(args.observer), args.generation);
    let worker = QueueWorker::start(QUEUE, settings, &connections, registry);
    guard.watch(args, &worker)?;
    tokio::spawn(hoard(signal(SignalKind::user_defined1())?, connections.clone(), args.connections));
    let replaced = tokio::select! {
        () = shutdown.draining() => false,
        () = worker.ended() => anyhow::bail!("the queue is served no more: {:?}", worker.failure()),
        () = haunted(std::slice::from_ref(&worker), DOG) => true,
    };
    if replaced {
        shutdown.drain_within(Duration::from_millis(args.grace_ms));
    }
    worker.drain();
    if shutdown.finish(worker.ended()).await == Finish::Cut {
        worker.interrupt();
        tokio::time::timeout(GIVE_BACK, worker.ended()).await.ok();
    }
    keeping.cancel();
    tokio::time::timeout(GIVE_BACK, keeper).await.ok();
    if replaced {
        std::process::exit(BITTEN);
    }
    Ok(())
}

fn pools(args: &Args) -> Result<Pools> {
    let mut config = DbConfig::new(args.database.clone());
    config.app_connections = 1;
    config.system_connections = args.connections;
    config.application_name.clone_from(&args.name);
    Ok(Pools::new(&config)?)
}

fn connect(args: &Args) -> Result<Connections> {
    let (pools, window) = (pools(args)?, Window::default());
    let lanes = Lanes::connect_within(&args.redis, &args.namespace, Timeouts::default())?;
    let ledger = pools.system().clone();
    let db = Db::new(pools, Ids::new(random()), Dispatcher::start(lanes.clone(), window));
    Ok(Connections { db, ledger, lanes, window })
}

/// The product's watchdog with less patience, and its signals, on a thread that no handler can hold.
struct Guard(Handle);

impl Guard {
    fn start() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let wait = move || runtime.block_on(std::future::pending::<()>());
        std::thread::Builder::new().name("guard".to_owned()).spawn(wait)?;
        Ok(Self(handle))
    }

    fn shutdown(&self, grace: Duration) -> Result<Shutdown> {
        let _inside = self.0.enter();
        Ok(Shutdown::on_signals(grace)?)
    }

    fn watch(&self, args: &Args, worker: &QueueWorker) -> Result<()> {
        let (lanes, pools) = {
            let _inside = self.0.enter();
            (Lanes::connect(&args.redis, &args.namespace)?, pools(args)?)
        };
        let queues = vec![(QUEUE.to_owned(), worker.vitals().clone())];
        let serving = worker.serving().clone();
        let dog = Dog { queues, patience: DOG, every: Duration::from_secs(1) };
        self.0.spawn(async move {
            let answers = || {
                let (lanes, pool) = (lanes.clone(), pools.system().clone());
                async move { lanes.ping().await.is_ok() && pool.get().await.is_ok() }
            };
            let verdict = dog.watch(answers).await;
            tracing::error!(%verdict, "the watchdog ends the process");
            serving.fall(&lanes).await;
            std::process::exit(BITTEN);
        });
        Ok(())
    }
}

/// At each signal holds every connection to the ledger for a while.
async fn hoard(mut signal: Signal, connections: Connections, most: usize) {
    while signal.recv().await.is_some() {
        let mut held = Vec::new();
        while held.len() < most {
            match connections.ledger.get().await {
                Ok(connection) => held.push(connection),
                Err(_) => break,
            }
        }
        tokio::time::sleep(HOARDING).await;
    }
}
