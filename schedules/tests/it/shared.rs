//! A look is shared among tenants: what one has to catch up with holds up nobody else.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;
use patchbay_db::TypedId as _;
use patchbay_db::ids::TenantId;
use patchbay_db::testdb::TestDb;
use patchbay_jobs::maintenance::Retain;
use patchbay_queue::SYSTEM_TENANT;
use patchbay_queue::schedule::CatchUp;
use patchbay_schedules::table::Entry;
use patchbay_schedules::ticker::Taken;
use patchbay_service::TestClock;
use uuid::Uuid;

use crate::world::{at, execute, reloaded, start, tenants, ticker};

fn of(taken: &[Taken], tenant: Uuid) -> usize {
    taken.iter().filter(|one| one.tenant == tenant).count()
}

/// Ten schedules that tick every second, and want all of it.
async fn busy(db: &TestDb) -> TenantId {
    let tenant = db.tenant().await;
    for _ in 0..10 {
        tenants(db, tenant, "* * * * * *", "UTC", CatchUp::All).await;
    }
    tenant
}

/// So many schedules that owe one tick, of so many seconds after noon.
async fn one_tick_each(db: &TestDb, tenant: TenantId, many: u32, second: u32) {
    let sql = format!(
        "INSERT INTO queue.schedules (tenant_id, id, name, cron, time_zone, catch_up, next_at)
         SELECT '{}', gen_random_uuid(), 'n', '* * * * * *', 'UTC', 'last', '2026-03-01T12:00:{second:02}Z'
         FROM generate_series(1, {many})",
        tenant.uuid()
    );
    execute(db, &sql).await;
}

#[tokio::test]
async fn a_catch_up_of_one_tenant_holds_up_neither_another_nor_the_program() {
    let db = TestDb::new().await;
    let (busy, quiet) = (busy(&db).await, db.tenant().await);
    tenants(&db, quiet, "0 0 13 * * *", "UTC", CatchUp::Last).await;
    let clock = Arc::new(TestClock::at(start()));
    let own = Entry::new::<Retain>("retention", "0 0 13 * * *", Tz::UTC);
    let ticker = ticker(&db, &clock, vec![own]).await;
    clock.advance(TimeDelta::hours(1));
    let taken = ticker.look().await.unwrap().taken;
    assert_eq!((of(&taken, SYSTEM_TENANT), of(&taken, quiet.uuid())), (1, 1));
    assert_eq!(of(&taken, busy.uuid()), 5_000 - 2, "what the others do not need");
}

#[tokio::test]
async fn tenants_that_catch_up_get_equal_parts_and_what_is_left_of_others() {
    let db = TestDb::new().await;
    let (busy, one, hourly) = (busy(&db).await, db.tenant().await, db.tenant().await);
    tenants(&db, one, "* * * * * *", "UTC", CatchUp::All).await;
    tenants(&db, hourly, "0 0 * * * *", "UTC", CatchUp::All).await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]).await;
    clock.advance(TimeDelta::hours(1));
    let taken = ticker.look().await.unwrap().taken;
    let of = |tenant: TenantId| of(&taken, tenant.uuid());
    assert_eq!((of(hourly), of(one), of(busy)), (1, 1_000, 3_999));
}

#[tokio::test]
async fn a_look_takes_as_many_schedules_of_each_tenant() {
    let db = TestDb::new().await;
    let (early, late, last) = (db.tenant().await, db.tenant().await, db.tenant().await);
    one_tick_each(&db, early, 600, 1).await;
    one_tick_each(&db, late, 600, 2).await;
    one_tick_each(&db, last, 1, 3).await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]).await;
    clock.advance(TimeDelta::seconds(10));
    let taken = ticker.look().await.unwrap().taken;
    let of = |tenant: TenantId| of(&taken, tenant.uuid());
    assert_eq!((of(early), of(late), of(last)), (250, 249, 1));
}

#[tokio::test]
async fn more_due_schedules_of_one_tenant_than_are_looked_through_hold_up_nobody() {
    let db = TestDb::new().await;
    let (flood, quiet) = (db.tenant().await, db.tenant().await);
    one_tick_each(&db, flood, 12_000, 1).await;
    one_tick_each(&db, quiet, 1, 2).await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]).await;
    clock.advance(TimeDelta::seconds(10));
    let taken = ticker.look().await.unwrap().taken;
    assert_eq!((of(&taken, quiet.uuid()), of(&taken, flood.uuid())), (1, 499));
}

#[tokio::test]
async fn ticks_that_pile_up_wait_for_room_among_their_tenants_jobs_and_none_is_lost() {
    let db = TestDb::new().await;
    let (full, other) = (db.tenant().await, db.tenant().await);
    let limit = format!(
        "INSERT INTO queue.limits (tenant_id, queue, lane, max_waiting) VALUES ('{}', 'schedules', '', 5)",
        full.uuid()
    );
    execute(&db, &limit).await;
    let schedule = tenants(&db, full, "0 * * * * *", "UTC", CatchUp::All).await;
    tenants(&db, other, "0 * * * * *", "UTC", CatchUp::All).await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]).await;
    clock.advance(TimeDelta::minutes(10));
    let first = ticker.look().await.unwrap().taken;
    assert_eq!((of(&first, full.uuid()), of(&first, other.uuid())), (5, 10));
    let second = ticker.look().await.unwrap();
    assert_eq!(second.taken, []);
    assert_eq!(second.again_in, Duration::from_millis(500), "who waits for room does not look again at once");
    execute(&db, &format!("UPDATE queue.jobs SET state = 'succeeded' WHERE tenant_id = '{}'", full.uuid())).await;
    assert_eq!(ticker.look().await.unwrap().taken.len(), 5);
    assert_eq!(reloaded(&db, &schedule).await.last_tick, Some(at("2026-03-01T12:10:00Z")));
}
