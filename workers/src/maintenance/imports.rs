//! `maintenance.imports`.
//!
//! Uploads that broke off and jobs that died leave imports that nobody else would end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::{Db, DbResult};
use patchbay_domain::imports::store::{self, Swept};
use patchbay_jobs::maintenance::SweepImports;
use patchbay_queue::{Handler, JobContext, JobError, Outcome};
use patchbay_service::Clock;
use serde_json::json;

use crate::runtime::fault;

/// Sweeps imports.
#[derive(Debug, Clone)]
pub struct ImportSweeper {
    db: Db,
    clock: Arc<dyn Clock>,
    keep: TimeDelta,
}

impl ImportSweeper {
    /// A sweeper of this database that keeps what was uploaded for `keep`.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, keep: Duration) -> Self {
        // No settings have a time that is too long: then everything is kept.
        Self { db, clock, keep: TimeDelta::from_std(keep).unwrap_or(TimeDelta::MAX) }
    }

    /// One sweep, as of `now`.
    ///
    /// # Errors
    /// The database's; nothing is swept then.
    pub async fn sweep(&self, now: DateTime<Utc>) -> DbResult<Swept> {
        let mut tx = self.db.system("maintenance.imports: all tenants' imports").await?;
        let swept = store::sweep(&mut tx, now, self.keep).await?;
        tx.commit().await?;
        Ok(swept)
    }
}

#[async_trait]
impl Handler<SweepImports> for ImportSweeper {
    async fn run(&self, _: SweepImports, _: &JobContext) -> Result<Outcome, JobError> {
        let Swept { uploads, orphans, files } =
            self.sweep(self.clock.now()).await.map_err(|error| fault::db(&error))?;
        Ok(Outcome::Done(Some(json!({ "uploads": uploads, "orphans": orphans, "files": files }))))
    }
}
