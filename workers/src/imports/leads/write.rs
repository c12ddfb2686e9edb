//! Writes the batches in order, each in a transaction of its own, until the file or somebody's patience ends.

use patchbay_db::DbError;
use patchbay_domain::countries::Country;
use patchbay_domain::events::Cause;
use patchbay_domain::imports::batches::Batches;
use patchbay_domain::imports::file::Decode;
use patchbay_domain::imports::mapping::Mapping;
use patchbay_domain::imports::row::RowReader;
use patchbay_domain::imports::store::Ending;
use patchbay_domain::imports::write::{Batch, Target, WriteError, write_batch};
use patchbay_domain::imports::{Counts, Import};
use patchbay_queue::JobError;

use super::errors::job_error;
use super::pieces::pieces;
use super::rows::rows;
use super::{LeadImporter, Work};

/// How often a batch is tried again because a contact with one of its addresses was made meanwhile.
const CONFLICTS: u32 = 20;

impl LeadImporter {
    /// Writes what is left of the file, and returns the import as it is at its end.
    pub(super) async fn write_all(&self, work: &Work<'_>, country: Option<Country>) -> Result<Import, JobError> {
        let import = &work.import;
        let reader = RowReader::new(mapping(import)?, &import.options(), country);
        let batches = Batches::new(decoder(import)?, delimiter(import)?, reader, import.counts.done);
        let mut batches = rows(pieces(&self.db, work.tenant, import.id), batches);
        let target = target(import);
        let mut done = import.counts.done;
        while let Some(batch) = batches.recv().await {
            if work.watch.is_cancelled() {
                return self.end(work, Ending::Cancelled).await;
            }
            match self.write(work, &target, &batch.map_err(job_error)?).await? {
                Some(counts) => {
                    done = counts.done;
                    work.watch.progress(counts).await;
                }
                // Cancelled, from whichever side: `finish` leaves it as it is.
                None => return self.end(work, Ending::Cancelled).await,
            }
        }
        let total = import.counts.total;
        if done != total {
            let detail = format!("the file ended after {done} of its {total} rows");
            return Err(JobError::retryable("import_file_incomplete", detail));
        }
        self.end(work, Ending::Completed).await
    }

    /// Writes one batch; none where the import is not running any more.
    async fn write(&self, work: &Work<'_>, target: &Target, batch: &Batch) -> Result<Option<Counts>, JobError> {
        for _ in 0..CONFLICTS {
            let cause = Cause { ids: self.db.ids(), now: self.clock.now(), request_id: work.request_id };
            let mut tx = self.db.begin(work.tenant).await.map_err(job_error)?;
            match write_batch(&mut tx, &cause, target, batch).await {
                Ok(counts) => {
                    tx.commit().await.map_err(job_error)?;
                    return Ok(Some(counts));
                }
                Err(WriteError::Db(DbError::Conflict { constraint })) => {
                    tracing::debug!(import = %target.import, %constraint, "a contact was made meanwhile; the batch is planned anew");
                    tx.rollback().await.map_err(job_error)?;
                }
                Err(WriteError::NotRunning(_)) => return Ok(None),
                Err(error @ WriteError::OutOfStep { .. }) => {
                    return Err(JobError::retryable("import_out_of_step", error.to_string()));
                }
                Err(WriteError::Db(error)) => return Err(job_error(error)),
            }
        }
        Err(JobError::retryable(
            "import_conflicts",
            "contacts with the same addresses are being made faster than a batch is written",
        ))
    }

    async fn end(&self, work: &Work<'_>, ending: Ending) -> Result<Import, JobError> {
        self.finish(work.tenant, work.import.id, work.request_id, ending).await.map_err(job_error)
    }
}

fn target(import: &Import) -> Target {
    let options = import.options();
    Target {
        import: import.id,
        dedupe: options.dedupe,
        consent_source: options.consent_source.unwrap_or_else(|| format!("import of {}", import.filename)),
        dry_run: import.dry_run,
    }
}

fn mapping(import: &Import) -> Result<Mapping, JobError> {
    let columns = import.columns();
    let names = columns.iter().map(|column| column.name.as_str());
    Mapping::check(names, &import.mapping().unwrap_or_default())
        .map_err(|errors| JobError::permanent("mapping_invalid", format!("the mapping has {} faults", errors.len())))
}

pub(super) fn decoder(import: &Import) -> Result<Decode, JobError> {
    let named = import.encoding.as_deref().and_then(Decode::by_name);
    named.ok_or_else(|| JobError::permanent("encoding_unknown", "the encoding of the file is not known"))
}

pub(super) fn delimiter(import: &Import) -> Result<u8, JobError> {
    match import.delimiter.as_deref().map(str::as_bytes) {
        Some([delimiter]) => Ok(*delimiter),
        _ => Err(JobError::permanent("delimiter_unknown", "the delimiter of the file is not known")),
    }
}
