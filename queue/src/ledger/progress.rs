//! How far a job has come: counts that always add up (the table's constraint holds them to it).

use diesel::result::QueryResult;
use diesel::sql_types::{Int4, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
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
UPDATE queue.jobs SET progress_total = $3, progress_succeeded = $4, progress_failed = $5, progress_skipped = $6,
    progress_held = $7, revision = revision + 1
WHERE tenant_id = $1 AND id = $2
    AND (progress_total, progress_succeeded, progress_failed, progress_skipped, progress_held) <> ($3, $4, $5, $6, $7)";

/// Sets a job's progress (absolute, so that a repeat changes nothing).
///
/// # Errors
/// The database's; counts that exceed the total are refused.
pub async fn set(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid, progress: Progress) -> QueryResult<()> {
    statement(SET)
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(id)
        .bind::<Int4, _>(progress.total)
        .bind::<Int4, _>(progress.succeeded)
        .bind::<Int4, _>(progress.failed)
        .bind::<Int4, _>(progress.skipped)
        .bind::<Int4, _>(progress.held)
        .execute(conn)
        .await
        .map(drop)
}
