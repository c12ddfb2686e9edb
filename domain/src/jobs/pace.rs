//! Many dead letters at a pace: what `jobs.redrive` and `jobs.discard` do, slice by slice; those of a tenant, or
//! everybody's, tenant by tenant.
//!
//! A slice and its count are one transaction, so a run that is repeated after a crash neither goes over the cap nor
//! forgets what was done. Each slice goes on after the one before, past those that cannot be taken (one that still waits
//! for others) or do not match, and each run after the one before: from the front, one that looks for a few among a million
//! would read past the others each second. Before a job is done it looks at all of them from the front once more, in one
//! run: for what can be taken by now, and what came up behind it. A run that crashes notes nothing: the next goes on from
//! where it began.
//! The pace is kept over runs: each takes what the time since the one before allows, and goes back to wait; nobody
//! holds a worker's slot between two slices.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::ids::{JobId, TenantId};
use patchbay_db::{DbError, DbResult, Tx, TypedId, Unit};
use patchbay_jobs::jobs::Selection;
use patchbay_queue::SYSTEM_TENANT;
use patchbay_queue::ledger::progress::{self, Progress};
use patchbay_queue::ledger::view;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::dead_keys::{self, Key};
use super::dead_letters::Filter;
use super::{discard, noted, redrive};
use crate::events::Cause;

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

impl Deed {
    /// Its name in the audit log.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Redrive => "dead_letters.redrive",
            Self::Discard => "dead_letters.discard",
        }
    }

    /// Does it to those of `jobs` (whose, and which) that are dead letters. Answers which.
    ///
    /// # Errors
    /// The database's.
    pub async fn carry_out<T: Unit>(self, tx: &mut T, jobs: &[(TenantId, JobId)]) -> DbResult<Vec<(TenantId, JobId)>> {
        match self {
            Self::Redrive => redrive::redrive(tx, jobs).await,
            Self::Discard => discard::discard(tx, jobs).await,
        }
    }
}

/// One run of the job that works through dead letters.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Whose job it is.
    pub tenant: TenantId,
    /// The job.
    pub job: JobId,
    /// The run's lease.
    pub fence: i64,
}

impl Run {
    /// Whose dead letters it works on: everybody's only where the job is the installation's.
    #[must_use]
    pub fn whose(&self, selection: &Selection) -> Option<TenantId> {
        let of_all = selection.of_all && self.tenant.uuid() == SYSTEM_TENANT;
        (!of_all).then_some(self.tenant)
    }
}

/// Where a job stands when a run of it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What earlier runs did.
    pub progress: Progress,
    /// When the run before began; none in the first.
    pub before: Option<DateTime<Utc>>,
    /// The last dead letter that the run before looked at, where it had not looked at all of them.
    pub reached: Option<Key>,
}

/// Where a job that is not done notes how far it came.
const REACHED: &str = "reached";

fn reached(result: &Value) -> Option<Key> {
    Key::deserialize(result.get(REACHED)?).ok()
}

impl From<Selection> for Filter {
    fn from(selection: Selection) -> Self {
        Self {
            queue: selection.queue,
            kind: selection.kind,
            lane: selection.lane,
            group: selection.group,
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
    Ok(job.map(|job| Standing {
        progress: job.progress(),
        before: job.started_at,
        reached: job.result.as_ref().and_then(reached),
    }))
}

/// Notes for the next run that this one has `reached` so far; nothing where that one is to begin at the front. Changes
/// nothing where the job is another run's by now.
///
/// # Errors
/// The database's.
pub async fn remember(tx: &mut Tx, run: &Run, reached: Option<Key>) -> DbResult<()> {
    progress::note(tx, run.tenant.uuid(), run.job.uuid(), run.fence, &json!({ REACHED: reached })).await?;
    Ok(())
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

/// Those of the selection that are dead letters, after `after`, those that gave up first at the front.
///
/// # Errors
/// The database's.
pub async fn find(
    conn: &mut AsyncPgConnection,
    whose: Option<TenantId>,
    selection: &Selection,
    after: Option<Key>,
    limit: i64,
) -> DbResult<Vec<Key>> {
    if selection.ids.is_empty() {
        dead_keys::next(conn, whose, &selection.clone().into(), after, limit).await
    } else {
        dead_keys::among(conn, whose, &selection.ids, Some(selection.failed_before), after, limit).await
    }
}

/// What a slice did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// How many there were: fewer than wanted means that no more are left.
    pub found: i64,
    /// To how many of them it was done.
    pub done: i64,
    /// The last of them, for the next slice to go on from.
    pub last: Option<Key>,
}

/// Does `deed` to the `want` of the selection that gave up first after `after` and are still dead, and counts them as done by
/// the run's job. What is done to others' than the job's own is in their audit logs.
///
/// # Errors
/// The database's; `RowsAffected` where the job is another run's by now.
pub async fn slice<T: Unit>(
    tx: &mut T,
    cause: &Cause<'_>,
    deed: Deed,
    run: &Run,
    selection: &Selection,
    (want, after): (i64, Option<Key>),
    progress: &mut Progress,
) -> DbResult<Slice> {
    let whose = run.whose(selection);
    let keys = find(tx, whose, selection, after, want).await?;
    let jobs: Vec<_> = keys.iter().map(Key::job).collect();
    let done = deed.carry_out(tx, &jobs).await?;
    if whose.is_none() {
        noted::by_job(tx, cause, deed, run.job, &done).await?;
    }
    progress.succeeded = progress.succeeded.saturating_add(i32::try_from(done.len()).unwrap_or(i32::MAX));
    progress.total = progress.total.max(progress.succeeded);
    if !progress::set(tx, run.tenant.uuid(), run.job.uuid(), run.fence, *progress).await? {
        return Err(DbError::RowsAffected { expected: 1, actual: 0 });
    }
    let [found, done] = [keys.len(), done.len()].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    Ok(Slice { found, done, last: keys.last().copied().or(after) })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn only_a_job_of_the_installation_reaches_everybodys() {
        let selection = |of_all| Selection {
            of_all,
            ids: Vec::new(),
            queue: None,
            kind: None,
            lane: None,
            group: None,
            subject: None,
            error_class: None,
            error_code: None,
            failed_from: None,
            failed_before: DateTime::UNIX_EPOCH,
        };
        let run = |tenant: u128| Run {
            tenant: uuid::Uuid::from_u128(tenant).into(),
            job: uuid::Uuid::nil().into(),
            fence: 1,
        };
        assert_eq!(run(0).whose(&selection(true)), None);
        assert_eq!(run(0).whose(&selection(false)), Some(run(0).tenant), "its own");
        assert_eq!(run(1).whose(&selection(true)), Some(run(1).tenant), "whatever it says");
    }

    #[test]
    fn what_was_reached_is_read_as_it_was_noted() {
        let [tenant_id, id] = [1, 2].map(uuid::Uuid::from_u128);
        let finished_at = DateTime::UNIX_EPOCH + TimeDelta::microseconds(1_700_000_000_123_456);
        let key = Key { tenant_id: tenant_id.into(), finished_at, id: id.into() };
        assert_eq!(reached(&json!({ REACHED: Some(key) })), Some(key));
        assert_eq!(reached(&json!({ REACHED: None::<Key> })), None);
        assert_eq!(reached(&json!({ "redriven": 12 })), None);
    }

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
