//! Who does to accepted jobs what has to be done from outside: seals groups, releases and cancels, over the same troubled ways
//! as everybody, each again until it is known to be done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use patchbay_db::ids::TenantId;
use patchbay_db::{Db, DbError, DbResult, TypedId as _};
use patchbay_queue::lanes::When;
use patchbay_queue::ledger::{cancel, groups, hold};
use patchbay_queue::{LaneName, Lanes};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use super::{Deed, Mix};
use crate::chaos::agent::jobs::QUEUE;
use crate::chaos::observer::Witness;

/// From the acceptance to the deed: long enough that what can run does.
const PAUSE: Duration = Duration::from_millis(300);
const AGAIN: Duration = Duration::from_millis(200);
/// Tries of one deed: longer than any outage.
const TRIES: usize = 1_000;
/// Deeds at a time.
const AT_ONCE: usize = 4;

/// A deed that was done, by the observer's clock.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// When it was first tried.
    pub tried: Duration,
    /// When it was answered.
    pub answered: Duration,
    /// With what.
    pub said: Said,
}

/// What a deed was answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It is done: of all but cancels.
    Done,
    /// The job will not run: the ledger has it as cancelled.
    Stopped,
    /// The job runs; its worker will hear that it is not wanted.
    Wished,
    /// The job is over.
    Over,
}

/// Doing under way.
pub struct Hands(JoinHandle<Result<HashMap<usize, Done>>>);

/// The ways that may be troubled, and the clock.
#[derive(Clone)]
struct Ways {
    db: Db,
    lanes: Lanes,
    witness: Witness,
    room: Arc<Semaphore>,
}

impl Hands {
    /// Starts; `accepted` tells the numbers, and its end that no more will come.
    pub fn start(
        db: Db,
        lanes: Lanes,
        witness: Witness,
        mix: Arc<Mix>,
        mut accepted: mpsc::UnboundedReceiver<usize>,
    ) -> Self {
        let ways = Ways { db, lanes, witness, room: Arc::new(Semaphore::new(AT_ONCE)) };
        Self(tokio::spawn(async move {
            let mut doing = JoinSet::new();
            while let Some(n) = accepted.recv().await {
                mix.accepted(n);
                if let Some((tenant, id, lane, deed)) = mix.deed(n) {
                    let (ways, lane) = (ways.clone(), LaneName { tenant, lane });
                    doing.spawn(async move { anyhow::Ok((n, ways.until_done(id, &lane, deed).await?)) });
                }
            }
            let mut done = HashMap::new();
            while let Some(ended) = doing.join_next().await {
                done.extend([ended.context("a deed panicked")??]);
            }
            Ok(done)
        }))
    }

    /// Waits until all is done; answers what, by number.
    ///
    /// # Errors
    /// What could not be done.
    pub async fn end(self) -> Result<HashMap<usize, Done>> {
        self.0.await.context("the hands panicked")?
    }
}

impl Ways {
    async fn until_done(&self, id: Uuid, lane: &LaneName, deed: Deed) -> Result<Done> {
        tokio::time::sleep(PAUSE).await;
        let _room = self.room.acquire().await?;
        let tried = self.witness.book().now();
        for _ in 0..TRIES {
            match self.once(id, lane, deed).await {
                Ok(said) => return Ok(Done { tried, answered: self.witness.book().now(), said }),
                Err(error) if error.is_retryable() => tokio::time::sleep(AGAIN).await,
                Err(error) => return Err(error).with_context(|| format!("{deed:?} of {id} was refused")),
            }
        }
        bail!("{deed:?} of {id} was not done in {TRIES} tries")
    }

    async fn once(&self, id: Uuid, lane: &LaneName, deed: Deed) -> DbResult<Said> {
        // As the product does: out of Redis, into the ledger, and out of Redis for good.
        let job = [(id, lane.clone())];
        let runs = deed == Deed::Cancel && self.is_running(&job).await?;
        let mut tx = self.db.begin(TenantId::from_uuid(lane.tenant)).await?;
        let mut said = Said::Done;
        match deed {
            Deed::Seal(group) => groups::seal(&mut tx, lane.tenant, group).await?,
            Deed::Release => {
                let due = hold::release(&mut tx, lane.tenant, &[id]).await?;
                tx.push_after_commit(due);
            }
            Deed::Cancel => {
                said = match cancel::cancel(&mut tx, lane.tenant, id, runs).await?.as_deref() {
                    Some("cancelled") => Said::Stopped,
                    Some(_) => Said::Wished,
                    None => Said::Over,
                };
            }
        }
        tx.commit().await?;
        if said == Said::Stopped
            && let Err(error) = self.lanes.drop_or_cancel(QUEUE, &job, When::AfterCommit).await
        {
            tracing::debug!(job = %id, %error, "a cancelled job may be in its lane still");
        }
        Ok(said)
    }

    async fn is_running(&self, job: &[(Uuid, LaneName)]) -> DbResult<bool> {
        let running = self.lanes.drop_or_cancel(QUEUE, job, When::BeforeCommit).await;
        Ok(running.map_err(|error| DbError::Unavailable(error.into()))?.contains(&true))
    }
}
