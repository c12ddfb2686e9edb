//! Writing how runs ended, in batches.
//!
//! Guarded three times: only a row that is not over is settled, only by a token newer than the last one that wrote
//! (`fence`), and only if the payload that ran is the row's still (`generation`). A worker whose lease was lost and whose
//! job ran elsewhere changes nothing.
//!
//! Everything that follows from an end is written in the same statement: a group's counts beside it, its unique key and
//! the note for those who wait for it by the table's trigger. A crash after it delays a release, and loses none.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Int2, Int4, Int8, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::attempt::Attempt;
use super::dependencies::pass_on;
use super::progress::Progress;
use super::row::{JobRow, job_row_columns};
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
    /// Which payload ran ([`Header::generation`](crate::envelope::Header::generation)).
    pub generation: i32,
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
        /// What the history keeps of the attempt.
        attempt: Attempt,
        /// What it waits for, where it was put off.
        reason: Option<String>,
    },
    /// Waits for somebody's word, untouched otherwise: its kind is paused, or nobody here knows its version.
    Held {
        /// Whose word, for programs ([`ledger::hold`](super::hold)).
        by: String,
        /// For people.
        reason: String,
    },
    /// A dead letter.
    Dead {
        /// Added to the attempt budget's use.
        errors: i16,
        /// Added to the crashes.
        crashes: i16,
        /// Why.
        attempt: Attempt,
    },
}

/// What of `$ended` (tenant_id, group_id, state) is an end, into the counts of its groups.
macro_rules! count_ends {
    ($ended:literal) => {
        concat!(
            "INSERT INTO queue.group_deltas (tenant_id, group_id, succeeded, failed, cancelled)
            SELECT tenant_id, group_id, count(*) FILTER (WHERE state = 'succeeded'), count(*) FILTER (WHERE state = 'dead'),
                count(*) FILTER (WHERE state = 'cancelled')
            FROM ",
            $ended,
            " WHERE group_id IS NOT NULL AND state IN ('succeeded', 'dead', 'cancelled') GROUP BY tenant_id, group_id"
        )
    };
}
pub(super) use count_ends;

// A job that is held while it runs is over where its run is, and otherwise stays held.
const SETTLE: &str = concat!(
    "WITH settled AS (
    UPDATE queue.jobs j SET
        state = CASE WHEN o.state IN ('scheduled', 'held') AND j.cancel_requested_at IS NOT NULL THEN 'cancelled'
            WHEN o.state = 'scheduled' AND j.state = 'held' THEN 'held' ELSE o.state END,
        fence = o.token,
        errors = j.errors + o.errors,
        crashes = j.crashes + o.crashes,
        interruptions = j.interruptions + o.interruptions,
        run_at = coalesce(o.run_at, j.run_at),
        started_at = o.started_at,
        running_since = NULL,
        finished_at = CASE WHEN o.state IN ('scheduled', 'held') AND j.cancel_requested_at IS NULL THEN NULL
            ELSE now() END,
        worker = $19,
        held_by = CASE WHEN o.state IN ('scheduled', 'held') AND j.state = 'held' THEN j.held_by ELSE o.held_by END,
        held_reason = CASE WHEN o.state IN ('scheduled', 'held') AND j.state = 'held' THEN j.held_reason ELSE o.reason END,
        result = coalesce(o.result, j.result),
        error_class = CASE WHEN o.is_error THEN o.attempt ->> 'class' ELSE j.error_class END,
        last_error = CASE WHEN o.is_error THEN (o.attempt ->> 'code') || ': ' || (o.attempt ->> 'detail')
            ELSE j.last_error END,
        attempts = CASE WHEN o.attempt IS NULL THEN j.attempts ELSE queue.remember(j.attempts, o.attempt) END,
        progress_total = coalesce(o.total, j.progress_total),
        progress_succeeded = coalesce(o.succeeded, j.progress_succeeded),
        progress_failed = coalesce(o.failed, j.progress_failed),
        progress_skipped = coalesce(o.skipped, j.progress_skipped),
        progress_held = coalesce(o.held, j.progress_held),
        revision = j.revision + 1
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $20, $21)
        AS o (tenant_id, id, token, state, started_at, run_at, errors, crashes, interruptions, attempt, reason, result,
            total, succeeded, failed, skipped, held, held_by, generation, is_error)
    WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state IN ('waiting', 'held') AND j.fence < o.token
        AND coalesce(j.generation, 0) = o.generation
    RETURNING j.tenant_id, j.id, j.group_id, j.state, j.has_dependents),
counted AS (",
    count_ends!("settled"),
    ") SELECT id, coalesce(has_dependents, false) AS has_dependents FROM settled"
);

// The commonest case by itself: everything went well, left no result and counted nothing.
const SETTLE_DONE: &str = concat!(
    "WITH settled AS (
    UPDATE queue.jobs j SET state = 'succeeded', fence = o.token, started_at = o.started_at, running_since = NULL,
        finished_at = now(), worker = $5, held_by = NULL, held_reason = NULL, revision = j.revision + 1
    FROM unnest($1, $2, $3, $4) AS o (tenant_id, id, token, started_at)
    WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state IN ('waiting', 'held') AND j.fence < o.token
        AND j.generation IS NULL
    RETURNING j.tenant_id, j.id, j.group_id, j.state, j.has_dependents),
counted AS (",
    "INSERT INTO queue.group_deltas (tenant_id, group_id, succeeded)
    SELECT tenant_id, group_id, count(*) FROM settled WHERE group_id IS NOT NULL GROUP BY tenant_id, group_id",
    ") SELECT id, coalesce(has_dependents, false) AS has_dependents FROM settled"
);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    has_dependents: bool,
}

/// What [`settle`] wrote, and what follows.
#[derive(Debug, Default)]
pub struct Settled {
    /// The jobs that took their ends; the others had moved on.
    pub jobs: Vec<Uuid>,
    /// Jobs, of any queue, that are due now because of these ends: to be pushed once the leases of these are ended.
    pub ready: Vec<JobRow>,
}

/// Most ended jobs that are seen to at once, and most jobs that are untied; the keeper does the rest.
const PASS_ON: i32 = 1_000;

/// Writes the ends of runs by `worker`. Not to be called inside a transaction: what follows from the ends may fail
/// without them, and is left to the keeper then.
///
/// # Errors
/// The database's. The ends of which nothing came are the same when they are written again.
pub async fn settle(conn: &mut AsyncPgConnection, worker: &str, ends: &[Settlement]) -> QueryResult<Settled> {
    // In the order in which others lock rows, or two would wait for each other.
    let mut ends: Vec<&Settlement> = ends.iter().collect();
    ends.sort_unstable_by_key(|end| end.id);
    let (done, rest): (Vec<&Settlement>, Vec<&Settlement>) =
        ends.iter().partition(|s| matches!(s.end, End::Succeeded(None)) && s.progress.is_none() && s.generation == 0);
    let mut rows: Vec<Row> = Vec::new();
    // First those that may be refused for what they say: then nothing has been written yet.
    if !rest.is_empty() {
        rows = statement(SETTLE)
            .bind::<Array<SqlUuid>, _>(column(&rest, |s| s.tenant))
            .bind::<Array<SqlUuid>, _>(column(&rest, |s| s.id))
            .bind::<Array<Int8>, _>(column(&rest, |s| s.token))
            .bind::<Array<Text>, _>(column(&rest, |s| s.end.state()))
            .bind::<Array<Timestamptz>, _>(column(&rest, |s| s.started_at))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(&rest, |s| s.end.run_at()))
            .bind::<Array<Int2>, _>(column(&rest, |s| s.end.added().0))
            .bind::<Array<Int2>, _>(column(&rest, |s| s.end.added().1))
            .bind::<Array<Int4>, _>(column(&rest, |s| s.end.added().2))
            .bind::<Array<Nullable<Jsonb>>, _>(column(&rest, |s| s.end.attempt().map(Attempt::to_json)))
            .bind::<Array<Nullable<Text>>, _>(column(&rest, |s| s.end.reason()))
            .bind::<Array<Nullable<Jsonb>>, _>(column(&rest, |s| s.end.result()))
            .bind::<Array<Nullable<Int4>>, _>(column(&rest, |s| s.progress.map(|p| p.total)))
            .bind::<Array<Nullable<Int4>>, _>(column(&rest, |s| s.progress.map(|p| p.succeeded)))
            .bind::<Array<Nullable<Int4>>, _>(column(&rest, |s| s.progress.map(|p| p.failed)))
            .bind::<Array<Nullable<Int4>>, _>(column(&rest, |s| s.progress.map(|p| p.skipped)))
            .bind::<Array<Nullable<Int4>>, _>(column(&rest, |s| s.progress.map(|p| p.held)))
            .bind::<Array<Nullable<Text>>, _>(column(&rest, |s| s.end.held_by()))
            .bind::<Text, _>(worker)
            .bind::<Array<Int4>, _>(column(&rest, |s| s.generation))
            .bind::<Array<Bool>, _>(column(&rest, |s| s.end.is_error()))
            .load(conn)
            .await?;
    }
    if !done.is_empty() {
        let more: Vec<Row> = statement(SETTLE_DONE)
            .bind::<Array<SqlUuid>, _>(column(&done, |s| s.tenant))
            .bind::<Array<SqlUuid>, _>(column(&done, |s| s.id))
            .bind::<Array<Int8>, _>(column(&done, |s| s.token))
            .bind::<Array<Timestamptz>, _>(column(&done, |s| s.started_at))
            .bind::<Text, _>(worker)
            .load(conn)
            .await?;
        rows.extend(more);
    }
    let ready = follow(conn, &ends, &rows).await;
    Ok(Settled { jobs: rows.into_iter().map(|row| row.id).collect(), ready })
}

/// What is due because of these ends. What cannot be had now is the keeper's: nothing here may undo an end.
async fn follow(conn: &mut AsyncPgConnection, ends: &[&Settlement], rows: &[Row]) -> Vec<JobRow> {
    let mut ready = Vec::new();
    if rows.iter().any(|row| row.has_dependents) {
        match pass_on(conn, PASS_ON).await {
            Ok(freed) => ready = freed,
            Err(error) => tracing::warn!(%error, "jobs that wait for ended ones are left to the keeper"),
        }
    }
    if rows.len() < ends.len() {
        match replaced(conn, ends, rows).await {
            Ok(again) => ready.extend(again),
            Err(error) => tracing::warn!(%error, "replaced jobs are left to the keeper"),
        }
    }
    ready
}

const REPLACED: &str = concat!(
    "SELECT ",
    job_row_columns!(),
    " FROM unnest($1, $2, $3) AS o (of_tenant, of_id, of_generation)
    JOIN queue.jobs j ON j.tenant_id = o.of_tenant AND j.id = o.of_id
    WHERE j.state = 'waiting' AND j.generation > o.of_generation"
);

/// Jobs whose payload was replaced while the old one ran: they wait still, for a run of the new one.
async fn replaced(conn: &mut AsyncPgConnection, ends: &[&Settlement], rows: &[Row]) -> QueryResult<Vec<JobRow>> {
    let settled: HashSet<Uuid> = rows.iter().map(|row| row.id).collect();
    let late: Vec<&Settlement> = ends.iter().copied().filter(|end| !settled.contains(&end.id)).collect();
    statement(REPLACED)
        .bind::<Array<SqlUuid>, _>(column(&late, |s| s.tenant))
        .bind::<Array<SqlUuid>, _>(column(&late, |s| s.id))
        .bind::<Array<Int4>, _>(column(&late, |s| s.generation))
        .load(conn)
        .await
}

fn column<'a, T>(ends: &[&'a Settlement], field: impl Fn(&'a Settlement) -> T) -> Vec<T> {
    ends.iter().map(|end| field(end)).collect()
}

impl End {
    /// Whether the job is over (a dead letter is: it lives again only by a person's hand).
    #[must_use]
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Again { .. } | Self::Held { .. })
    }

    const fn state(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Cancelled => "cancelled",
            Self::Again { .. } => "scheduled",
            Self::Held { .. } => "held",
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

    const fn attempt(&self) -> Option<&Attempt> {
        match self {
            Self::Again { attempt, .. } | Self::Dead { attempt, .. } => Some(attempt),
            _ => None,
        }
    }

    /// Whether the attempt failed: what is put off or interrupted did not.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        match self {
            Self::Again { errors, crashes, .. } => *errors > 0 || *crashes > 0,
            Self::Dead { .. } => true,
            _ => false,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Again { reason, .. } => reason.as_deref(),
            Self::Held { reason, .. } => Some(reason),
            _ => None,
        }
    }

    fn held_by(&self) -> Option<&str> {
        match self {
            Self::Held { by, .. } => Some(by),
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
