//! Writing how runs ended, in batches.
//!
//! Guarded twice: only a `waiting` row is settled, and only by a token newer than the last one that
//! wrote (`fence`). A worker whose lease was lost and whose job ran elsewhere changes nothing.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int2, Int4, Int8, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::progress::Progress;
use crate::sql::statement;

/// The end of one run.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// Whose job.
    pub tenant: Uuid,
    /// The job.
    pub id: Uuid,
    /// The lease's token.
    pub token: i64,
    /// When the run began.
    pub started_at: DateTime<Utc>,
    /// What the row becomes.
    pub end: End,
    /// How far the job has come, where that is news.
    pub progress: Option<Progress>,
    /// Whether a unique key goes back when the job ends.
    pub unique: bool,
}

/// What a row becomes.
#[derive(Debug, Clone)]
pub enum End {
    /// The work is done.
    Succeeded(Option<Value>),
    /// It stopped on request.
    Cancelled,
    /// Runs again at `at`; `errors`, `crashes` and `interruptions` are what is added.
    Again {
        /// When.
        at: DateTime<Utc>,
        /// Added to the attempt budget's use.
        errors: i16,
        /// Added to the crashes.
        crashes: i16,
        /// Added to the interruptions.
        interruptions: i32,
        /// Why, where it was an error; goes into the history.
        failure: Option<Failure>,
        /// What it waits for, where it was put off.
        reason: Option<String>,
    },
    /// A dead letter.
    Dead {
        /// Added to the attempt budget's use.
        errors: i16,
        /// Added to the crashes.
        crashes: i16,
        /// Why.
        failure: Failure,
    },
}

/// One failed attempt, as kept in the row's history.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Failure {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Who ran it.
    pub worker: String,
    /// How long it ran.
    pub duration_ms: i64,
    /// The error's class.
    pub class: &'static str,
    /// The error's code.
    pub code: String,
    /// The error, for a person.
    pub detail: String,
}

/// What a handler's text may at most take in a row.
const DETAIL_MAX: usize = 2_000;

impl Failure {
    /// The failure with its text cut to what a row takes.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        if self.detail.len() > DETAIL_MAX {
            let mut end = DETAIL_MAX;
            while !self.detail.is_char_boundary(end) {
                end -= 1;
            }
            self.detail.truncate(end);
        }
        self
    }
}

// The history keeps the last 50 attempts: a job that is redriven for ever must not grow for ever.
const SETTLE: &str = "
UPDATE queue.jobs j SET
    state = CASE WHEN o.state = 'scheduled' AND j.cancel_requested_at IS NOT NULL THEN 'cancelled' ELSE o.state END,
    fence = o.token,
    errors = j.errors + o.errors,
    crashes = j.crashes + o.crashes,
    interruptions = j.interruptions + o.interruptions,
    run_at = coalesce(o.run_at, j.run_at),
    started_at = o.started_at,
    running_since = NULL,
    finished_at = CASE WHEN o.state = 'scheduled' AND j.cancel_requested_at IS NULL THEN NULL ELSE now() END,
    worker = $18,
    held_reason = o.reason,
    result = coalesce(o.result, j.result),
    error_class = coalesce(o.failure ->> 'class', j.error_class),
    last_error = coalesce((o.failure ->> 'code') || ': ' || (o.failure ->> 'detail'), j.last_error),
    attempts = CASE WHEN o.failure IS NULL THEN j.attempts
        WHEN jsonb_array_length(j.attempts) >= 50 THEN (j.attempts - 0) || o.failure
        ELSE j.attempts || o.failure END,
    progress_total = coalesce(o.total, j.progress_total),
    progress_succeeded = coalesce(o.succeeded, j.progress_succeeded),
    progress_failed = coalesce(o.failed, j.progress_failed),
    progress_skipped = coalesce(o.skipped, j.progress_skipped),
    progress_held = coalesce(o.held, j.progress_held),
    revision = j.revision + 1
FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    AS o (tenant_id, id, token, state, started_at, run_at, errors, crashes, interruptions, failure, reason, result,
        total, succeeded, failed, skipped, held)
WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state = 'waiting' AND j.fence < o.token
RETURNING j.id";

// The commonest case by itself: everything went well, left no result and counted nothing.
const SETTLE_DONE: &str = "
UPDATE queue.jobs j SET state = 'succeeded', fence = o.token, started_at = o.started_at, running_since = NULL,
    finished_at = now(), worker = $5, held_reason = NULL, revision = j.revision + 1
FROM unnest($1, $2, $3, $4) AS o (tenant_id, id, token, started_at)
WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state = 'waiting' AND j.fence < o.token
RETURNING j.id";

const FREE_KEYS: &str = "
DELETE FROM queue.unique_keys k USING unnest($1, $2) AS o (tenant_id, job_id)
WHERE k.tenant_id = o.tenant_id AND k.job_id = o.job_id";

#[derive(QueryableByName)]
struct Settled {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Writes the ends of runs by `worker`; answers the jobs that took it (the others had moved on).
///
/// # Errors
/// The database's; nothing is written then.
pub async fn settle(conn: &mut AsyncPgConnection, worker: &str, ends: &[Settlement]) -> QueryResult<Vec<Uuid>> {
    let (done, rest): (Vec<&Settlement>, Vec<&Settlement>) =
        ends.iter().partition(|s| matches!(s.end, End::Succeeded(None)) && s.progress.is_none());
    let mut settled = Vec::with_capacity(ends.len());
    if !done.is_empty() {
        let rows: Vec<Settled> = statement(SETTLE_DONE)
            .bind::<Array<SqlUuid>, _>(column(&done, |s| s.tenant))
            .bind::<Array<SqlUuid>, _>(column(&done, |s| s.id))
            .bind::<Array<Int8>, _>(column(&done, |s| s.token))
            .bind::<Array<Timestamptz>, _>(column(&done, |s| s.started_at))
            .bind::<Text, _>(worker)
            .load(conn)
            .await?;
        settled.extend(rows.into_iter().map(|row| row.id));
    }
    if !rest.is_empty() {
        let rows: Vec<Settled> = statement(SETTLE)
            .bind::<Array<SqlUuid>, _>(column(&rest, |s| s.tenant))
            .bind::<Array<SqlUuid>, _>(column(&rest, |s| s.id))
            .bind::<Array<Int8>, _>(column(&rest, |s| s.token))
            .bind::<Array<Text>, _>(column(&rest, |s| s.end.state()))
            .bind::<Array<Timestamptz>, _>(column(&rest, |s| s.started_at))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(&rest, |s| s.end.run_at()))
            .bind::<Array<Int2>, _>(column(&rest, |s| s.end.added().0))
            .bind::<Array<Int2>, _>(column(&rest, |s| s.end.added().1))
            .bind::<Array<Int4>, _>(column(&rest, |s| s.end.added().2))
            .bind::<Array<Nullable<Jsonb>>, _>(column(&rest, |s| s.end.failure()))
            .bind::<Array<Nullable<Text>>, _>(column(&rest, |s| s.end.reason()))
            .bind::<Array<Nullable<Jsonb>>, _>(column(&rest, |s| s.end.result()))
            .bind::<Array<Nullable<Int4>>, _>(column(&rest, |s| s.progress.map(|p| p.total)))
            .bind::<Array<Nullable<Int4>>, _>(column(&rest, |s| s.progress.map(|p| p.succeeded)))
            .bind::<Array<Nullable<Int4>>, _>(column(&rest, |s| s.progress.map(|p| p.failed)))
            .bind::<Array<Nullable<Int4>>, _>(column(&rest, |s| s.progress.map(|p| p.skipped)))
            .bind::<Array<Nullable<Int4>>, _>(column(&rest, |s| s.progress.map(|p| p.held)))
            .bind::<Text, _>(worker)
            .load(conn)
            .await?;
        settled.extend(rows.into_iter().map(|row| row.id));
    }
    let freed: Vec<&Settlement> = ends.iter().filter(|s| s.unique && s.end.is_final()).collect();
    if !freed.is_empty() {
        statement(FREE_KEYS)
            .bind::<Array<SqlUuid>, _>(column(&freed, |s| s.tenant))
            .bind::<Array<SqlUuid>, _>(column(&freed, |s| s.id))
            .execute(conn)
            .await?;
    }
    Ok(settled)
}

fn column<'a, T>(ends: &[&'a Settlement], field: impl Fn(&'a Settlement) -> T) -> Vec<T> {
    ends.iter().map(|end| field(end)).collect()
}

impl End {
    /// Whether the job is over (a dead letter is: it lives again only by a person's hand).
    #[must_use]
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Again { .. })
    }

    const fn state(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Cancelled => "cancelled",
            Self::Again { .. } => "scheduled",
            Self::Dead { .. } => "dead",
        }
    }

    const fn run_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Again { at, .. } => Some(*at),
            _ => None,
        }
    }

    const fn added(&self) -> (i16, i16, i32) {
        match self {
            Self::Again { errors, crashes, interruptions, .. } => (*errors, *crashes, *interruptions),
            Self::Dead { errors, crashes, .. } => (*errors, *crashes, 0),
            _ => (0, 0, 0),
        }
    }

    fn failure(&self) -> Option<Value> {
        let failure = match self {
            Self::Again { failure, .. } => failure.as_ref(),
            Self::Dead { failure, .. } => Some(failure),
            _ => None,
        }?;
        Some(serde_json::to_value(failure).expect("a failure is plain data and serialises"))
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Again { reason, .. } => reason.as_deref(),
            _ => None,
        }
    }

    fn result(&self) -> Option<&Value> {
        match self {
            Self::Succeeded(result) => result.as_ref(),
            _ => None,
        }
    }
}
