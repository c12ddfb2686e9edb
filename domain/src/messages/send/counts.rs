//! How far a job's messages have come.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::JobId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::super::state::MessageState;

/// Counts of a job's messages. Those that failed for good have left it for jobs of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not done yet.
    pub pending: i32,
    /// Handed to the provider.
    pub sent: i32,
    /// Refused or cancelled.
    pub skipped: i32,
    /// Failed, and not moved to a job of their own.
    pub failed: i32,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    state: MessageState,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Counts the messages of `job`.
///
/// # Errors
/// The database's.
pub async fn counts(tx: &mut Tx, job: JobId) -> DbResult<Counts> {
    const COUNT: &str = "SELECT state, count(*) AS n FROM messages WHERE job_id = $1 GROUP BY state";
    let rows: Vec<Row> = statement(COUNT).bind::<Uuid, _>(job).load(tx).await?;
    let mut counts = Counts::default();
    for row in rows {
        let n = i32::try_from(row.n).unwrap_or(i32::MAX);
        match row.state {
            MessageState::Queued | MessageState::Sending => counts.pending += n,
            MessageState::Cancelled | MessageState::Refused => counts.skipped += n,
            MessageState::Failed | MessageState::Undelivered => counts.failed += n,
            MessageState::Sent | MessageState::Delivered | MessageState::Received => counts.sent += n,
        }
    }
    Ok(counts)
}

#[derive(QueryableByName)]
struct Why {
    #[diesel(sql_type = Nullable<Text>)]
    error_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error_detail: Option<String>,
}

/// Why the message of `job` failed, if it did and the job is still its own: code and detail.
///
/// # Errors
/// The database's.
pub async fn failure_of(tx: &mut Tx, job: JobId) -> DbResult<Option<(String, String)>> {
    const WHY: &str = "SELECT error_code, error_detail FROM messages WHERE job_id = $1 AND state IN ('failed', 'undelivered') LIMIT 1";
    let why: Vec<Why> = statement(WHY).bind::<Uuid, _>(job).load(tx).await?;
    Ok(why
        .into_iter()
        .next()
        .map(|why| (why.error_code.unwrap_or_else(|| "send_failed".to_owned()), why.error_detail.unwrap_or_default())))
}
