//! Tenants' schedules: ticks become jobs of theirs, catch up as each says, and thousands are cheap.

use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;
use patchbay_db::TypedId as _;
use patchbay_db::ids::ScheduleId;
use patchbay_db::testdb::TestDb;
use patchbay_queue::ledger::Inserted;
use patchbay_queue::schedule::CatchUp;
use patchbay_service::TestClock;

use crate::world::{at, count, execute, jobs, reloaded, start, tenants, ticker};

#[tokio::test]
async fn a_tick_makes_a_job_of_the_tenant_and_notes_how_late_it_was() {
    let db = TestDb::new().await;
    let (a, b) = (db.tenant().await, db.tenant().await);
    let schedule = tenants(&db, a, "0 0 9 * * *", "America/Chicago", CatchUp::Last).await;
    tenants(&db, b, "0 0 9 * * *", "Asia/Tokyo", CatchUp::Last).await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]).await;
    clock.set(at("2026-03-01T15:00:00.250Z"));
    let looked = ticker.look().await.unwrap();
    assert_eq!(looked.taken.len(), 1);
    assert_eq!((looked.taken[0].tenant, looked.taken[0].job), (a.uuid(), Inserted::Waiting));
    let after = reloaded(&db, &schedule).await;
    assert_eq!((after.last_tick, after.lateness_ms), (Some(at("2026-03-01T15:00:00Z")), Some(250)));
    assert_eq!(after.next_at, Some(at("2026-03-02T15:00:00Z")));
    assert_eq!(after.updated_at, schedule.updated_at, "a tick is no change of it");
    let job = after.last_job.unwrap();
    let subject = ScheduleId::from_uuid(schedule.id);
    let made = format!(
        "queue.jobs WHERE tenant_id = '{}' AND id = '{job}' AND kind = 'schedules.run' AND subject = '{subject}'
         AND convert_from(payload, 'UTF8') LIKE '%2026-03-01T15:00:00Z%'",
        a.uuid()
    );
    assert_eq!(count(&db, &made).await, 1);
}

#[tokio::test]
async fn each_schedule_catches_up_as_it_says() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let mut made = Vec::new();
    for catch_up in CatchUp::ALL {
        made.push(tenants(&db, tenant, "0 0 * * * *", "UTC", catch_up).await);
    }
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]).await;
    clock.set(at("2026-03-01T17:30:00Z"));
    assert_eq!(ticker.look().await.unwrap().taken.len(), 6);
    let jobs_of = async |place: usize| {
        let subject = ScheduleId::from_uuid(made[place].id);
        count(&db, &format!("queue.jobs WHERE subject = '{subject}'")).await
    };
    assert_eq!((jobs_of(0).await, jobs_of(1).await, jobs_of(2).await), (0, 1, 5));
    for schedule in &made {
        assert_eq!(reloaded(&db, schedule).await.next_at, Some(at("2026-03-01T18:00:00Z")), "{:?}", schedule.catch_up);
    }
    assert_eq!(reloaded(&db, &made[0]).await.last_tick, None, "passed over");
    assert_eq!(reloaded(&db, &made[1]).await.last_tick, Some(at("2026-03-01T17:00:00Z")));
}

#[tokio::test]
async fn a_week_of_seconds_is_caught_up_a_thousand_at_a_look() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let busy = tenants(&db, tenant, "* * * * * *", "UTC", CatchUp::All).await;
    let quiet = tenants(&db, tenant, "0 0 * * * *", "UTC", CatchUp::All).await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]).await;
    clock.advance(TimeDelta::days(7));
    let first = ticker.look().await.unwrap();
    assert_eq!(first.taken.len(), 1_000 + 7 * 24);
    assert!(first.again_in.as_millis() < 100, "it goes on at once");
    let second = ticker.look().await.unwrap();
    assert_eq!(second.taken.len(), 1_000);
    assert_eq!(reloaded(&db, &busy).await.last_tick, Some(start() + TimeDelta::milliseconds(1_999_500)));
    assert_eq!(reloaded(&db, &quiet).await.next_at, Some(at("2026-03-08T13:00:00Z")));
    assert_eq!(jobs(&db).await, 2_000 + 7 * 24);
}

#[tokio::test]
async fn a_tick_while_the_job_before_lives_makes_no_second_unless_all_are_wanted() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let last = tenants(&db, tenant, "0 * * * * *", "UTC", CatchUp::Last).await;
    tenants(&db, tenant, "0 * * * * *", "UTC", CatchUp::All).await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]).await;
    for _ in 0..3 {
        clock.advance(TimeDelta::minutes(1));
        ticker.look().await.unwrap();
    }
    assert_eq!(jobs(&db).await, 1 + 3);
    let after = reloaded(&db, &last).await;
    assert_eq!(after.last_tick, Some(at("2026-03-01T12:03:00Z")), "the ticks are taken all the same");
    let job = after.last_job.unwrap();
    assert_eq!(count(&db, &format!("queue.jobs WHERE id = '{job}'")).await, 1, "its job is the one that lives");
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_holds_up_no_other() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let broken = tenants(&db, tenant, "0 * * * * *", "UTC", CatchUp::Last).await;
    tenants(&db, tenant, "0 * * * * *", "UTC", CatchUp::Last).await;
    execute(&db, &format!("UPDATE queue.schedules SET time_zone = 'Mars/Base' WHERE id = '{}'", broken.id)).await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]).await;
    clock.advance(TimeDelta::minutes(1));
    assert_eq!(ticker.look().await.unwrap().taken.len(), 1);
    let after = reloaded(&db, &broken).await;
    assert_eq!((after.next_at, after.last_tick), (None, None));
    assert!(after.fault.unwrap().contains("Mars/Base"));
}

#[tokio::test]
async fn a_rule_that_has_ended_is_asked_for_no_more() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let once = tenants(&db, tenant, "0 0 13 1 3 * 2026", "UTC", CatchUp::Last).await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]).await;
    clock.advance(TimeDelta::hours(1));
    assert_eq!(ticker.look().await.unwrap().taken.len(), 1);
    assert_eq!(reloaded(&db, &once).await.next_at, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_schedules_that_tick_at_one_second_are_taken_in_sets_by_two_schedulers() {
    let db = TestDb::new().await;
    execute(
        &db,
        "INSERT INTO queue.schedules (tenant_id, id, name, cron, time_zone, catch_up, next_at)
         SELECT gen_random_uuid(), gen_random_uuid(), 'n', '0 0 9 * * *', 'UTC', 'last', '2026-03-02T09:00:00Z'
         FROM generate_series(1, 10000)",
    )
    .await;
    // And many that are not due.
    execute(
        &db,
        "INSERT INTO queue.schedules (tenant_id, id, name, cron, time_zone, catch_up, next_at)
         SELECT gen_random_uuid(), gen_random_uuid(), 'n', '0 0 10 * * *', 'UTC', 'last', '2026-03-02T10:00:00Z'
         FROM generate_series(1, 20000)",
    )
    .await;
    execute(&db, "ANALYZE queue.schedules").await;
    let clock = Arc::new(TestClock::at(at("2026-03-02T09:00:00Z")));
    let (one, two) = (ticker(&db, &clock, vec![]).await, ticker(&db, &clock, vec![]).await);
    let all = async |ticker: &patchbay_schedules::ticker::Ticker| {
        let mut taken = 0;
        loop {
            match ticker.look().await.unwrap().taken.len() {
                0 => return taken,
                some => taken += some,
            }
        }
    };
    let begun = Instant::now();
    let (by_one, by_two) = tokio::join!(all(&one), all(&two));
    let took = begun.elapsed();
    assert_eq!((by_one + by_two, jobs(&db).await), (10_000, 10_000), "{by_one} and {by_two}");
    assert!(took.as_secs() < 20, "{took:?}: each look is a few statements, whatever it takes");
}
