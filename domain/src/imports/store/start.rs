//! Starts a run of an import, dry or real: the choices, the clean slate and the job are one transaction.

use diesel::sql_types::{Bool, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::{ImportId, JobId};
use patchbay_db::{DbError, Tx, TypedId};
use patchbay_jobs::imports::ImportLeads;
use patchbay_queue::JobRequest;
use patchbay_queue::sql::statement;

use super::create::keep_choices;
use super::get::lock;
use crate::events::Cause;
use crate::imports::mapping::{Mapping, MappingEntry, MappingError};
use crate::imports::model::{Import, ImportState};
use crate::imports::options::Options;

/// What a start decides.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// Which columns go where; none takes the mapping of the upload or of the dry run before.
    pub mapping: Option<Vec<MappingEntry>>,
    /// The choices; none takes those kept with the import.
    pub options: Option<Options>,
    /// Whether to count and check only.
    pub dry_run: bool,
    /// The W3C `traceparent` of the request.
    pub trace: Option<String>,
}

/// Why a start was refused.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is nothing to start, or it runs already.
    #[error("an import that is {0} cannot be started")]
    State(ImportState),
    /// Neither the start nor the import has a mapping.
    #[error("the import has no mapping yet")]
    NoMapping,
    /// The mapping does not hold.
    #[error("the mapping has {} faults", .0.len())]
    Mapping(Vec<MappingError>),
    /// The database's.
    #[error(transparent)]
    Db(#[from] DbError),
}

const START: &str = "
UPDATE imports SET state = 'running', dry_run = $3, job_id = $4, failure_code = NULL, failure = NULL, finished_at = NULL,
    rows_created = 0, rows_updated = 0, rows_skipped = 0, rows_failed = 0, rows_done = 0, updated_at = $5
WHERE tenant_id = $1 AND id = $2";

/// Starts a run, and returns the import as it is then.
///
/// # Errors
/// See [`StartError`]; `NotFound` where the tenant has no such import.
pub async fn start(tx: &mut Tx, cause: &Cause<'_>, id: ImportId, request: StartRequest) -> Result<Import, StartError> {
    let import = lock(tx, id).await?;
    if !import.is_startable() {
        return Err(StartError::State(import.state));
    }
    let mapping = request.mapping.or_else(|| import.mapping()).ok_or(StartError::NoMapping)?;
    let columns = import.columns();
    Mapping::check(columns.iter().map(|column| column.name.as_str()), &mapping).map_err(StartError::Mapping)?;
    let options = request.options.unwrap_or_else(|| import.options());
    keep_choices(tx, id, Some(&mapping), &options).await?;
    let tenant = tx.tenant();
    for sql in [
        "DELETE FROM import_rows WHERE tenant_id = $1 AND import_id = $2",
        "DELETE FROM import_addresses WHERE tenant_id = $1 AND import_id = $2",
    ] {
        let query = statement(sql).bind::<Uuid, _>(tenant).bind::<Uuid, _>(id);
        query.execute(&mut **tx).await.map_err(DbError::from)?;
    }
    let job: JobId = cause.ids.make(cause.now);
    let written = statement(START)
        .bind::<Uuid, _>(tenant)
        .bind::<Uuid, _>(id)
        .bind::<Bool, _>(request.dry_run)
        .bind::<Uuid, _>(job)
        .bind::<Timestamptz, _>(cause.now)
        .execute(&mut **tx)
        .await
        .map_err(DbError::from)?;
    expect_rows(1, written)?;
    let request_id = cause.request_id.map(str::to_owned);
    let work = JobRequest::new(job.uuid(), tenant.uuid(), ImportLeads { import_id: id })
        .subject(id.to_string())
        .total(import.counts.total)
        .caused_by(request.trace, request_id);
    tx.enqueue(work).await?;
    Ok(lock(tx, id).await?)
}
