//! Cancelling: at once while a job waits, by asking its worker while it runs.

use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::sql::statement;

#[derive(diesel::QueryableByName)]
struct Cancelled {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Bool>)]
    is_unique: Option<bool>,
}

const CANCEL: &str = "
UPDATE queue.jobs SET
    state = CASE WHEN state = 'waiting' AND $3 THEN state ELSE 'cancelled' END,
    finished_at = CASE WHEN state = 'waiting' AND $3 THEN NULL ELSE now() END,
    cancel_requested_at = coalesce(cancel_requested_at, now()),
    revision = revision + 1
WHERE tenant_id = $1 AND id = $2 AND state IN ('scheduled', 'waiting', 'held')
RETURNING state, unique_key IS NOT NULL AS is_unique";

/// Cancels a job that is not over. `running`: a worker has it ([`Lanes::drop_or_cancel`] said so), so
/// only the wish is noted. Answers the state it has now, or `None` where it was over already.
///
/// Take the job out of its lane first: the other way round, a crash in between would leave a
/// cancelled job in Redis, to be run for nothing.
///
/// # Errors
/// The database's.
///
/// [`Lanes::drop_or_cancel`]: crate::Lanes::drop_or_cancel
pub async fn cancel(
    conn: &mut AsyncPgConnection,
    tenant: Uuid,
    id: Uuid,
    running: bool,
) -> QueryResult<Option<String>> {
    let rows: Vec<Cancelled> =
        statement(CANCEL).bind::<SqlUuid, _>(tenant).bind::<SqlUuid, _>(id).bind::<Bool, _>(running).load(conn).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    if row.is_unique == Some(true) && row.state == "cancelled" {
        statement("DELETE FROM queue.unique_keys WHERE tenant_id = $1 AND job_id = $2")
            .bind::<SqlUuid, _>(tenant)
            .bind::<SqlUuid, _>(id)
            .execute(conn)
            .await?;
    }
    Ok(Some(row.state))
}
