//! A Redis of this run, set as production must be: an append-only file synced each second, no eviction.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use redis::aio::MultiplexedConnection;
use tokio::process::{Child, Command};

use super::Ground;
use crate::stack::free_address;

const PATIENCE: Duration = Duration::from_secs(30);

/// A running Redis; killed when dropped.
pub struct Redis {
    start: Box<dyn Fn() -> Command + Send + Sync>,
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Redis {
    /// Starts it, empty.
    ///
    /// # Errors
    /// A program that does not start.
    pub async fn start(ground: &Ground) -> Result<Self> {
        let data = ground.folder("redis")?;
        let port = free_address()?.port();
        let log = data.join("server.log");
        let (program, owner, log_to) = (ground.redis.clone(), ground.owner, log.clone());
        let start = Box::new(move || {
            let mut command = Command::new(&program);
            if let Some((user, group)) = owner {
                command.uid(user).gid(group);
            }
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
            command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]);
            command.arg("--dir").arg(&data).arg("--pidfile").arg(data.join("server.pid"));
            command.arg("--logfile").arg(&log_to).current_dir("/").kill_on_drop(true);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        });
        let child = start().spawn().context("cannot start Redis")?;
        let this = Self { start, child, port, log };
        this.ready().await?;
        Ok(this)
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its URL, straight.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection, straight.
    ///
    /// # Errors
    /// Redis's.
    pub async fn connect(&self) -> Result<MultiplexedConnection> {
        Ok(redis::Client::open(self.url())?.get_multiplexed_async_connection().await?)
    }

    /// Everything in it is gone.
    ///
    /// # Errors
    /// Redis's.
    pub async fn flush(&self) -> Result<()> {
        Ok(redis::cmd("FLUSHALL").query_async(&mut self.connect().await?).await?)
    }

    /// kill -9, and a new process on the same append-only file: its last second may be missing.
    ///
    /// # Errors
    /// A server that does not come back.
    pub async fn kill_and_restart(&mut self) -> Result<()> {
        self.child.kill().await?;
        self.child = (self.start)().spawn().context("cannot start Redis again")?;
        self.ready().await
    }

    /// Ends it, and starts it again empty, with `environment` beside its own.
    ///
    /// # Errors
    /// A server that does not come back.
    pub async fn restart_empty(&mut self, environment: &[(String, String)]) -> Result<()> {
        self.flush().await?;
        self.child.kill().await?;
        let mut command = (self.start)();
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        self.child = command.spawn().context("cannot start Redis again")?;
        self.ready().await
    }

    /// Its wall clock, in Unix milliseconds.
    ///
    /// # Errors
    /// Redis's.
    pub async fn clock(&self) -> Result<i64> {
        let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut self.connect().await?).await?;
        Ok(seconds * 1_000 + micros / 1_000)
    }

    /// Stops the whole process for a while: connections stand, nothing is answered.
    ///
    /// # Errors
    /// A process that is gone.
    pub async fn stall(&self, time: Duration) -> Result<()> {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).context("Redis is gone")?;
        kill(Pid::from_raw(pid), Signal::SIGSTOP)?;
        tokio::time::sleep(time).await;
        kill(Pid::from_raw(pid), Signal::SIGCONT)?;
        Ok(())
    }

    async fn ready(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Ok(mut connection) = self.connect().await {
                let answer = redis::cmd("PING").query_async::<String>(&mut connection).await;
                if answer.is_ok() {
                    return Ok(());
                }
            }
            if Instant::now() > until {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                bail!("Redis does not answer after {PATIENCE:?}; its log:\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it.
    pub async fn end(mut self) {
        self.child.kill().await.ok();
    }
}
