//! A PostgreSQL of this run: fsync and synchronous_commit stay on, or a crash of it would prove nothing.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio_postgres::{Client, NoTls};

use super::Ground;
use crate::stack::free_address;

/// Connections it allows: few, so that they can be used up.
pub const CONNECTIONS: usize = 80;
const PATIENCE: Duration = Duration::from_secs(60);

/// A running PostgreSQL; killed when dropped.
pub struct Postgres {
    start: Box<dyn Fn() -> Result<Command> + Send + Sync>,
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// What `initdb` or the server says.
    pub async fn start(ground: &Ground) -> Result<Self> {
        let data = ground.folder("postgres")?;
        let initdb = ground.postgres_bin.join("initdb");
        let made = ground
            .command(&initdb)
            .args(["-N", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-D"])
            .arg(&data)
            .output()
            .await
            .with_context(|| format!("cannot run {}", initdb.display()))?;
        ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_address()?.port();
        let log = data.with_file_name("postgres.log");
        let (program, owner, log_to) = (ground.postgres_bin.join("postgres"), ground.owner, log.clone());
        let start = Box::new(move || {
            let out = File::options().create(true).append(true).open(&log_to)?;
            let mut command = Command::new(&program);
            if let Some((user, group)) = owner {
                command.uid(user).gid(group);
            }
            command.current_dir("/").kill_on_drop(true).arg("-D").arg(&data);
            for setting in [
                "listen_addresses=127.0.0.1".to_owned(),
                "unix_socket_directories=".to_owned(),
                format!("port={port}"),
                format!("max_connections={CONNECTIONS}"),
                "shared_buffers=128MB".to_owned(),
                "max_wal_size=2GB".to_owned(),
            ] {
                command.arg("-c").arg(setting);
            }
            command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
            Ok(command)
        });
        let child = start()?.spawn().context("cannot start PostgreSQL")?;
        let this = Self { start, child, port, log };
        this.ready().await?;
        Ok(this)
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL of one of its databases, straight.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A connection as the superuser, straight.
    ///
    /// # Errors
    /// The server's.
    pub async fn connect(&self, database: &str) -> Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Ends it as a power cut does (`pg_ctl stop -m immediate`), and starts it again; answers when it answers.
    ///
    /// # Errors
    /// A server that does not come back.
    pub async fn restart_immediately(&mut self) -> Result<()> {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).context("PostgreSQL is gone")?;
        kill(Pid::from_raw(pid), Signal::SIGQUIT)?;
        self.child.wait().await?;
        self.child = (self.start)()?.spawn().context("cannot start PostgreSQL again")?;
        self.ready().await
    }

    /// Ends every session but its own, and answers how many there were.
    ///
    /// # Errors
    /// The server's.
    pub async fn end_sessions(&self) -> Result<i64> {
        let client = self.connect("postgres").await?;
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
        Ok(client.query_one(sql, &[]).await?.get(0))
    }

    async fn ready(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while self.connect("postgres").await.is_err() {
            if Instant::now() > until {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                bail!("PostgreSQL does not answer after {PATIENCE:?}; its log:\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Ok(())
    }

    /// Ends it.
    pub async fn end(mut self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            kill(Pid::from_raw(pid), Signal::SIGQUIT).ok();
        }
        self.child.wait().await.ok();
    }
}
