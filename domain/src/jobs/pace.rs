//! Many dead letters at a pace: what `jobs.redrive` and `jobs.discard` do, slice by slice.
//!
//! A slice and its count are one transaction, so a run that is repeated after a crash neither goes over the cap nor
//! forgets what was done. What is taken leaves the dead letters, which is why a run needs no place to go on from.
//! The pace is kept over runs: each takes what the time since the one before allows, and goes back to wait; nobody
//! holds a worker's slot between two slices.

use chrono::{DateTime, Utc};
use patchbay_db::ids::JobId;
use patchbay_db::{DbError, DbResult, Tx, TypedId};
use patchbay_jobs::jobs::Selection;
use patchbay_queue::ledger::progress::{self, Progress};
use patchbay_queue::ledger::view;

use super::dead_letters::{self, Filter};
use super::{discard, redrive};

/// Most that one transaction takes.
pub const SLICE: i64 = 500;

/// Most that one job takes.
pub const MOST: u32 = 100_000;

/// Seconds whose allowance a run may use at once, where the one before was longer ago.
const CATCH_UP: f64 = 5.0;

/// What is done to the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// They run again.
    Redrive,
    /// They are put away.
    Discard,
}

/// Where a job stands when a run of it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What earlier runs did.
    pub progress: Progress,
    /// When the run before began; none in the first.
    pub before: Option<DateTime<Utc>>,
}

impl From<Selection> for Filter {
    fn from(selection: Selection) -> Self {
        Self {
            queue: selection.queue,
            kind: selection.kind,
            subject: selection.subject,
            error_class: selection.error_class,
            error_code: selection.error_code,
            failed_from: selection.failed_from,
            failed_before: Some(selection.failed_before),
        }
    }
}

/// Where `job` stands; nothing where the tenant has no such job.
///
/// # Errors
/// The database's.
pub async fn standing(tx: &mut Tx, job: JobId) -> DbResult<Option<Standing>> {
    let tenant = tx.tenant().uuid();
    let job = view::get(tx, tenant, job.uuid()).await?;
    Ok(job.map(|job| Standing { progress: job.progress(), before: job.started_at }))
}

/// How many a run that begins at `now` may take, by the pace alone.
#[must_use]
pub fn allowance(per_second: Option<u32>, before: Option<DateTime<Utc>>, now: DateTime<Utc>) -> u32 {
    let Some(per_second) = per_second else { return u32::MAX };
    let since = before.map_or(1.0, |before| (now - before).as_seconds_f64().clamp(0.0, CATCH_UP));
    let units = (f64::from(per_second) * since).floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and five times a u32")]
    let units = units.min(f64::from(u32::MAX)) as u32;
    units
}

/// Does `deed` to the oldest `want` of the selection that are still dead, and counts them as done by `job`. Answers
/// which they were: fewer than wanted means that no more are left.
///
/// # Errors
/// The database's; `RowsAffected` where the job is another run's by now.
pub async fn slice(
    tx: &mut Tx,
    deed: Deed,
    selection: &Selection,
    want: i64,
    (job, fence): (JobId, i64),
    progress: &mut Progress,
) -> DbResult<Vec<JobId>> {
    let found = if selection.ids.is_empty() {
        dead_letters::pick(tx, selection.clone().into(), want).await?
    } else {
        dead_letters::dead_before(tx, &selection.ids, selection.failed_before, want).await?
    };
    let done = match deed {
        Deed::Redrive => redrive::redrive(tx, &found).await?,
        Deed::Discard => discard::discard(tx, &found).await?,
    };
    progress.succeeded = progress.succeeded.saturating_add(i32::try_from(done.len()).unwrap_or(i32::MAX));
    progress.total = progress.total.max(progress.succeeded);
    let tenant = tx.tenant().uuid();
    if !progress::set(tx, tenant, job.uuid(), fence, *progress).await? {
        return Err(DbError::RowsAffected { expected: 1, actual: 0 });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_pace_is_kept_over_runs_and_caught_up_a_little() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let ago = |ms| Some(now - TimeDelta::milliseconds(ms));
        assert_eq!(allowance(Some(10), None, now), 10);
        assert_eq!(allowance(Some(10), ago(1_000), now), 10);
        assert_eq!(allowance(Some(10), ago(2_550), now), 25);
        assert_eq!(allowance(Some(10), ago(3_600_000), now), 50, "a pause is not made up for at once");
        assert_eq!(allowance(Some(1), ago(300), now), 0, "too early");
        assert_eq!(allowance(None, ago(0), now), u32::MAX);
    }
}
