//! A run ends: the import gets its last state, its one event, and (where nothing follows) loses its file.

use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ImportId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;
use serde_json::json;

use super::chunks::drop_chunks;
use super::get::get;
use crate::events::{self, Cause};
use crate::imports::model::{Import, ImportState};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every row has its outcome.
    Completed,
    /// Its job was cancelled.
    Cancelled,
    /// It cannot go on: a stable code, and words for a person.
    Failed(String, String),
}

const FINISH: &str = "
UPDATE imports SET state = $3, failure_code = $4, failure = $5, updated_at = $6, finished_at = $6
WHERE tenant_id = $1 AND id = $2 AND state = 'running'";

/// Ends the run, and returns the import as it is then. A run that has ended already stays as it is.
///
/// # Errors
/// As any write.
pub async fn finish(tx: &mut Tx, cause: &Cause<'_>, id: ImportId, ending: Ending) -> DbResult<Import> {
    let (state, failure) = match &ending {
        Ending::Completed => (ImportState::Completed, None),
        Ending::Cancelled => (ImportState::Cancelled, None),
        Ending::Failed(code, detail) => (ImportState::Failed, Some((code, detail))),
    };
    let ended = statement(FINISH)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id)
        .bind::<Text, _>(state.as_str())
        .bind::<Nullable<Text>, _>(failure.map(|(code, _)| code))
        .bind::<Nullable<Text>, _>(failure.map(|(_, detail)| detail))
        .bind::<Timestamptz, _>(cause.now)
        .execute(&mut **tx)
        .await?;
    let import = get(tx, id).await?;
    if ended == 0 {
        return Ok(import);
    }
    // After a dry run or a failure the file is needed again: the sweep drops it when nobody comes.
    if !(import.dry_run && state == ImportState::Completed) && state != ImportState::Failed {
        drop_chunks(tx, id).await?;
    }
    let counts = import.counts;
    let payload = json!({
        "import_id": id, "dry_run": import.dry_run, "rows_total": counts.total, "rows_created": counts.created,
        "rows_updated": counts.updated, "rows_skipped": counts.skipped, "rows_failed": counts.failed,
        "failure_code": import.failure_code,
    });
    let kind = match state {
        ImportState::Completed => "import.completed",
        ImportState::Cancelled => "import.cancelled",
        _ => "import.failed",
    };
    events::record(tx, cause, kind, id.to_string(), payload).await?;
    Ok(import)
}
