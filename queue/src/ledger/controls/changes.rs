//! Word of what changed: written by triggers in the transaction of the change, taken away once Redis has the copy.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int8, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::sql::statement;

/// Controls of a queue that were changed.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Change {
    /// The word of it.
    #[diesel(sql_type = Int8)]
    pub id: i64,
    /// The queue, or [`EVERY_QUEUE`](crate::lanes::EVERY_QUEUE).
    #[diesel(sql_type = Text)]
    pub queue: String,
}

/// What was changed and not copied yet, some of it; for the system's role.
///
/// # Errors
/// The database's.
pub async fn changes(conn: &mut AsyncPgConnection) -> QueryResult<Vec<Change>> {
    statement("SELECT id, queue FROM queue.control_changes ORDER BY id LIMIT 10000").load(conn).await
}

/// Takes the word of changes away: they are copied.
///
/// # Errors
/// The database's.
pub async fn forget(conn: &mut AsyncPgConnection, changes: &[Change]) -> QueryResult<()> {
    let ids: Vec<i64> = changes.iter().map(|change| change.id).collect();
    statement("DELETE FROM queue.control_changes WHERE id = ANY ($1)")
        .bind::<Array<Int8>, _>(ids)
        .execute(conn)
        .await
        .map(drop)
}
