//! `maintenance.retention`: each kind of thing that ages is a file here.
//!
//! Everything goes in batches, each its own short transaction: no lock is held for long, autovacuum keeps up, and a run
//! that is stopped in between has lost nothing. A thing that fails does not keep the others from their turn.

mod answers;
mod dead_letters;
mod groups;
mod jobs;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::{Db, DbResult, SystemTx};
use patchbay_jobs::maintenance::Retain;
use patchbay_queue::{Handler, JobContext, JobError, Outcome};
use patchbay_service::Clock;
use patchbay_service::config::RetentionConfig;
use serde_json::{Map, Value};

use crate::runtime::fault;

/// Rows of one transaction.
const BATCH: i64 = 2_000;

/// Removes what is past its age.
#[derive(Debug, Clone)]
pub struct Retention {
    db: Db,
    clock: Arc<dyn Clock>,
    ages: RetentionConfig,
}

/// How many of each thing a run removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Dead letters put away.
    pub dead_letters: usize,
    /// Groups whose jobs are past theirs.
    pub groups: usize,
    /// Days of the ledger.
    pub days: usize,
    /// Stored answers.
    pub answers: usize,
}

impl Retention {
    /// Retention by these ages.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, ages: RetentionConfig) -> Self {
        Self { db, clock, ages }
    }

    /// Removes what is past its age as of `now`, until `stop` says so.
    ///
    /// # Errors
    /// The first that any of the things met; the others were done nevertheless.
    pub async fn remove(&self, now: DateTime<Utc>, stop: &(dyn Fn() -> bool + Sync)) -> DbResult<Removed> {
        let before = |age| TimeDelta::from_std(age).ok().and_then(|age| now.checked_sub_signed(age));
        let before = |age| before(age).unwrap_or(DateTime::UNIX_EPOCH);
        // Dead letters first: a day that holds one cannot be dropped.
        let dead_letters = self.batches(Aged::DeadLetters, before(self.ages.dead_letters), stop).await;
        let groups = self.batches(Aged::Groups, before(self.ages.jobs), stop).await;
        let days = self.batches(Aged::Days, before(self.ages.jobs), stop).await;
        let answers = self.batches(Aged::Answers, now, stop).await;
        Ok(Removed { dead_letters: dead_letters?, groups: groups?, days: days?, answers: answers? })
    }

    async fn batches(&self, thing: Aged, before: DateTime<Utc>, stop: &(dyn Fn() -> bool + Sync)) -> DbResult<usize> {
        let mut total = 0;
        while !stop() {
            let mut tx = self.db.system("maintenance.retention: all tenants' old rows").await?;
            let removed = thing.remove(&mut tx, before).await?;
            tx.commit().await?;
            total += removed;
            if removed == 0 {
                break;
            }
        }
        Ok(total)
    }
}

/// What ages.
#[derive(Debug, Clone, Copy)]
enum Aged {
    DeadLetters,
    Groups,
    Days,
    Answers,
}

impl Aged {
    /// Removes one batch of what is older than `before`; answers how many, none where no more are left.
    async fn remove(self, tx: &mut SystemTx, before: DateTime<Utc>) -> DbResult<usize> {
        match self {
            Self::DeadLetters => dead_letters::put_away(tx, before, BATCH).await,
            Self::Groups => groups::forget(tx, before, BATCH).await,
            Self::Days => jobs::drop_days(tx, before).await,
            Self::Answers => answers::remove(tx, before, BATCH).await,
        }
    }
}

#[async_trait]
impl Handler<Retain> for Retention {
    async fn run(&self, _: Retain, ctx: &JobContext) -> Result<Outcome, JobError> {
        let removed = self.remove(self.clock.now(), &|| ctx.is_cancelled()).await.map_err(|error| fault::db(&error))?;
        if ctx.is_cancelled() {
            return Ok(Outcome::Cancelled);
        }
        Ok(Outcome::Done(Some(removed.into())))
    }
}

impl From<Removed> for Value {
    fn from(removed: Removed) -> Self {
        let Removed { dead_letters, groups, days, answers } = removed;
        let counts = [("dead_letters", dead_letters), ("groups", groups), ("days", days), ("answers", answers)];
        Self::Object(
            counts.map(|(name, count)| (name.to_owned(), Self::from(count))).into_iter().collect::<Map<_, _>>(),
        )
    }
}
