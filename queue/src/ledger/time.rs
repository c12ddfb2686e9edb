//! The ledger's time, which schedulers, keepers and the API whose own clocks differ agree on.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::Timestamptz;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use crate::sql::statement;

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// What PostgreSQL's clock shows, not when a transaction began.
///
/// # Errors
/// The database's.
pub async fn now(conn: &mut AsyncPgConnection) -> QueryResult<DateTime<Utc>> {
    Ok(statement("SELECT clock_timestamp() AS now").get_result::<Now>(conn).await?.now)
}
