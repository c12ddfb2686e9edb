//! Accepting jobs: rows in the caller's transaction.
//!
//! Most jobs are nothing but a row: one statement, whatever their number. Where one of them has a unique key or has to
//! do with others ([`Flow`](crate::Flow)), the steps are: take the keys and the ends of the orders in hand
//! ([`unique`](super::unique), [`order`](super::order)), lock the jobs that are spoken of, decide in memory what becomes
//! of each, write. Rows are always locked in that sequence and, within a step, in the order of their ids, so that two
//! who enqueue (or one who settles) never wait for each other in a circle.

use std::collections::{HashMap, HashSet};

use diesel::QueryableByName;
use diesel::result::{Error, QueryResult};
use diesel::sql_types::{Array, Bool, Bytea, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::JobRow;
use super::{atomic, circle, dependencies, order, unique};
use crate::job::PAYLOAD_MAX;
use crate::seal::SealError;
use crate::sql::statement;
use crate::{Hold, NewJob};

/// What became of a job that was handed in, in the order of handing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// A new row, due now: to be pushed after the commit.
    Waiting,
    /// A new row, due later: promotion will push it.
    Scheduled,
    /// A new row that waits for somebody's release, or for others to end.
    Held,
    /// Nothing new: this living job has the same unique key (or had it, and its window is not over).
    Existing(Uuid),
    /// Nothing new: this living job has the same unique key, and took what was new.
    Replaced(Uuid),
    /// Nothing new: this living job has the same unique key, and runs later for it.
    PushedBack(Uuid),
}

/// What [`enqueue`] did.
#[derive(Debug, Default)]
pub struct Enqueued {
    /// What became of each job, in the order of handing in.
    pub outcomes: Vec<Inserted>,
    /// Living jobs that were changed: to be handed to [`Dispatcher::refresh`](crate::Dispatcher::refresh) after the
    /// commit, because Redis may hold them as they were.
    pub changed: Vec<Changed>,
}

/// A living job that was changed.
#[derive(Debug, QueryableByName)]
pub struct Changed {
    /// As it is now.
    #[diesel(embed)]
    pub job: JobRow,
    /// Whether it is due.
    #[diesel(sql_type = Bool)]
    pub due: bool,
}

/// A payload of more than [`PAYLOAD_MAX`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a payload of {bytes} bytes is too large: {PAYLOAD_MAX} is the most; keep what is large in a record and name it"
)]
pub struct PayloadTooLarge {
    /// How many.
    pub bytes: usize,
}

/// As [`enqueue`], for those who know that no living job is changed (no job has a
/// [`Conflict`](crate::Conflict) other than `Keep`).
///
/// # Errors
/// The database's, a duplicate id included.
pub async fn insert(conn: &mut AsyncPgConnection, jobs: &[NewJob]) -> QueryResult<Vec<Inserted>> {
    Ok(enqueue(conn, jobs).await?.outcomes)
}

/// Inserts `jobs`: in one statement where none of them has a unique key or has to do with others. The jobs become real
/// with the caller's commit (their own, where the caller has no transaction); push the `Waiting` ones to the dispatcher
/// after it.
///
/// # Errors
/// The database's, a duplicate id included. Before anything is written, as a `SerializationError` around it: a job
/// whose secret fields nobody sealed ([`SealError`]) or whose payload is too large ([`PayloadTooLarge`]), and jobs that
/// wait for each other in a circle ([`Circle`](super::Circle)).
pub async fn enqueue(conn: &mut AsyncPgConnection, jobs: &[NewJob]) -> QueryResult<Enqueued> {
    if jobs.iter().any(|job| !job.secret_fields.is_empty()) {
        return Err(Error::SerializationError(Box::new(SealError::NoKey)));
    }
    if let Some(job) = jobs.iter().find(|job| job.payload.len() > PAYLOAD_MAX) {
        return Err(Error::SerializationError(Box::new(PayloadTooLarge { bytes: job.payload.len() })));
    }
    if jobs.iter().all(|job| job.unique_key.is_none() && job.flow.is_none()) {
        let fresh: Vec<Fresh<'_>> = jobs.iter().map(Fresh::of).collect();
        let states = write(conn, &fresh, false).await?;
        let outcomes = jobs.iter().map(|job| states.get(&job.id).copied().unwrap_or(Inserted::Waiting)).collect();
        return Ok(Enqueued { outcomes, changed: Vec::new() });
    }
    circle::check(jobs).map_err(|circle| Error::SerializationError(Box::new(circle)))?;
    let begun = atomic::begin(conn).await?;
    let done = with_flow(conn, jobs).await;
    atomic::end(conn, begun, done).await
}

/// A job that becomes a row.
pub(super) struct Fresh<'a> {
    pub job: &'a NewJob,
    pub hold: Option<Hold>,
    pub has_dependents: bool,
}

impl<'a> Fresh<'a> {
    fn of(job: &'a NewJob) -> Self {
        Self { job, hold: job.flow.as_ref().and_then(|flow| flow.hold.clone()), has_dependents: false }
    }
}

async fn with_flow(conn: &mut AsyncPgConnection, jobs: &[NewJob]) -> QueryResult<Enqueued> {
    let mut keys = unique::take_in_hand(conn, jobs).await?;
    let mut tails = order::take_in_hand(conn, jobs).await?;
    let mut targets = dependencies::Targets::default();
    targets.see_groups(conn, jobs).await?;
    let mut spoken_of: Vec<(Uuid, Uuid)> = dependencies::named(jobs);
    spoken_of.extend(tails.jobs());
    spoken_of.extend(keys.to_lock(jobs));
    targets.lock(conn, spoken_of).await?;
    keys.judge(conn, &targets).await?;

    // All of them first: a job may be tied to one that is handed in after it.
    let admissions: Vec<unique::Admission> = jobs.iter().map(|job| keys.admit(job)).collect();
    for (job, admission) in jobs.iter().zip(&admissions) {
        if !matches!(admission, unique::Admission::Other(_)) {
            targets.expect(job);
        }
    }
    let mut fresh: Vec<Fresh<'_>> = Vec::with_capacity(jobs.len());
    for (job, admission) in jobs.iter().zip(&admissions) {
        let holder = match admission {
            unique::Admission::Other(_) => continue,
            unique::Admission::New => None,
            unique::Admission::SuccessorOf(holder) => Some(*holder),
        };
        let mut new = Fresh::of(job);
        let ties = targets.tie(job, tails.next(job), holder);
        new.hold = new.hold.or(ties);
        fresh.push(new);
    }
    for new in &mut fresh {
        new.has_dependents = targets.is_waited_for(new.job);
    }
    let states = write(conn, &fresh, true).await?;
    targets.write(conn).await?;
    tails.write(conn).await?;
    let changed = keys.write(conn).await?;
    let outcomes = jobs
        .iter()
        .zip(admissions)
        .map(|(job, admission)| match admission {
            unique::Admission::Other(outcome) => outcome,
            _ => states.get(&job.id).copied().unwrap_or(Inserted::Waiting),
        })
        .collect();
    Ok(Enqueued { outcomes, changed })
}

macro_rules! insert_columns {
    () => {
        "tenant_id, id, queue, kind, version, lane, priority, cost, payload, subject, unique_key,
    run_at, not_after, max_attempts, trace, request_id, progress_total, state"
    };
}
macro_rules! insert_values {
    () => {
        "n.tenant_id, n.id, n.queue, n.kind, n.version, n.lane, n.priority, n.cost, n.payload, n.subject, n.unique_key,
    coalesce(n.run_at, now()), n.not_after, n.max_attempts, n.trace, n.request_id, n.total"
    };
}
macro_rules! insert_names {
    () => {
        "tenant_id, id, queue, kind, version, lane, priority, cost, payload, subject, unique_key,
    run_at, not_after, max_attempts, trace, request_id, total"
    };
}

const INSERT: &str = concat!(
    "INSERT INTO queue.jobs (",
    insert_columns!(),
    ") SELECT ",
    insert_values!(),
    ", CASE WHEN n.run_at > now() THEN 'scheduled' ELSE 'waiting' END
FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) AS n (",
    insert_names!(),
    ") RETURNING id, state"
);

// The groups' counts go up in the same statement.
const INSERT_FLOW: &str = concat!(
    "WITH fresh AS (
    INSERT INTO queue.jobs (",
    insert_columns!(),
    ", held_by, held_reason, group_id, has_dependents) SELECT ",
    insert_values!(),
    ", CASE WHEN n.held_by IS NOT NULL THEN 'held' WHEN n.run_at > now() THEN 'scheduled' ELSE 'waiting' END,
        n.held_by, n.held_reason, n.group_id, nullif(n.has_dependents, false)
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) AS n (",
    insert_names!(),
    ", held_by, held_reason, group_id, has_dependents) RETURNING tenant_id, id, state, group_id),
counted AS (
    INSERT INTO queue.group_deltas (tenant_id, group_id, total)
    SELECT tenant_id, group_id, count(*) FROM fresh WHERE group_id IS NOT NULL GROUP BY tenant_id, group_id)
SELECT id, state FROM fresh"
);

#[derive(QueryableByName)]
struct New {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
}

/// Binds `$1` to `$17`.
macro_rules! bound {
    ($sql:expr, $fresh:expr) => {
        statement($sql)
            .bind::<Array<SqlUuid>, _>(column($fresh, |f| f.job.tenant_id))
            .bind::<Array<SqlUuid>, _>(column($fresh, |f| f.job.id))
            .bind::<Array<Text>, _>(column($fresh, |f| f.job.queue.as_str()))
            .bind::<Array<Text>, _>(column($fresh, |f| f.job.kind.as_str()))
            .bind::<Array<Int2>, _>(column($fresh, |f| f.job.version))
            .bind::<Array<Text>, _>(column($fresh, |f| f.job.lane.as_str()))
            .bind::<Array<Int2>, _>(column($fresh, |f| f.job.priority))
            .bind::<Array<Int4>, _>(column($fresh, |f| f.job.cost))
            .bind::<Array<Bytea>, _>(column($fresh, |f| f.job.payload.as_slice()))
            .bind::<Array<Nullable<Text>>, _>(column($fresh, |f| f.job.subject.as_deref()))
            .bind::<Array<Nullable<Text>>, _>(column($fresh, |f| f.job.unique_key.as_deref()))
            .bind::<Array<Nullable<Timestamptz>>, _>(column($fresh, |f| f.job.run_at))
            .bind::<Array<Nullable<Timestamptz>>, _>(column($fresh, |f| f.job.not_after))
            .bind::<Array<Int2>, _>(column($fresh, |f| f.job.max_attempts))
            .bind::<Array<Nullable<Text>>, _>(column($fresh, |f| f.job.trace.as_deref()))
            .bind::<Array<Nullable<Text>>, _>(column($fresh, |f| f.job.request_id.as_deref()))
            .bind::<Array<Int4>, _>(column($fresh, |f| f.job.total))
    };
}

/// Writes the rows; answers what each is, but for those that simply wait.
async fn write(conn: &mut AsyncPgConnection, fresh: &[Fresh<'_>], flow: bool) -> QueryResult<HashMap<Uuid, Inserted>> {
    if fresh.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<New> = if flow && fresh.iter().any(|f| f.job.flow.is_some() || f.hold.is_some() || f.has_dependents) {
        bound!(INSERT_FLOW, fresh)
            .bind::<Array<Nullable<Text>>, _>(column(fresh, |f| f.hold.as_ref().map(|hold| hold.by.as_str())))
            .bind::<Array<Nullable<Text>>, _>(column(fresh, |f| f.hold.as_ref().map(|hold| hold.reason.as_str())))
            .bind::<Array<Nullable<SqlUuid>>, _>(column(fresh, |f| f.job.flow.as_ref().and_then(|flow| flow.group)))
            .bind::<Array<Bool>, _>(column(fresh, |f| f.has_dependents))
            .load(conn)
            .await?
    } else {
        bound!(INSERT, fresh).load(conn).await?
    };
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.state.as_str() {
            "scheduled" => Some((row.id, Inserted::Scheduled)),
            "held" => Some((row.id, Inserted::Held)),
            _ => None,
        })
        .collect())
}

fn column<'a, 'b, T>(fresh: &'a [Fresh<'b>], field: impl Fn(&'a Fresh<'b>) -> T) -> Vec<T> {
    fresh.iter().map(field).collect()
}

/// The pairs once each, in order: what is locked is locked in this order.
pub(super) fn distinct(pairs: impl IntoIterator<Item = (Uuid, Uuid)>) -> (Vec<Uuid>, Vec<Uuid>) {
    let mut pairs: Vec<_> = pairs.into_iter().collect::<HashSet<_>>().into_iter().collect();
    pairs.sort_unstable_by_key(|(tenant, id)| (*id, *tenant));
    pairs.into_iter().unzip()
}
