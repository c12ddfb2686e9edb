//! Raw webhooks that were understood. One that was not yet is kept whatever its age: it is all there is of a receipt.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl as _;
use patchbay_db::{DbResult, SystemTx};
use patchbay_queue::sql::statement;

// An id holds its time, and the key begins with the tenant: the oldest rows of each tenant are the first of its part of
// the index. No index over all tenants' times is needed, which every webhook would pay for.
const REMOVE: &str = "
DELETE FROM provider_events e USING (
    SELECT t.id AS tenant_id, old.id FROM tenants t CROSS JOIN LATERAL (
        SELECT p.id FROM provider_events p
        WHERE p.tenant_id = t.id AND p.id < queue.uuid_floor($1) AND p.processed_at IS NOT NULL
        ORDER BY p.id LIMIT $2) old
    LIMIT $2) old
WHERE e.tenant_id = old.tenant_id AND e.id = old.id";

/// Removes at most `limit` webhooks that came before `before`; answers how many.
pub(super) async fn remove(tx: &mut SystemTx, before: DateTime<Utc>, limit: i64) -> DbResult<usize> {
    Ok(statement(REMOVE).bind::<Timestamptz, _>(before).bind::<BigInt, _>(limit).execute(&mut **tx).await?)
}
