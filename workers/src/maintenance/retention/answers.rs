//! Stored answers of idempotency keys. Each row knows when it ends: an answer must outlive the job it told of, so its
//! age is decided when it is stored.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl as _;
use patchbay_db::{DbResult, SystemTx};
use patchbay_queue::sql::statement;

const REMOVE: &str = "
DELETE FROM idempotency_keys k USING (
    SELECT tenant_id, key, operation FROM idempotency_keys
    WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED) old
WHERE k.tenant_id = old.tenant_id AND k.key = old.key AND k.operation = old.operation";

/// Removes at most `limit` answers that have ended; answers how many.
pub(super) async fn remove(tx: &mut SystemTx, now: DateTime<Utc>, limit: i64) -> DbResult<usize> {
    Ok(statement(REMOVE).bind::<Timestamptz, _>(now).bind::<BigInt, _>(limit).execute(&mut **tx).await?)
}
