//! A peer in another language: a process that is asked in lines of JSON (`loadtests/peers/protocol.mjs`).

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Place;
use super::{BATCH, BULK_CALLS, CONCURRENCY, Contender, NEIGHBOUR, POOL, RATE, SINGLE_CALLS, Spread, npm};
use crate::folders;

/// How long a peer may take for one answer; the slowest needs a minute to work off 100,000 jobs.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running script in a place of its own.
pub struct Script {
    place: Place,
    child: Child,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

#[derive(Deserialize)]
struct Took {
    seconds: f64,
}

#[derive(Deserialize)]
struct Started {
    start_ms: f64,
}

#[derive(Deserialize)]
struct Percentiles {
    p50_ms: f64,
    p99_ms: f64,
}

/// Whether Ruby is there and finds the gem `gem`; else, what is missing.
pub async fn ruby_with(gem: &str) -> Result<(), String> {
    let out = Command::new("ruby").arg("-r").arg(gem).args(["-e", "0"]).output().await;
    match out {
        Err(_) => Err("ruby is not installed".to_owned()),
        Ok(out) if !out.status.success() => Err(format!("the gem {gem} is not installed")),
        Ok(_) => Ok(()),
    }
}

impl Script {
    /// Starts `file` and lets it connect.
    pub async fn open(interpreter: &str, file: &str) -> Result<Self> {
        let place = Place::for_a_peer().await?;
        let log = folders::results()?.join("logs");
        std::fs::create_dir_all(&log)?;
        let log = std::fs::File::create(log.join(format!("{file}.log")))?;
        let mut child = Command::new(interpreter)
            .arg(file)
            .current_dir(npm::folder()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {interpreter} {file}"))?;
        let stdin = child.stdin.take().context("a piped stdin")?;
        let answers = BufReader::new(child.stdout.take().context("a piped stdout")?).lines();
        let mut this = Self { place, child, stdin, answers };
        let (postgres, redis) = (this.place.database.url().to_owned(), this.place.redis.clone());
        let namespace = this.place.namespace.name().to_owned();
        this.ask::<Value>("open", json!({"postgres": postgres, "redis": redis, "namespace": namespace})).await?;
        Ok(this)
    }

    async fn ask<T: serde::de::DeserializeOwned>(&mut self, ask: &str, mut what: Value) -> Result<T> {
        what["ask"] = ask.into();
        let mut line = what.to_string();
        line.push('\n');
        self.stdin.write_all(line.as_bytes()).await.context("the peer's script has ended")?;
        let answer = tokio::time::timeout(PATIENCE, self.answers.next_line()).await;
        let answer = answer.with_context(|| format!("no answer to `{ask}` within {PATIENCE:?}"))??;
        let answer: Value = serde_json::from_str(&answer.context("the peer's script has ended")?)?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{ask}: {}", error.lines().next().unwrap_or_default());
        }
        Ok(serde_json::from_value(answer)?)
    }

    async fn took(&mut self, ask: &str, what: Value) -> Result<Duration> {
        Ok(Duration::from_secs_f64(self.ask::<Took>(ask, what).await?.seconds))
    }
}

#[async_trait]
impl Contender for Script {
    async fn enqueue(&mut self, count: usize) -> Result<Duration> {
        self.took("enqueue", json!({"count": count, "batch": BATCH, "calls": BULK_CALLS})).await
    }

    async fn drain(&mut self, count: usize) -> Result<Duration> {
        self.took("drain", json!({"count": count, "concurrency": CONCURRENCY})).await
    }

    async fn one_by_one(&mut self, count: usize) -> Result<Duration> {
        self.took("one_by_one", json!({"count": count, "calls": SINGLE_CALLS})).await
    }

    async fn latency(&mut self, count: usize) -> Result<Spread> {
        let what = json!({"count": count, "rate": RATE, "concurrency": CONCURRENCY});
        let Percentiles { p50_ms, p99_ms } = self.ask("latency", what).await?;
        Ok(Spread { p50_ms, p99_ms })
    }

    async fn behind(&mut self) -> Result<Duration> {
        let wait_ms = NEIGHBOUR.as_secs_f64() * 1000.0;
        let started: Started = self.ask("behind", json!({"concurrency": POOL, "wait_ms": wait_ms})).await?;
        Ok(Duration::from_secs_f64(started.start_ms / 1000.0))
    }

    fn place(&self) -> &Place {
        &self.place
    }

    async fn close(self: Box<Self>) -> Result<()> {
        let Self { place, mut child, stdin, .. } = *self;
        // It ends with its stdin; one that does not is killed.
        drop(stdin);
        if tokio::time::timeout(Duration::from_secs(10), child.wait()).await.is_err() {
            child.kill().await?;
        }
        place.leave().await
    }
}
