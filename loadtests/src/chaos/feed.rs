//! Whoever accepts the jobs: at a steady pace, and again and again until each is known to be in the ledger.
//!
//! A batch whose commit was not answered may be in the ledger or not. It is handed in again under the same ids, and a
//! refusal of those ids is the answer. The pace does not make up for an outage, so that there is load after it too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use chrono::TimeDelta;
use patchbay_db::{Db, DbError, DbResult, Ids};
use patchbay_queue::NewJob;
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::clock;
use crate::stack::random;

/// Jobs to be made: number `n` of them, under an id.
pub type Make = Arc<dyn Fn(usize, Uuid) -> NewJob + Send + Sync>;

/// What is fed.
#[derive(Clone)]
pub struct Load {
    /// Jobs.
    pub jobs: usize,
    /// A second.
    pub rate: usize,
    /// Makes them.
    pub make: Make,
    /// By how many seconds the clocks of those who accept them are off, batch by batch in turn.
    pub off_by_s: &'static [i64],
}

/// Feeding under way.
pub struct Feed {
    accepted: Arc<AtomicUsize>,
    wanted: usize,
    task: JoinHandle<Result<Vec<Uuid>>>,
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

    /// Waits until all is accepted; answers the ids.
    ///
    /// # Errors
    /// A feeder that gave up.
    pub async fn end(self) -> Result<Vec<Uuid>> {
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

async fn feed(db: &Db, load: &Load, look: &Look, count: &AtomicUsize) -> Result<Vec<Uuid>> {
    let mut ids = Vec::with_capacity(load.jobs);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let batch = (load.rate / 20).max(1);
    // A generator of ids for each: ids of one go up, whatever the others' clocks say.
    let clocks: Vec<(TimeDelta, Ids)> =
        load.off_by_s.iter().map(|off| (TimeDelta::seconds(*off), Ids::new(random()))).collect();
    let mut whose = clocks.iter().cycle();
    while ids.len() < load.jobs {
        tick.tick().await;
        let Some((off, generator)) = whose.next() else { bail!("somebody must accept the jobs") };
        let jobs: Vec<NewJob> = (ids.len()..load.jobs.min(ids.len() + batch))
            .map(|n| (load.make)(n, generator.uuid(clock::now() + *off)))
            .collect();
        accept(db, look, &jobs).await?;
        ids.extend(jobs.iter().map(|job| job.id));
        count.store(ids.len(), Ordering::Relaxed);
    }
    Ok(ids)
}

async fn accept(db: &Db, look: &Look, jobs: &[NewJob]) -> Result<()> {
    for _ in 0..TRIES {
        match once(db, jobs).await {
            Ok(()) => return Ok(()),
            Err(DbError::Conflict { .. }) if is_there(look, jobs[0].id).await? => return Ok(()),
            Err(error) if error.is_retryable() => tokio::time::sleep(AGAIN).await,
            Err(error) => return Err(error).context("a batch was refused"),
        }
    }
    bail!("a batch was not accepted in {TRIES} tries")
}

async fn once(db: &Db, jobs: &[NewJob]) -> DbResult<()> {
    let mut tx = db.system("chaos: load").await?;
    tx.enqueue_all(jobs.to_vec()).await?;
    tx.commit().await
}

async fn is_there(look: &Look, id: Uuid) -> Result<bool> {
    let client = look.connect().await?;
    let sql = "SELECT EXISTS (SELECT FROM queue.jobs WHERE id = $1::text::uuid)";
    Ok(client.query_one(sql, &[&id.to_string()]).await?.get(0))
}
