//! How many rows the file has: counted before the first is written, so that progress is a fraction of the truth and
//! not of a guess. Splitting records is a small part of the work of importing them.

use patchbay_db::ids::TenantId;
use patchbay_domain::imports::Import;
use patchbay_domain::imports::batches::Batches;
use patchbay_domain::imports::store;
use patchbay_queue::JobError;

use super::LeadImporter;
use super::errors::job_error;
use super::pieces::{Pieces, pieces};
use super::write::{decoder, delimiter};

impl LeadImporter {
    pub(super) async fn count(&self, tenant: TenantId, import: &Import) -> Result<i32, JobError> {
        let batches = Batches::counting(decoder(import)?, delimiter(import)?);
        let pieces = pieces(&self.db, tenant, import.id);
        let counted = tokio::task::spawn_blocking(move || count(pieces, batches)).await;
        let total = counted
            .map_err(|error| JobError::retryable("import_reader_died", error.to_string()))?
            .map_err(job_error)?;
        let mut tx = self.db.begin(tenant).await.map_err(job_error)?;
        store::set_total(&mut tx, import.id, total).await.map_err(job_error)?;
        tx.commit().await.map_err(job_error)?;
        Ok(total)
    }
}

fn count(mut pieces: Pieces, mut batches: Batches) -> patchbay_db::DbResult<i32> {
    while let Some(piece) = pieces.blocking_recv() {
        batches.push(&piece?, &mut |_| true);
    }
    batches.end(&mut |_| true);
    Ok(batches.rows())
}
