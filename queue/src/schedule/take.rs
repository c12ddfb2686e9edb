//! Taking ticks, each exactly once however many schedulers run.
//!
//! [`due`] locks the due schedules that nobody else has and says which ticks they owe; the caller inserts the jobs of those
//! ticks, and [`Look::advance`] moves the schedules forward, all in one transaction. Whoever dies in between has done
//! nothing of it, and the next look of anybody takes the same ticks; whoever comes second finds the rows locked and
//! passes over them, or moved. A lock or a leader beyond the rows is therefore not needed.
//! A look is a fixed number of statements: thousands of schedules that tick at the same second are taken in sets.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::catch_up::Due;
use super::record::{Schedule, schedule_columns};
use crate::SYSTEM_TENANT;
use crate::sql::statement;

/// How much one look takes.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Schedules.
    pub schedules: u16,
    /// Ticks of one schedule that catches up with all.
    pub ticks_each: usize,
    /// Ticks of all of them together.
    pub ticks: usize,
}

impl Most {
    /// 500 schedules, a thousand ticks of each, five thousand in all: a transaction of well under a second.
    pub const USUAL: Self = Self { schedules: 500, ticks_each: 1_000, ticks: 5_000 };
}

/// A tick to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Of which schedule: its place in [`Look::schedules`].
    pub schedule: usize,
    /// When it was due.
    pub at: DateTime<Utc>,
}

/// The due schedules, locked.
#[derive(Debug)]
pub struct Look {
    /// The instant of the look.
    pub now: DateTime<Utc>,
    /// The schedules that were due.
    pub schedules: Vec<Schedule>,
    /// Their ticks to be taken, those of each schedule in order.
    pub ticks: Vec<Tick>,
    /// Whether more is due than was taken.
    pub more: bool,
    moves: Vec<Move>,
}

#[derive(Debug)]
struct Move {
    schedule: usize,
    next: Option<DateTime<Utc>>,
    fault: Option<String>,
}

/// What is due at `now` of the schedules of all tenants, and of those of the program's own that `declared` names (others
/// belong to programs of another release).
///
/// # Errors
/// The database's.
pub async fn due(conn: &mut AsyncPgConnection, declared: &[&str], now: DateTime<Utc>, most: Most) -> QueryResult<Look> {
    let schedules: Vec<Schedule> = statement(concat!(
        "SELECT ",
        schedule_columns!(),
        " FROM queue.schedules WHERE next_at <= $1 AND (tenant_id <> $2 OR name = ANY ($3))
         ORDER BY next_at LIMIT $4 FOR UPDATE SKIP LOCKED"
    ))
    .bind::<Timestamptz, _>(now)
    .bind::<SqlUuid, _>(SYSTEM_TENANT)
    .bind::<Array<Text>, _>(declared)
    .bind::<BigInt, _>(i64::from(most.schedules))
    .load(conn)
    .await?;
    Ok(Look::at(now, schedules, most))
}

impl Look {
    /// What `schedules` owe at `now`.
    fn at(now: DateTime<Utc>, schedules: Vec<Schedule>, most: Most) -> Self {
        let more = schedules.len() >= usize::from(most.schedules);
        let mut look = Self { now, schedules, ticks: Vec::new(), more, moves: Vec::new() };
        for (place, schedule) in look.schedules.iter().enumerate() {
            let room = most.ticks.saturating_sub(look.ticks.len()).min(most.ticks_each);
            let Some(next_at) = schedule.next_at else { continue };
            if room == 0 {
                look.more = true;
                break;
            }
            let (due, fault) = match schedule.rule() {
                Ok(rule) => (schedule.catch_up.due(&rule, next_at, now, room), None),
                // It must not hold up the others, nor be tried at every look.
                Err(error) => (Due { ticks: Vec::new(), next: None }, Some(error.to_string())),
            };
            look.more |= due.next.is_some_and(|next| next <= now);
            look.ticks.extend(due.ticks.into_iter().map(|at| Tick { schedule: place, at }));
            look.moves.push(Move { schedule: place, next: due.next, fault });
        }
        look
    }

    /// Moves the schedules behind the ticks, of which `jobs` are the jobs, in their order. In the transaction of [`due`].
    ///
    /// # Errors
    /// The database's.
    pub async fn advance(&self, conn: &mut AsyncPgConnection, jobs: &[Uuid]) -> QueryResult<()> {
        if self.moves.is_empty() {
            return Ok(());
        }
        let mut last = vec![None; self.schedules.len()];
        for (tick, job) in self.ticks.iter().zip(jobs) {
            last[tick.schedule] = Some((tick.at, *job));
        }
        let of = |one: &Move| &self.schedules[one.schedule];
        let taken = |one: &Move| last[one.schedule];
        let late = |one: &Move| taken(one).map(|(at, _)| (self.now - at).num_milliseconds().max(0));
        statement(
            "UPDATE queue.schedules s SET next_at = n.next_at, fault = n.fault, last_tick = coalesce(n.tick, s.last_tick),
                last_job = coalesce(n.job, s.last_job), lateness_ms = coalesce(n.late, s.lateness_ms)
             FROM unnest($1, $2, $3, $4, $5, $6, $7) AS n (tenant_id, id, next_at, fault, tick, job, late)
             WHERE s.tenant_id = n.tenant_id AND s.id = n.id",
        )
        .bind::<Array<SqlUuid>, _>(column(&self.moves, |one| of(one).tenant_id))
        .bind::<Array<SqlUuid>, _>(column(&self.moves, |one| of(one).id))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&self.moves, |one| one.next))
        .bind::<Array<Nullable<Text>>, _>(column(&self.moves, |one| one.fault.as_deref()))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&self.moves, |one| taken(one).map(|(at, _)| at)))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(&self.moves, |one| taken(one).map(|(_, job)| job)))
        .bind::<Array<Nullable<BigInt>>, _>(column(&self.moves, late))
        .execute(conn)
        .await
        .map(drop)
    }
}

fn column<'a, T>(moves: &'a [Move], field: impl Fn(&'a Move) -> T) -> Vec<T> {
    moves.iter().map(field).collect()
}

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next: Option<DateTime<Utc>>,
}

/// The first tick that is to come, as [`due`] counts them.
///
/// # Errors
/// The database's.
pub async fn next(conn: &mut AsyncPgConnection, declared: &[&str]) -> QueryResult<Option<DateTime<Utc>>> {
    let row: Next =
        statement("SELECT min(next_at) AS next FROM queue.schedules WHERE tenant_id <> $1 OR name = ANY ($2)")
            .bind::<SqlUuid, _>(SYSTEM_TENANT)
            .bind::<Array<Text>, _>(declared)
            .get_result(conn)
            .await?;
    Ok(row.next)
}
