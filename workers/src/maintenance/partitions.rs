//! `maintenance.partitions`.
//!
//! Apart from retention: a day that is missing at midnight cannot wait for a long deletion.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use patchbay_db::{Db, DbResult};
use patchbay_jobs::maintenance::MakePartitions;
use patchbay_queue::ledger::partitions;
use patchbay_queue::{Handler, JobContext, JobError, Outcome};
use patchbay_service::Clock;
use serde_json::json;

use crate::runtime::fault;

/// Days that must be there, today among them. The migration makes as many: an installation may be without its
/// scheduler for a week before jobs fall into the default partition.
const DAYS: i32 = 8;

/// Makes the ledger's partitions.
#[derive(Debug, Clone)]
pub struct PartitionMaker {
    db: Db,
    clock: Arc<dyn Clock>,
}

impl PartitionMaker {
    /// A maker for this database.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }

    /// Makes what is missing from the day of `now` on; answers how many there were.
    ///
    /// # Errors
    /// The database's; a long transaction in the way is weather.
    pub async fn make(&self, now: DateTime<Utc>) -> DbResult<i32> {
        let mut tx = self.db.system("maintenance.partitions: the ledger's coming days").await?;
        let made = partitions::ensure(&mut tx, now.date_naive(), DAYS).await?;
        tx.commit().await?;
        Ok(made)
    }
}

#[async_trait]
impl Handler<MakePartitions> for PartitionMaker {
    async fn run(&self, _: MakePartitions, _: &JobContext) -> Result<Outcome, JobError> {
        let made = self.make(self.clock.now()).await.map_err(|error| fault::db(&error))?;
        Ok(Outcome::Done(Some(json!({ "made": made }))))
    }
}
