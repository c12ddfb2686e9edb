//! The program's own schedules: declared by each scheduler, kept over deploys, forgotten in the end.

use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;
use patchbay_db::testdb::TestDb;
use patchbay_jobs::maintenance::{MakePartitions, Retain};
use patchbay_schedules::table::Entry;
use patchbay_service::TestClock;

use crate::world::{at, count, execute, jobs, last_ticks, start, ticker};

fn hourly() -> Entry {
    Entry::new::<MakePartitions>("partitions", "0 0 * * * *", Tz::UTC)
}

#[tokio::test]
async fn a_restart_loses_and_repeats_nothing() {
    let db = TestDb::new().await;
    let clock = Arc::new(TestClock::at(start()));
    ticker(&db, &clock, vec![hourly()]).await;
    clock.advance(TimeDelta::hours(2));
    // The ticks of 13:00 and 14:00 were missed by a program that was not there.
    let again = ticker(&db, &clock, vec![hourly()]).await;
    assert_eq!(again.look().await.unwrap().taken.len(), 1);
    assert_eq!(last_ticks(&db).await["partitions"], at("2026-03-01T14:00:00Z"));
    let third = ticker(&db, &clock, vec![hourly()]).await;
    assert_eq!(third.look().await.unwrap().taken, []);
}

#[tokio::test]
async fn a_changed_rule_counts_from_its_change() {
    let db = TestDb::new().await;
    let clock = Arc::new(TestClock::at(start()));
    ticker(&db, &clock, vec![hourly()]).await;
    clock.advance(TimeDelta::minutes(90));
    let other = Entry::new::<MakePartitions>("partitions", "0 */20 * * * *", Tz::UTC);
    let ticker = ticker(&db, &clock, vec![other]).await;
    assert_eq!(ticker.look().await.unwrap().taken, []);
    clock.advance(TimeDelta::minutes(10));
    assert_eq!(ticker.look().await.unwrap().taken[0].tick, at("2026-03-01T13:40:00Z"));
}

#[tokio::test]
async fn a_name_of_another_release_is_left_to_it_and_forgotten_after_a_day() {
    let db = TestDb::new().await;
    let clock = Arc::new(TestClock::at(start()));
    let daily = || Entry::new::<Retain>("of_old", "0 0 0 * * *", Tz::UTC);
    let old = ticker(&db, &clock, vec![hourly(), daily()]).await;
    clock.advance(TimeDelta::hours(13));
    let new = ticker(&db, &clock, vec![hourly()]).await;
    assert_eq!(new.look().await.unwrap().taken.len(), 1, "the one that it knows");
    assert_eq!(old.look().await.unwrap().taken[0].name, "of_old");
    clock.advance(TimeDelta::hours(12));
    new.declare().await.unwrap();
    assert_eq!(count(&db, "queue.schedules WHERE name = 'of_old'").await, 0);
    assert_eq!(count(&db, "queue.schedules WHERE name = 'partitions'").await, 1);
    old.declare().await.unwrap();
    assert_eq!(count(&db, "queue.schedules WHERE name = 'of_old'").await, 1, "it is still needed");
}

#[tokio::test]
async fn one_that_the_operator_paused_stays_paused() {
    let db = TestDb::new().await;
    let clock = Arc::new(TestClock::at(start()));
    ticker(&db, &clock, vec![hourly()]).await;
    execute(&db, "UPDATE queue.schedules SET paused_at = now(), next_at = NULL").await;
    clock.advance(TimeDelta::days(1));
    let other = Entry::new::<MakePartitions>("partitions", "0 */20 * * * *", Tz::UTC);
    let ticker = ticker(&db, &clock, vec![other]).await;
    assert_eq!(ticker.look().await.unwrap().taken, []);
}

#[tokio::test]
async fn the_last_tick_that_an_earlier_release_noted_is_gone_on_from() {
    let db = TestDb::new().await;
    // As the migration leaves it.
    execute(
        &db,
        "INSERT INTO queue.schedules (tenant_id, id, name, cron, time_zone, catch_up, next_at, last_tick)
         VALUES ('00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'partitions', '', 'UTC', 'last',
            '2026-03-01T10:00:00.001Z', '2026-03-01T10:00:00Z')",
    )
    .await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![hourly()]).await;
    let taken = ticker.look().await.unwrap().taken;
    assert_eq!(taken[0].tick, at("2026-03-01T12:00:00Z"), "what was missed is made up by one tick");
    assert_eq!(jobs(&db).await, 1);
}
