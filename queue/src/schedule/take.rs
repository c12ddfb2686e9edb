//! Taking ticks, each exactly once however many schedulers run.
//!
//! [`due`] locks due schedules that nobody else has and says which ticks they owe; the caller inserts the jobs of those
//! ticks, and [`Look::advance`] moves the schedules forward, all in one transaction. Whoever dies in between has done
//! nothing of it, and the next look of anybody takes the same ticks; whoever comes second finds the rows locked and
//! passes over them, or moved. A lock or a leader beyond the rows is therefore not needed.
//! A look is a fixed number of statements: thousands of schedules that tick at the same second are taken in sets.
//! It is shared among tenants, its schedules and its ticks: the program's own are always in it, and what one tenant has to
//! catch up with holds up nobody else. Where more tenants are due than it takes schedules, some are drawn: whose
//! turn it was would have to be written down.
//! A tick of a schedule that wants all of them is a job more, whatever waits already. So those take no more than the
//! tenant may have waiting; what is over stays due.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::CatchUp;
use super::record::{Schedule, schedule_columns};
use super::shares::{Debt, Owed as _, Tenant, share};
use crate::SYSTEM_TENANT;
use crate::ledger::DepthGuard;
use crate::sql::statement;

/// How much one look takes.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Schedules of tenants.
    pub schedules: u16,
    /// Ticks of one schedule that catches up with all.
    pub ticks_each: usize,
    /// Ticks of all of them together; those who take one at the most, and the program's own, take it whatever this says.
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
    moves: Vec<Move>,
}

#[derive(Debug)]
struct Move {
    schedule: usize,
    next: Option<DateTime<Utc>>,
    fault: Option<String>,
}

/// Due schedules among which their tenants are looked for. Where more are due, one tenant may have them all, and the tenants
/// that have any schedules are gone through instead.
const EARLY: i64 = 10_000;

// The tenants that are due; of each its first schedules; of these the first of everybody, then the second of everybody, as
// many as fit; and so many of each tenant are locked. Of a tenant not all are read, or much would be for nothing: twenty
// times what would be its part. (The nil tenant, whose are the program's own, is the first by its id.)
const DUE: &str = concat!(
    "WITH RECURSIVE early AS MATERIALIZED (
        SELECT tenant_id FROM queue.schedules WHERE next_at <= $1 AND tenant_id <> $2 ORDER BY next_at LIMIT $5),
    walk AS (
        (SELECT tenant_id, next_at FROM queue.schedules
            WHERE next_at IS NOT NULL AND tenant_id > $2 AND (SELECT count(*) FROM early) >= $5
            ORDER BY tenant_id, next_at LIMIT 1)
        UNION ALL
        SELECT n.tenant_id, n.next_at FROM walk w CROSS JOIN LATERAL (
            SELECT s.tenant_id, s.next_at FROM queue.schedules s WHERE s.next_at IS NOT NULL AND s.tenant_id > w.tenant_id
            ORDER BY s.tenant_id, s.next_at LIMIT 1) n),
    tenants AS MATERIALIZED (
        SELECT tenant_id FROM (SELECT tenant_id FROM early UNION SELECT tenant_id FROM walk WHERE next_at <= $1) due
        ORDER BY random() LIMIT $4),
    firsts AS (
        SELECT t.tenant_id, f.nth, f.next_at FROM tenants t CROSS JOIN LATERAL (
            SELECT s.next_at, row_number() OVER (ORDER BY s.next_at) AS nth FROM queue.schedules s
            WHERE s.tenant_id = t.tenant_id AND s.next_at <= $1
            ORDER BY s.next_at LIMIT least($4, 20 * $4 / (SELECT count(*) FROM tenants))) f),
    shares AS (
        SELECT $2 AS of_tenant, $4 AS most
        UNION ALL
        SELECT tenant_id, count(*) FROM (SELECT tenant_id FROM firsts ORDER BY nth, next_at LIMIT $4) f GROUP BY tenant_id)
    SELECT ",
    schedule_columns!(),
    " FROM shares CROSS JOIN LATERAL (
        SELECT * FROM queue.schedules WHERE tenant_id = of_tenant AND next_at <= $1 AND (tenant_id <> $2 OR name = ANY ($3))
        ORDER BY next_at LIMIT most FOR UPDATE SKIP LOCKED) s"
);

/// What is due at `now` of the schedules of all tenants, and of those of the program's own that `declared` names (others
/// belong to programs of another release). The jobs of tenants' ticks are to come to `queue`, as far as `depth` lets them.
///
/// # Errors
/// The database's.
pub async fn due(
    conn: &mut AsyncPgConnection,
    declared: &[&str],
    now: DateTime<Utc>,
    most: Most,
    depth: &DepthGuard,
    queue: &str,
) -> QueryResult<Look> {
    let schedules: Vec<Schedule> = statement(DUE)
        .bind::<Timestamptz, _>(now)
        .bind::<SqlUuid, _>(SYSTEM_TENANT)
        .bind::<Array<Text>, _>(declared)
        .bind::<BigInt, _>(i64::from(most.schedules))
        .bind::<BigInt, _>(EARLY)
        .load(conn)
        .await?;
    let mut tenants: Vec<Uuid> = schedules.iter().filter(|one| piles_up(one)).map(|one| one.tenant_id).collect();
    tenants.dedup();
    let rooms = depth.rooms(conn, &tenants, queue).await?;
    Ok(Look::at(now, schedules, &rooms, most))
}

/// Whether each tick of it is a job more.
fn piles_up(schedule: &Schedule) -> bool {
    schedule.catch_up == CatchUp::All && schedule.tenant_id != SYSTEM_TENANT
}

impl Look {
    /// What `schedules` owe at `now`, where so many more jobs of a tenant may wait as `rooms` says.
    fn at(now: DateTime<Utc>, schedules: Vec<Schedule>, rooms: &HashMap<Uuid, usize>, most: Most) -> Self {
        let (mut done, mut moves) = (Vec::new(), Vec::new());
        let mut behind: BTreeMap<Uuid, Tenant> = BTreeMap::new();
        for (place, schedule) in schedules.iter().enumerate() {
            let Some(next_at) = schedule.next_at else { continue };
            let mut debt = match schedule.rule() {
                Ok(rule) => Debt::new(place, rule, schedule.catch_up, next_at, now, most.ticks_each),
                Err(error) => {
                    // It must not hold up the others, nor be tried at every look.
                    moves.push(Move { schedule: place, next: None, fault: Some(error.to_string()) });
                    continue;
                }
            };
            if piles_up(schedule) {
                let room = rooms.get(&schedule.tenant_id).copied().unwrap_or(0);
                let tenant = behind.entry(schedule.tenant_id).or_insert_with(|| Tenant { room, debts: Vec::new() });
                tenant.debts.push(debt);
            } else {
                debt.give(most.ticks_each);
                done.push(debt);
            }
        }
        let taken: usize = done.iter().map(|debt| debt.ticks.len()).sum();
        let mut behind: Vec<Tenant> = behind.into_values().collect();
        share(&mut behind, most.ticks.saturating_sub(taken));
        done.extend(behind.into_iter().flat_map(|tenant| tenant.debts));
        // Who got nothing stays where it is.
        done.retain(|debt| debt.next != schedules[debt.schedule].next_at);
        let mut ticks = Vec::new();
        for debt in &done {
            ticks.extend(debt.ticks.iter().map(|at| Tick { schedule: debt.schedule, at: *at }));
            moves.push(Move { schedule: debt.schedule, next: debt.next, fault: None });
        }
        Self { now, schedules, ticks, moves }
    }

    /// Whether nothing moves: what is due still, if anything, is in another's hands or waits for room.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.moves.is_empty()
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

/// The first tick that is to come, as [`due`] counts them; where `after` is given, the first after that.
///
/// # Errors
/// The database's.
pub async fn next(
    conn: &mut AsyncPgConnection,
    declared: &[&str],
    after: Option<DateTime<Utc>>,
) -> QueryResult<Option<DateTime<Utc>>> {
    let row: Next = statement(
        "SELECT min(next_at) AS next FROM queue.schedules
         WHERE next_at > coalesce($3, '-infinity') AND (tenant_id <> $1 OR name = ANY ($2))",
    )
    .bind::<SqlUuid, _>(SYSTEM_TENANT)
    .bind::<Array<Text>, _>(declared)
    .bind::<Nullable<Timestamptz>, _>(after)
    .get_result(conn)
    .await?;
    Ok(row.next)
}
