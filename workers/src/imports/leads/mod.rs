//! `imports.leads`: a file of leads becomes contacts, channels and leads.
//!
//! Three things run side by side: pieces of the file come out of the database, a thread of its own turns them into
//! batches of rows (reading phone numbers is computing), and the batches are written, one transaction each. Between
//! them are channels of a few places, so that what is held does not grow with the file.
//! A run may end at any instant. The counter of written rows is committed with them, and the next run reads the
//! file from its start and passes over that many: nothing is lost, nothing is written twice.
//! It is broken by anything that makes the records depend on more than the file's bytes.

mod count;
mod errors;
mod pieces;
mod rows;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use patchbay_db::ids::{ImportId, JobId, TenantId};
use patchbay_db::{Db, DbResult, TypedId};
use patchbay_domain::events::Cause;
use patchbay_domain::imports::store::{self, Ending, Run};
use patchbay_domain::imports::{Counts, Import, ImportState};
use patchbay_jobs::imports::ImportLeads;
use patchbay_queue::ledger::progress::Progress;
use patchbay_queue::{Handler, JobContext, JobError, Outcome};
use patchbay_service::Clock;
use serde_json::json;

/// Runs imports.
#[derive(Clone)]
pub struct LeadImporter {
    db: Db,
    clock: Arc<dyn Clock>,
}

/// How a run is watched: the job's context, or a test in its place.
#[async_trait]
pub trait Watch: Send + Sync {
    /// Whether somebody wants the run to stop.
    fn is_cancelled(&self) -> bool;
    /// How far it has come.
    async fn progress(&self, counts: Counts);
}

#[async_trait]
impl Watch for JobContext {
    fn is_cancelled(&self) -> bool {
        Self::is_cancelled(self)
    }

    async fn progress(&self, counts: Counts) {
        let succeeded = counts.created + counts.updated;
        let progress =
            Progress { total: counts.total, succeeded, failed: counts.failed, skipped: counts.skipped, held: 0 };
        Self::progress(self, progress).await;
    }
}

/// What a run needs to know of itself.
struct Work<'w> {
    tenant: TenantId,
    import: Import,
    watch: &'w dyn Watch,
    request_id: Option<&'w str>,
}

impl LeadImporter {
    /// An importer on this database.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }

    /// Runs the import `id` for `job` to its end, or to the first trouble.
    ///
    /// # Errors
    /// What stopped it; what was written until then stays.
    pub async fn import(
        &self,
        tenant: TenantId,
        job: JobId,
        id: ImportId,
        watch: &dyn Watch,
        request_id: Option<&str>,
    ) -> Result<Outcome, JobError> {
        let Some(run) = self.claim(tenant, job, id).await.map_err(errors::job_error)? else {
            // Cancelled, or done by a run that could not say so any more.
            let import = self.ended(tenant, id).await.map_err(errors::job_error)?;
            return Ok(outcome(&import));
        };
        let Run { mut import, tenant_country } = run;
        if import.counts.total == 0 {
            import.counts.total = self.count(tenant, &import).await?;
        }
        let work = Work { tenant, import, watch, request_id };
        watch.progress(work.import.counts).await;
        let import = self.write_all(&work, tenant_country).await?;
        watch.progress(import.counts).await;
        Ok(outcome(&import))
    }

    async fn claim(&self, tenant: TenantId, job: JobId, id: ImportId) -> DbResult<Option<Run>> {
        let mut tx = self.db.begin(tenant).await?;
        let run = store::claim(&mut tx, id, job).await?;
        tx.commit().await?;
        Ok(run)
    }

    async fn ended(&self, tenant: TenantId, id: ImportId) -> DbResult<Import> {
        let mut tx = self.db.begin(tenant).await?;
        let import = store::get(&mut tx, id).await?;
        if import.state == ImportState::Cancelled {
            store::drop_chunks(&mut tx, id).await?;
        }
        tx.commit().await?;
        Ok(import)
    }

    async fn finish(
        &self,
        tenant: TenantId,
        id: ImportId,
        request_id: Option<&str>,
        ending: Ending,
    ) -> DbResult<Import> {
        let cause = Cause { ids: self.db.ids(), now: self.clock.now(), request_id };
        let mut tx = self.db.begin(tenant).await?;
        let import = store::finish(&mut tx, &cause, id, ending).await?;
        tx.commit().await?;
        Ok(import)
    }
}

fn outcome(import: &Import) -> Outcome {
    if import.state == ImportState::Cancelled {
        return Outcome::Cancelled;
    }
    let counts = import.counts;
    Outcome::Done(Some(json!({
        "import_id": import.id,
        "dry_run": import.dry_run,
        "rows_total": counts.total,
        "rows_created": counts.created,
        "rows_updated": counts.updated,
        "rows_skipped": counts.skipped,
        "rows_failed": counts.failed,
    })))
}

#[async_trait]
impl Handler<ImportLeads> for LeadImporter {
    async fn run(&self, job: ImportLeads, ctx: &JobContext) -> Result<Outcome, JobError> {
        let (tenant, id) = (TenantId::from_uuid(ctx.tenant()), job.import_id);
        let ran = self.import(tenant, JobId::from_uuid(ctx.id()), id, ctx, ctx.request_id()).await;
        if let Err(error) = &ran
            && errors::is_final(error, ctx.is_last_attempt())
        {
            let ending = Ending::Failed(error.code.clone(), error.detail.clone());
            // A failure to note it is mended by the sweep, which compares imports with their jobs.
            if let Err(error) = self.finish(tenant, id, ctx.request_id(), ending).await {
                tracing::warn!(import = %id, %error, "the failed import could not be marked");
            }
        }
        ran
    }
}
