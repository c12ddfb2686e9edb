//! The installation's own jobs: what they remove, keep, and start.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::TypedId as _;
use patchbay_db::ids::TenantId;
use patchbay_service::{Config, Process, Sources, TestClock};
use patchbay_workers::maintenance::retention::Removed;
use patchbay_workers::maintenance::{ImportSweeper, PartitionMaker, ReconcileStarter, Retention};

use crate::world::World;

const ALL: &str = "SELECT count(*) AS count FROM ";

fn clock(now: DateTime<Utc>) -> Arc<TestClock> {
    Arc::new(TestClock::at(now))
}

fn retention(world: &World, now: DateTime<Utc>) -> Retention {
    let sources = Sources::default().with_env("DATABASE_URL", "postgres://h/d");
    let config = Config::from_sources(Process::Migrate, &sources).unwrap();
    Retention::new(world.db.db().clone(), clock(now), config.retention)
}

/// A provider account of the tenant's.
async fn account(world: &World, tenant: TenantId) -> String {
    let tenant = tenant.uuid();
    world
        .execute(&format!(
            "INSERT INTO provider_accounts (tenant_id, id, kind, name, external_id, credentials)
             VALUES ('{tenant}', '{tenant}', 'twilio', 'a', 'AC1', '\\x00')"
        ))
        .await;
    tenant.to_string()
}

#[tokio::test]
async fn answers_go_at_the_time_each_carries() {
    let world = World::new().await;
    world
        .execute(
            "INSERT INTO idempotency_keys (tenant_id, key, operation, request_hash, status, headers, body, expires_at)
             SELECT gen_random_uuid(), 'k', 'o', sha256('x'), 201, '{}', '', now() + n * interval '1 minute'
             FROM generate_series(-10, 9) n",
        )
        .await;
    let now = Utc::now();
    assert_eq!(retention(&world, now).remove(now, &|| false).await.unwrap().answers, 11);
    assert_eq!(world.count(&format!("{ALL} idempotency_keys")).await, 9);
}

#[tokio::test]
async fn days_of_ended_jobs_go_and_a_dead_letter_keeps_its_day_for_a_while() {
    let world = World::new().await;
    world.execute("SELECT queue.ensure_partitions((now() - interval '100 days')::date, 100)").await;
    let insert = |days: i64, state: &str| {
        format!(
            "INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, payload, run_at, max_attempts, state, finished_at)
             VALUES (gen_random_uuid(), queue.uuid_floor(now() - interval '{days} days'), 'q', 'k', 1, '', now(), 1,
             '{state}', now() - interval '{days} days')"
        )
    };
    for (days, state) in
        [(95, "dead"), (95, "succeeded"), (60, "dead"), (60, "succeeded"), (40, "succeeded"), (20, "succeeded")]
    {
        world.execute(&insert(days, state)).await;
    }
    let now = Utc::now();
    let removed = retention(&world, now).remove(now, &|| false).await.unwrap();
    assert_eq!(removed.dead_letters, 1, "the one of 95 days");
    assert_eq!(world.count(&format!("{ALL} queue.jobs WHERE state = 'dead'")).await, 1);
    assert_eq!(world.count(&format!("{ALL} queue.jobs WHERE state = 'succeeded'")).await, 1, "the one of 20 days");
    assert_eq!(removed.days, 68, "of the 69 days before the last 31, one has a dead letter");
    // Nothing more is to be done.
    assert_eq!(retention(&world, now).remove(now, &|| false).await.unwrap(), Removed::default());
}

#[tokio::test]
async fn a_group_is_forgotten_with_its_jobs() {
    let world = World::new().await;
    for days in [40, 20] {
        let group = format!(
            "INSERT INTO queue.groups (tenant_id, id, ended_at)
             VALUES (gen_random_uuid(), gen_random_uuid(), now() - interval '{days} days')"
        );
        world.execute(&group).await;
    }
    let now = Utc::now();
    assert_eq!(retention(&world, now).remove(now, &|| false).await.unwrap().groups, 1, "the one of 40 days");
    assert_eq!(world.count(&format!("{ALL} queue.groups")).await, 1);
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_stops() {
    let world = World::new().await;
    let now = Utc::now();
    assert_eq!(retention(&world, now).remove(now, &|| true).await.unwrap(), Removed::default());
}

#[tokio::test]
async fn the_coming_days_are_made_once() {
    let world = World::new().await;
    let maker = PartitionMaker::new(world.db.db().clone(), clock(Utc::now()));
    let later = Utc::now() + TimeDelta::days(400);
    assert_eq!(maker.make(later).await.unwrap(), 8);
    assert_eq!(maker.make(later).await.unwrap(), 0);
    assert_eq!(maker.make(later + TimeDelta::days(1)).await.unwrap(), 1);
}

#[tokio::test]
async fn each_account_with_something_to_ask_gets_one_living_job() {
    let world = World::new().await;
    let mut tenants = Vec::new();
    for (check_at, status) in
        [("now() - interval '1 s'", "active"), ("now() + interval '1 h'", "active"), ("now()", "disabled")]
    {
        let tenant = world.db.tenant().await;
        let account = account(&world, tenant).await;
        world.execute(&format!("UPDATE provider_accounts SET status = '{status}' WHERE tenant_id = '{account}'")).await;
        world
            .execute(&format!(
                "INSERT INTO messages (tenant_id, id, direction, channel, provider_account_id, from_address, to_address,
                    body, segments, state, provider_message_id, check_at)
                 SELECT '{account}', gen_random_uuid(), 'outbound', 'sms', '{account}', '+15550001', '+15550002', 'x', 1,
                    'sent', 'SM' || n, {check_at} FROM generate_series(1, 3) n"
            ))
            .await;
        tenants.push(tenant);
    }
    let starter = ReconcileStarter::new(world.db.db().clone(), clock(Utc::now()));
    assert_eq!(starter.start(Utc::now()).await.unwrap(), (1, 1));
    assert_eq!(starter.start(Utc::now()).await.unwrap(), (1, 0), "the job of the first still lives");
    let due = tenants[0].uuid();
    let jobs = format!("{ALL} queue.jobs WHERE kind = 'messages.reconcile' AND tenant_id = '{due}'");
    assert_eq!(world.count(&jobs).await, 1);
    assert_eq!(world.count(&format!("{ALL} queue.jobs")).await, 1);
}

#[tokio::test]
async fn imports_that_nobody_came_back_for_are_put_in_order() {
    let world = World::new().await;
    let tenant = world.db.tenant().await.uuid();
    world
        .execute(&format!(
            "INSERT INTO imports (tenant_id, id, filename, created_at)
             VALUES ('{tenant}', gen_random_uuid(), 'a.csv', now() - interval '1 day'), ('{tenant}', gen_random_uuid(), 'b.csv', now())"
        ))
        .await;
    let week = std::time::Duration::from_secs(7 * 86_400);
    let sweeper = ImportSweeper::new(world.db.db().clone(), clock(Utc::now()), week);
    let swept = sweeper.sweep(Utc::now()).await.unwrap();
    assert_eq!(swept.uploads, 1);
    assert_eq!(world.count(&format!("{ALL} imports WHERE state = 'failed'")).await, 1);
}
