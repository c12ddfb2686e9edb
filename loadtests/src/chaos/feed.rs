//! Whoever accepts the jobs: at a steady pace, and again and again until each is known to be in the ledger.
//!
//! A batch whose commit was not answered may be in the ledger or not. It is handed in again under the same ids, and a
//! refusal of those ids is the answer. The pace does not make up for an outage, so that there is load after it too. A job
//! that was merged into a living one is none: another is made in its place.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use chrono::TimeDelta;
use patchbay_db::{Db, DbError, DbResult, Ids};
use patchbay_queue::NewJob;
use patchbay_queue::ledger::Inserted;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::clock;
use crate::stack::random;

/// Jobs to be made: number `n` of them, under an id.
pub type Make = Arc<dyn Fn(usize, Uuid) -> NewJob + Send + Sync>;

/// What is fed.
pub struct Load {
    /// Jobs.
    pub jobs: usize,
    /// A second.
    pub rate: usize,
    /// Makes them.
    pub make: Make,
    /// By how many seconds the clocks of those who accept them are off, batch by batch in turn.
    pub off_by_s: &'static [i64],
    /// Who wants to hear the numbers that are accepted.
    pub told: Option<mpsc::UnboundedSender<usize>>,
}

/// What was fed.
#[derive(Debug, Default)]
pub struct Fed {
    /// The ids, by number.
    pub ids: Vec<Uuid>,
    /// Those that were merged into a job that lived.
    pub merged: HashSet<Uuid>,
}

/// Feeding under way.
pub struct Feed {
    accepted: Arc<AtomicUsize>,
    wanted: usize,
    task: JoinHandle<Result<Fed>>,
}

const TICK: Duration = Duration::from_millis(50);
const AGAIN: Duration = Duration::from_millis(200);
/// Tries of one batch: longer than any outage.
const TRIES: usize = 1_000;

impl Feed {
    /// Starts. `db` goes the way that may be troubled; `look` makes straight connections.
    pub fn start(db: Db, load: Load, look: Look) -> Self {
        let accepted = Arc::new(AtomicUsize::new(0));
        let (count, wanted) = (accepted.clone(), load.jobs);
        let task = tokio::spawn(async move { feed(&db, &load, &look, &count).await });
        Self { accepted, wanted, task }
    }

    /// Waits until so much of the load is accepted.
    ///
    /// # Errors
    /// A feeder that gave up.
    pub async fn until(&self, part: f64) -> Result<()> {
        let least = Duration::from_secs(1).mul_f64(part).as_micros() * self.wanted as u128 / 1_000_000;
        while (self.accepted.load(Ordering::Relaxed) as u128) < least {
            ensure!(!self.task.is_finished(), "the feeder gave up");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Jobs that are accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Waits until all is accepted.
    ///
    /// # Errors
    /// A feeder that gave up.
    pub async fn end(self) -> Result<Fed> {
        self.task.await.context("the feeder panicked")?
    }
}

/// A straight way to the ledger.
#[derive(Clone)]
pub struct Look {
    /// Its URL, as the superuser.
    pub url: String,
}

impl Look {
    /// A connection.
    ///
    /// # Errors
    /// The server's.
    pub async fn connect(&self) -> Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

async fn feed(db: &Db, load: &Load, look: &Look, count: &AtomicUsize) -> Result<Fed> {
    let mut fed = Fed::default();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let batch = (load.rate / 20).max(1);
    // A generator of ids for each: ids of one go up, whatever the others' clocks say.
    let clocks: Vec<(TimeDelta, Ids)> =
        load.off_by_s.iter().map(|off| (TimeDelta::seconds(*off), Ids::new(random()))).collect();
    let mut whose = clocks.iter().cycle();
    loop {
        let (made, wanted) = (fed.ids.len(), load.jobs - (fed.ids.len() - fed.merged.len()));
        if wanted == 0 {
            return Ok(fed);
        }
        tick.tick().await;
        let Some((off, generator)) = whose.next() else { bail!("somebody must accept the jobs") };
        let numbers = made..made + batch.min(wanted);
        let jobs: Vec<NewJob> = numbers.clone().map(|n| (load.make)(n, generator.uuid(clock::now() + *off))).collect();
        fed.merged.extend(accept(db, look, &jobs).await?);
        fed.ids.extend(jobs.iter().map(|job| job.id));
        count.store(fed.ids.len() - fed.merged.len(), Ordering::Relaxed);
        if let Some(told) = &load.told {
            numbers.for_each(|n| _ = told.send(n));
        }
    }
}

/// Answers which of them were merged into others.
async fn accept(db: &Db, look: &Look, jobs: &[NewJob]) -> Result<HashSet<Uuid>> {
    // By what was answered to a try that may have been the one that was committed.
    let mut said = HashSet::new();
    for _ in 0..TRIES {
        match once(db, jobs, &mut said).await {
            Ok(merged) => return Ok(merged),
            Err(error) if error.is_retryable() => tokio::time::sleep(AGAIN).await,
            Err(error) => {
                let there = there(look, jobs).await?;
                if !matches!(error, DbError::Conflict { .. }) || there.is_empty() {
                    return Err(error).context("a batch was refused");
                }
                return Ok(said.difference(&there).copied().collect());
            }
        }
    }
    bail!("a batch was not accepted in {TRIES} tries")
}

async fn once(db: &Db, jobs: &[NewJob], said: &mut HashSet<Uuid>) -> DbResult<HashSet<Uuid>> {
    let mut tx = db.system("chaos: load").await?;
    let outcomes = tx.enqueue_all(jobs.to_vec()).await?;
    let pairs = jobs.iter().zip(outcomes);
    let merged: HashSet<Uuid> =
        pairs.filter(|(_, outcome)| matches!(outcome, Inserted::Existing(_))).map(|(job, _)| job.id).collect();
    said.extend(&merged);
    tx.commit().await?;
    Ok(merged)
}

/// Those of `jobs` that the ledger has.
async fn there(look: &Look, jobs: &[NewJob]) -> Result<HashSet<Uuid>> {
    let client = look.connect().await?;
    let ids: Vec<String> = jobs.iter().map(|job| job.id.to_string()).collect();
    let rows = client.query("SELECT id::text FROM queue.jobs WHERE id = ANY ($1::text[]::uuid[])", &[&ids]).await?;
    rows.iter().map(|row| Ok(row.get::<_, &str>(0).parse()?)).collect()
}
