//! A worker of ours alone in its own process: what is killed, weighed and counted.
//!
//! The program is this one, asked for its hidden subcommand `bench-worker`. It says `ready` on stdout once it works, and
//! drains on SIGTERM.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use patchbay_queue::{Keeper, KeeperSettings};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::worker::{Work, Worker};
use super::world::{World, connect};
use crate::{console, folders};

/// What a worker process is told.
#[derive(clap::Args)]
pub struct Args {
    /// Its name.
    #[arg(long)]
    name: String,
    /// The bench's part of Redis.
    #[arg(long)]
    namespace: String,
    /// Jobs at a time.
    #[arg(long)]
    concurrency: usize,
    /// How long a job waits, in milliseconds.
    #[arg(long)]
    wait_ms: u64,
}

/// Works until SIGTERM. `DATABASE_URL` names the bench's own database.
///
/// # Errors
/// When it cannot begin, or cannot write the last outcomes.
pub async fn run(args: &Args) -> Result<()> {
    let redis = folders::required("REDIS_URL")?;
    let (pools, lanes) = connect(&folders::required("DATABASE_URL")?, &redis, &args.namespace)?;
    let stop = CancellationToken::new();
    // As every worker of the product has one.
    let keeper = Keeper::new(lanes.clone(), pools.system().clone(), KeeperSettings::new(&args.name));
    let keeper = tokio::spawn(keeper.run(stop.clone()));
    let work = Work {
        name: args.name.clone(),
        concurrency: args.concurrency,
        wait: Duration::from_millis(args.wait_ms),
        begin: Instant::now(),
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let worker = Worker::start(lanes, &pools, work);
    console::result("ready");
    terminate.recv().await;
    worker.stop().await?;
    stop.cancel();
    keeper.await.context("the keeper panicked")
}

/// A running one; killed when dropped.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts one in `world`; returns when it works.
    pub async fn start(world: &World, concurrency: usize, wait: Duration) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bench-worker");
        command.arg("--name").arg(format!("bench-{}", uuid::Uuid::from(world.tenant())));
        command.arg("--namespace").arg(world.place.namespace.name());
        command.arg("--concurrency").arg(concurrency.to_string());
        command.arg("--wait-ms").arg(wait.as_millis().to_string());
        command.env("DATABASE_URL", world.place.database.url()).env("REDIS_URL", &world.place.redis);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut said = BufReader::new(child.stdout.take().context("a piped stdout")?).lines();
        let line = said.next_line().await?;
        ensure!(line.as_deref() == Some("ready"), "a worker process ended before it worked");
        Ok(Self { child })
    }

    /// The most memory it ever held at once (resident set), in MB of a million bytes; none where the system does not say.
    pub fn peak_memory_mb(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u32 = line.split_whitespace().next()?.parse().ok()?;
        Some(f64::from(kilobytes) * 1024.0 / 1e6)
    }

    /// SIGKILL.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("cannot kill a worker process")
    }

    /// SIGTERM, and its end.
    pub async fn end(mut self) -> Result<()> {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            kill(Pid::from_raw(pid), Signal::SIGTERM)?;
        }
        let status = self.child.wait().await?;
        ensure!(status.success(), "a worker process ended with {status}");
        Ok(())
    }
}
