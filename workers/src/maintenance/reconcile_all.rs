//! `maintenance.reconcile_all`.
//!
//! It asks nobody itself: it starts one job for each account that has something to ask, so that a slow provider
//! delays its own only.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use patchbay_db::ids::JobId;
use patchbay_db::{Db, DbResult, TypedId as _};
use patchbay_domain::messages::reconcile::due_accounts;
use patchbay_jobs::maintenance::ReconcileAll;
use patchbay_jobs::messages::Reconcile;
use patchbay_queue::ledger::Inserted;
use patchbay_queue::{Handler, JobContext, JobError, JobRequest, NewJob, Outcome};
use patchbay_service::{Clock, telemetry};
use serde_json::json;

use crate::runtime::fault;

/// Starts reconciliations.
#[derive(Debug, Clone)]
pub struct ReconcileStarter {
    db: Db,
    clock: Arc<dyn Clock>,
}

impl ReconcileStarter {
    /// A starter for this database.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }

    /// Enqueues a job for each account that has something to ask about; answers how many accounts there are, and
    /// how many of them had no living job yet.
    ///
    /// # Errors
    /// The database's; no job is enqueued then.
    pub async fn start(&self, now: DateTime<Utc>) -> DbResult<(usize, usize)> {
        let mut tx = self.db.system("maintenance.reconcile_all: accounts of all tenants").await?;
        let accounts = due_accounts(&mut tx).await?;
        let trace = telemetry::current_traceparent();
        let jobs: Vec<NewJob> = accounts
            .iter()
            .map(|account| {
                let job = Reconcile { provider_account_id: account.id };
                let id: JobId = self.db.new_id(now);
                JobRequest::new(id.uuid(), account.tenant_id.uuid(), job)
                    .subject(account.id.to_string())
                    .caused_by(trace.clone(), None)
                    .into()
            })
            .collect();
        let inserted = tx.enqueue_all(jobs).await?;
        tx.commit().await?;
        let new = inserted.iter().filter(|one| !matches!(one, Inserted::Existing(_))).count();
        Ok((accounts.len(), new))
    }
}

#[async_trait]
impl Handler<ReconcileAll> for ReconcileStarter {
    async fn run(&self, _: ReconcileAll, _: &JobContext) -> Result<Outcome, JobError> {
        let (accounts, started) = self.start(self.clock.now()).await.map_err(|error| fault::db(&error))?;
        Ok(Outcome::Done(Some(json!({ "accounts": accounts, "started": started }))))
    }
}
