//! Stops an import: what was written stays, the rest of the file is dropped.
//!
//! The import's own state says it, not only its job's: a worker reads it under lock before each batch, so that a
//! cancelled import writes nothing more, whichever way the cancel came and wherever the job is.

use diesel::sql_types::{Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::ImportId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::chunks::drop_chunks;
use super::get::lock;
use crate::events::Cause;
use crate::imports::model::{Import, ImportState};

const CANCEL: &str = "
UPDATE imports SET state = 'cancelled', updated_at = $3, finished_at = $3 WHERE tenant_id = $1 AND id = $2";

/// Cancels the import, and returns it as it is then; none where it has ended otherwise. Cancelling twice is
/// once.
///
/// # Errors
/// `NotFound` where the tenant has no such import.
pub async fn cancel(tx: &mut Tx, cause: &Cause<'_>, id: ImportId) -> DbResult<Option<Import>> {
    let import = lock(tx, id).await?;
    match import.state {
        ImportState::Cancelled => return Ok(Some(import)),
        ImportState::Failed => return Ok(None),
        ImportState::Completed if !import.dry_run => return Ok(None),
        _ => {}
    }
    let written = statement(CANCEL)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id)
        .bind::<Timestamptz, _>(cause.now)
        .execute(&mut **tx)
        .await?;
    expect_rows(1, written)?;
    drop_chunks(tx, id).await?;
    Ok(Some(lock(tx, id).await?))
}
