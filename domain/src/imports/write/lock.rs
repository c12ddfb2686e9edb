//! The import's own row: locked before a batch, counted up after it.

use diesel::QueryableByName;
use diesel::sql_types::{Integer, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ImportId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use crate::imports::model::{Counts, ImportState};

/// Imports of one tenant take turns, batch by batch: two with the same people would otherwise wait for each
/// other's rows in different orders, and one would die of the deadlock.
const TURN: &str = "SELECT pg_advisory_xact_lock(hashtextextended('imports ' || $1::text, 0))";

const LOCK: &str = "SELECT state, rows_done FROM imports WHERE tenant_id = $1 AND id = $2 FOR UPDATE";

const COUNT: &str = "
UPDATE imports SET rows_done = rows_done + $3, rows_created = rows_created + $4, rows_updated = rows_updated + $5,
    rows_skipped = rows_skipped + $6, rows_failed = rows_failed + $7, updated_at = now()
WHERE tenant_id = $1 AND id = $2
RETURNING rows_total, rows_created, rows_updated, rows_skipped, rows_failed, rows_done";

#[derive(QueryableByName)]
struct Stands {
    #[diesel(sql_type = Text)]
    state: ImportState,
    #[diesel(sql_type = Integer)]
    rows_done: i32,
}

pub(super) async fn lock(tx: &mut Tx, import: ImportId) -> DbResult<(ImportState, i32)> {
    let tenant = tx.tenant();
    statement(TURN).bind::<Uuid, _>(tenant).execute(&mut **tx).await?;
    let row: Stands = statement(LOCK).bind::<Uuid, _>(tenant).bind::<Uuid, _>(import).get_result(&mut **tx).await?;
    Ok((row.state, row.rows_done))
}

pub(super) async fn count(tx: &mut Tx, import: ImportId, rows: i32, tally: &Counts) -> DbResult<Counts> {
    Ok(statement(COUNT)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(import)
        .bind::<Integer, _>(rows)
        .bind::<Integer, _>(tally.created)
        .bind::<Integer, _>(tally.updated)
        .bind::<Integer, _>(tally.skipped)
        .bind::<Integer, _>(tally.failed)
        .get_result(&mut **tx)
        .await?)
}
