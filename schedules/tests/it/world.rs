//! What every test stands on: an empty database, a clock that is moved, tickers with pools of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl as _;
use patchbay_db::TypedId as _;
use patchbay_db::ids::{ScheduleId, TenantId};
use patchbay_db::testdb::TestDb;
use patchbay_queue::ledger::DepthGuard;
use patchbay_queue::schedule::{CatchUp, NewSchedule, Rule, Schedule, store};
use patchbay_schedules::table::Entry;
use patchbay_schedules::ticker::{Instants, Ticker};
use patchbay_service::TestClock;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_tick: Option<DateTime<Utc>>,
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn start() -> DateTime<Utc> {
    at("2026-03-01T12:00:00.5Z")
}

pub async fn count(db: &TestDb, sql: &str) -> i64 {
    let mut tx = db.db().system("a test").await.unwrap();
    let sql = format!("SELECT count(*) AS count FROM {sql}");
    diesel::sql_query(sql).get_result::<Count>(&mut *tx).await.unwrap().count
}

pub async fn jobs(db: &TestDb) -> i64 {
    count(db, "queue.jobs").await
}

pub async fn execute(db: &TestDb, sql: &str) {
    let mut tx = db.db().system("a test").await.unwrap();
    diesel::sql_query(sql).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// The last tick of each schedule that took one, by name.
pub async fn last_ticks(db: &TestDb) -> BTreeMap<String, DateTime<Utc>> {
    let mut tx = db.db().system("a test").await.unwrap();
    let rows: Vec<Last> =
        diesel::sql_query("SELECT name, last_tick FROM queue.schedules").load(&mut *tx).await.unwrap();
    rows.into_iter().filter_map(|row| Some((row.name, row.last_tick?))).collect()
}

/// A ticker that has declared its table.
pub async fn ticker(db: &TestDb, clock: &Arc<TestClock>, table: Vec<Entry>) -> Ticker {
    // Pools of its own, as another process has.
    let depth = DepthGuard::new(1_000_000);
    let ticker = Ticker::new(db.another(db.config()), Instants::Of(clock.clone()), table, depth);
    ticker.declare().await.unwrap();
    ticker
}

/// A tenant's schedule, made at [`start`].
pub async fn tenants(db: &TestDb, tenant: TenantId, cron: &str, zone: &str, catch_up: CatchUp) -> Schedule {
    made_at(start(), db, tenant, cron, zone, catch_up).await
}

pub async fn made_at(
    now: DateTime<Utc>,
    db: &TestDb,
    tenant: TenantId,
    cron: &str,
    zone: &str,
    catch_up: CatchUp,
) -> Schedule {
    let id: ScheduleId = db.db().new_id(now);
    let new = NewSchedule {
        tenant_id: tenant.uuid(),
        id: id.uuid(),
        name: format!("{cron} {zone}"),
        rule: Rule::new(cron, zone).unwrap(),
        catch_up,
        action: serde_json::json!({}),
    };
    let mut tx = db.db().begin(tenant).await.unwrap();
    let schedule = store::insert(&mut tx, &new, now).await.unwrap();
    tx.commit().await.unwrap();
    schedule
}

pub async fn reloaded(db: &TestDb, schedule: &Schedule) -> Schedule {
    let mut tx = db.db().system("a test").await.unwrap();
    store::find(&mut tx, schedule.tenant_id, schedule.id).await.unwrap().unwrap()
}
