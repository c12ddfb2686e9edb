//! How far a job has come: counts that always add up (the table's constraint holds them to it).

use diesel::result::QueryResult;
use diesel::sql_types::{Int4, Int8, Jsonb, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::sql::statement;

/// Counts of the things a job works through; what is not counted is pending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// All of them.
    pub total: i32,
    /// Done.
    pub succeeded: i32,
    /// Failed for good.
    pub failed: i32,
    /// Left out on purpose.
    pub skipped: i32,
    /// Waiting for something outside the job.
    pub held: i32,
}

impl Progress {
    /// What is not counted yet.
    #[must_use]
    pub const fn pending(&self) -> i32 {
        self.total - self.succeeded - self.failed - self.skipped - self.held
    }

    /// Whether the counts are counts of the total.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let counts = [self.succeeded, self.failed, self.skipped, self.held];
        counts.iter().all(|count| *count >= 0)
            && counts.into_iter().map(i64::from).sum::<i64>() <= i64::from(self.total)
    }
}

const SET: &str = "
UPDATE queue.jobs SET progress_total = $4, progress_succeeded = $5, progress_failed = $6, progress_skipped = $7,
    progress_held = $8, revision = revision + 1
WHERE tenant_id = $1 AND id = $2 AND state IN ('waiting', 'held') AND fence < $3";

/// Sets the progress of a job (absolute, so that a repeat changes nothing) by the run whose lease has `token`. `false`:
/// the job is over, or another run has its lease, and nothing was set.
///
/// # Errors
/// The database's; counts that exceed the total are refused.
pub async fn set(
    conn: &mut AsyncPgConnection,
    tenant: Uuid,
    id: Uuid,
    token: i64,
    progress: Progress,
) -> QueryResult<bool> {
    statement(SET)
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(id)
        .bind::<Int8, _>(token)
        .bind::<Int4, _>(progress.total)
        .bind::<Int4, _>(progress.succeeded)
        .bind::<Int4, _>(progress.failed)
        .bind::<Int4, _>(progress.skipped)
        .bind::<Int4, _>(progress.held)
        .execute(conn)
        .await
        .map(|rows| rows > 0)
}

const NOTE: &str = "
UPDATE queue.jobs SET result = $4, revision = revision + 1
WHERE tenant_id = $1 AND id = $2 AND state IN ('waiting', 'held') AND fence < $3";

/// Notes for the next run of a job where this one, whose lease has `token`, stops: in the place of its result, until it has
/// one. `false`: as of [`set`].
///
/// # Errors
/// The database's.
pub async fn note(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid, token: i64, note: &Value) -> QueryResult<bool> {
    statement(NOTE)
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(id)
        .bind::<Int8, _>(token)
        .bind::<Jsonb, _>(note)
        .execute(conn)
        .await
        .map(|rows| rows > 0)
}
