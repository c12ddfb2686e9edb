//! The worker processes: started again when they end, as a supervisor does, under a new name each time.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::agent::BITTEN;
use super::observer::Witness;

/// What all workers of a run have in common.
#[derive(Clone)]
pub struct Common {
    /// The ledger, through a relay.
    pub database: String,
    /// The dispatcher's store, through a relay.
    pub redis: String,
    /// Its part of the store.
    pub namespace: String,
    /// Where effects happen.
    pub observer: SocketAddr,
    /// The lease.
    pub lease: Duration,
    /// Where the logs go.
    pub logs: PathBuf,
    /// Whether jobs may hold threads for good: a process that has lost some to them cannot end by itself, and its
    /// guard ends it.
    pub holds_threads: bool,
}

/// How one worker works.
#[derive(Debug, Clone)]
pub struct Part {
    /// Jobs at a time.
    pub concurrency: usize,
    /// Connections to the ledger.
    pub connections: usize,
    /// Which payloads it knows.
    pub generation: u8,
    /// By how many seconds its wall clock is off.
    pub off_by_s: i64,
}

impl Default for Part {
    fn default() -> Self {
        Self { concurrency: 16, connections: 6, generation: 2, off_by_s: 0 }
    }
}

enum Order {
    /// SIGKILL.
    Kill,
    /// SIGTERM, and what comes after it.
    Replace(Part),
    /// A signal that does not end it.
    Signal(Signal),
    /// SIGTERM, and nothing after it.
    End,
}

/// One worker, whichever process it is now.
pub struct Worker {
    orders: mpsc::Sender<(Order, oneshot::Sender<()>)>,
    tending: JoinHandle<Result<usize>>,
}

/// After SIGTERM: more than any grace.
const PATIENCE: Duration = Duration::from_secs(30);

impl Worker {
    /// Starts worker number `number`.
    ///
    /// # Errors
    /// A process that cannot be made.
    pub fn start(number: usize, common: Common, part: Part, witness: Witness) -> Result<Self> {
        let mut tender = Tender { number, life: 0, common, part, witness };
        let child = tender.spawn()?;
        let (orders, received) = mpsc::channel(1);
        let tending = tokio::spawn(async move { tender.tend(child, received).await });
        Ok(Self { orders, tending })
    }

    /// kill -9; a new process is on its way when this returns.
    ///
    /// # Errors
    /// A worker that could not be started again.
    pub async fn kill(&self) -> Result<()> {
        self.order(Order::Kill).await
    }

    /// Ends it as a deploy does, and starts another in its place.
    ///
    /// # Errors
    /// A worker that could not be started again.
    pub async fn replace(&self, part: Part) -> Result<()> {
        self.order(Order::Replace(part)).await
    }

    /// Sends a signal that does not end it.
    ///
    /// # Errors
    /// A worker that is gone.
    pub async fn signal(&self, signal: Signal) -> Result<()> {
        self.order(Order::Signal(signal)).await
    }

    /// Ends it for good; answers how many processes it was.
    ///
    /// # Errors
    /// A worker that could not be started again before.
    pub async fn end(self) -> Result<usize> {
        self.order(Order::End).await.ok();
        self.tending.await?
    }

    async fn order(&self, order: Order) -> Result<()> {
        let (done, answer) = oneshot::channel();
        self.orders.send((order, done)).await.ok().context("a worker is gone")?;
        answer.await.context("a worker is gone")
    }
}

struct Tender {
    number: usize,
    life: usize,
    common: Common,
    part: Part,
    witness: Witness,
}

impl Tender {
    fn name(&self) -> String {
        format!("w{}-{}-{}", self.number, self.life, std::process::id())
    }

    fn spawn(&mut self) -> Result<Child> {
        self.life += 1;
        fs::create_dir_all(&self.common.logs)?;
        let log = self.common.logs.join(format!("worker-{}.log", self.number));
        let out = File::options().create(true).append(self.life > 1).write(true).truncate(self.life == 1).open(log)?;
        let Common { database, redis, namespace, observer, lease, .. } = &self.common;
        let Part { concurrency, connections, generation, off_by_s } = &self.part;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("chaos-worker").args(["--name", &self.name()]).args(["--database", database]);
        command.args(["--redis", redis]).args(["--namespace", namespace]).args(["--observer", &observer.to_string()]);
        command.args(["--lease-ms", &lease.as_millis().to_string()]);
        command.args(["--concurrency", &concurrency.to_string(), "--connections", &connections.to_string()]);
        command.args(["--generation", &generation.to_string(), "--off-by-s", &off_by_s.to_string()]);
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).kill_on_drop(true);
        command.spawn().context("cannot start a worker")
    }

    async fn tend(
        &mut self,
        mut child: Child,
        mut orders: mpsc::Receiver<(Order, oneshot::Sender<()>)>,
    ) -> Result<usize> {
        loop {
            let (order, done) = tokio::select! {
                ended = child.wait() => {
                    self.ended(ended?);
                    child = self.spawn()?;
                    continue;
                }
                order = orders.recv() => match order {
                    Some(order) => order,
                    None => return Ok(self.life),
                },
            };
            match order {
                Order::Kill => {
                    child.kill().await?;
                    self.witness.book().gone(&self.name());
                    child = self.spawn()?;
                }
                Order::Replace(part) => {
                    self.terminate(&mut child).await?;
                    self.part = part;
                    child = self.spawn()?;
                }
                Order::Signal(signal) => send(&child, signal)?,
                Order::End => {
                    self.terminate(&mut child).await?;
                    done.send(()).ok();
                    return Ok(self.life);
                }
            }
            done.send(()).ok();
        }
    }

    async fn terminate(&self, child: &mut Child) -> Result<()> {
        send(child, Signal::SIGTERM)?;
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
        self.witness.book().gone(&self.name());
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) if self.common.holds_threads && status.code() == Some(BITTEN) => Ok(()),
            Ok(_) => bail!("{} did not end well: see its log in {}", self.name(), self.common.logs.display()),
            Err(_) => {
                child.kill().await?;
                bail!("{} did not end within {PATIENCE:?} of SIGTERM", self.name())
            }
        }
    }

    fn ended(&self, status: ExitStatus) {
        tracing::info!(worker = self.name(), %status, "ended by itself");
        self.witness.book().gone(&self.name());
    }
}

fn send(child: &Child, signal: Signal) -> Result<()> {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).context("a worker is gone")?;
    Ok(kill(Pid::from_raw(pid), signal)?)
}
