//! The table's days: made ahead, dropped when old.

use chrono::NaiveDate;
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Date, Int4};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::sql::statement;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Int4)]
    count: i32,
}

/// Makes the partitions of `days` days from `first` on; answers how many were missing.
///
/// # Errors
/// The database's.
pub async fn ensure(conn: &mut AsyncPgConnection, first: NaiveDate, days: i32) -> QueryResult<i32> {
    let row: Count = statement("SELECT queue.ensure_partitions($1, $2) AS count")
        .bind::<Date, _>(first)
        .bind::<Int4, _>(days)
        .get_result(conn)
        .await?;
    Ok(row.count)
}

/// Drops the days before the one before `before` in which no job is unfinished or dead, or ended since `before`; of the
/// other days only the finished rows go that ended before. Answers how many partitions were dropped.
///
/// # Errors
/// The database's.
pub async fn drop_before(conn: &mut AsyncPgConnection, before: NaiveDate) -> QueryResult<i32> {
    let row: Count =
        statement("SELECT queue.drop_partitions($1) AS count").bind::<Date, _>(before).get_result(conn).await?;
    Ok(row.count)
}
