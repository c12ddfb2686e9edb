//! Many dead letters at a pace, by the real program: how many, how fast, and that it can be stopped.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::TypedId as _;
use patchbay_db::ids::{JobId, TenantId};
use patchbay_domain::jobs::dead_keys::Key;
use patchbay_jobs::jobs::{DiscardDead, RedriveDead, Selection};
use patchbay_queue::{Job, JobRequest, SYSTEM_TENANT};
use serde_json::json;
use uuid::Uuid;

use crate::program::Program;
use crate::world::World;

/// Dead letters of `tenant` in a queue that nobody serves here.
async fn dead(world: &World, tenant: TenantId, count: usize, code: &str) {
    let tenant = tenant.uuid();
    world
        .execute(&format!(
            "INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, payload, run_at, max_attempts, state, finished_at,
                errors, error_class, last_error)
             SELECT '{tenant}', gen_random_uuid(), 'elsewhere', 'k', 1, '', now(), 8, 'dead', now(), 8, 'retryable', '{code}: x'
             FROM generate_series(1, {count})"
        ))
        .await;
}

fn all(code: &str, before: DateTime<Utc>) -> Selection {
    Selection {
        of_all: false,
        ids: Vec::new(),
        queue: None,
        kind: None,
        lane: None,
        group: None,
        subject: None,
        error_class: None,
        error_code: Some(code.to_owned()),
        failed_from: None,
        failed_before: before,
    }
}

async fn enqueue<J: Job>(world: &World, tenant: TenantId, job: J, total: i32) -> Uuid {
    let id: JobId = world.db.db().new_id(Utc::now());
    let mut tx = world.db.db().begin(tenant).await.unwrap();
    tx.enqueue(JobRequest::new(id.uuid(), tenant.uuid(), job).total(total)).await.unwrap();
    tx.commit().await.unwrap();
    id.uuid()
}

fn soon() -> DateTime<Utc> {
    Utc::now() + TimeDelta::seconds(1)
}

const WAITING: &str = "SELECT count(*) AS count FROM queue.jobs WHERE queue = 'elsewhere' AND state = 'waiting'";

#[tokio::test]
async fn a_redrive_keeps_to_its_pace_its_cap_and_its_filter() {
    let world = World::new().await;
    let tenant = world.db.tenant().await;
    dead(&world, tenant, 20, "x").await;
    dead(&world, tenant, 3, "y").await;
    let _worker = Program::start(world.worker(&["--queues", "jobs=2"])).await;
    let since = Instant::now();
    let job = RedriveDead { selection: all("x", soon()), limit: 12, per_second: Some(4) };
    let id = enqueue(&world, tenant, job, 12).await;
    world.until(WAITING, 12).await;
    assert!(since.elapsed() >= Duration::from_millis(1_900), "twelve at four a second take two seconds and more");
    let done = format!(
        "SELECT count(*) AS count FROM queue.jobs WHERE id = '{id}' AND state = 'succeeded'
        AND progress_total = 12 AND progress_succeeded = 12 AND result = '{{\"redriven\": 12}}'"
    );
    world.until(&done, 1).await;
    assert_eq!(world.count(WAITING).await, 12, "the cap holds");
    let fresh =
        "SELECT count(*) AS count FROM queue.jobs WHERE queue = 'elsewhere' AND state = 'waiting' AND errors = 0";
    assert_eq!(world.count(fresh).await, 12, "with a fresh budget");
}

#[tokio::test]
async fn what_dies_after_the_job_was_made_is_not_taken_up() {
    let world = World::new().await;
    let tenant = world.db.tenant().await;
    dead(&world, tenant, 2, "x").await;
    let before = Utc::now() - TimeDelta::hours(1);
    let id =
        enqueue(&world, tenant, RedriveDead { selection: all("x", before), limit: 100, per_second: None }, 2).await;
    let _worker = Program::start(world.worker(&["--queues", "jobs=2"])).await;
    let done = format!(
        "SELECT count(*) AS count FROM queue.jobs WHERE id = '{id}' AND state = 'succeeded' AND progress_skipped = 2"
    );
    world.until(&done, 1).await;
    assert_eq!(world.count(WAITING).await, 0);
}

#[tokio::test]
async fn a_discard_goes_as_fast_as_it_goes_and_over_many_slices() {
    let world = World::new().await;
    let (tenant, other) = (world.db.tenant().await, world.db.tenant().await);
    dead(&world, tenant, 1_300, "x").await;
    dead(&world, other, 5, "x").await;
    let _worker = Program::start(world.worker(&["--queues", "jobs=2"])).await;
    let job = DiscardDead { selection: all("x", soon()), limit: 100_000, per_second: None };
    let id = enqueue(&world, tenant, job, 1_300).await;
    let done = format!(
        "SELECT count(*) AS count FROM queue.jobs WHERE id = '{id}' AND state = 'succeeded' AND progress_succeeded = 1300"
    );
    world.until(&done, 1).await;
    let discarded = "SELECT count(*) AS count FROM queue.jobs WHERE state = 'discarded'";
    assert_eq!(world.count(discarded).await, 1_300, "nobody else's");
}

fn everybodys(code: &str) -> Selection {
    Selection { of_all: true, ..all(code, soon()) }
}

const TOUCHED: &str =
    "SELECT count(DISTINCT tenant_id) AS count FROM queue.jobs WHERE queue = 'elsewhere' AND state = 'waiting'";

#[tokio::test]
async fn a_job_of_the_installation_redrives_everybodys_up_to_its_cap() {
    let world = World::new().await;
    for _ in 0..3 {
        dead(&world, world.db.tenant().await, 300, "x").await;
    }
    dead(&world, world.db.tenant().await, 5, "y").await;
    let _worker = Program::start(world.worker(&["--queues", "jobs=2"])).await;
    let job = RedriveDead { selection: everybodys("x"), limit: 700, per_second: None };
    let id = enqueue(&world, SYSTEM_TENANT.into(), job, 700).await;
    let done = format!(
        "SELECT count(*) AS count FROM queue.jobs WHERE id = '{id}' AND state = 'succeeded'
        AND progress_succeeded = 700 AND result = '{{\"redriven\": 700}}'"
    );
    world.until(&done, 1).await;
    assert_eq!((world.count(WAITING).await, world.count(TOUCHED).await), (700, 3), "the cap is over everybody");
    let noted = format!(
        "SELECT sum((detail ->> 'count')::bigint)::bigint AS count FROM audit_log
         WHERE action = 'dead_letters.redrive' AND actor = 'system' AND detail ->> 'job_id' = '{}'",
        JobId::from_uuid(id)
    );
    assert_eq!(world.count(&noted).await, 700, "each is in the log of its tenant");
}

#[tokio::test]
async fn a_tenants_job_reaches_its_own_whatever_it_says() {
    let world = World::new().await;
    let (tenant, other) = (world.db.tenant().await, world.db.tenant().await);
    dead(&world, tenant, 2, "x").await;
    dead(&world, other, 3, "x").await;
    let _worker = Program::start(world.worker(&["--queues", "jobs=2"])).await;
    let job = DiscardDead { selection: everybodys("x"), limit: 100, per_second: None };
    let id = enqueue(&world, tenant, job, 2).await;
    let done = format!(
        "SELECT count(*) AS count FROM queue.jobs WHERE id = '{id}' AND state = 'succeeded' AND progress_succeeded = 2"
    );
    world.until(&done, 1).await;
    let dead = "SELECT count(*) AS count FROM queue.jobs WHERE queue = 'elsewhere' AND state = 'dead'";
    assert_eq!(world.count(dead).await, 3, "nobody else's");
}

#[tokio::test]
async fn those_that_cannot_run_yet_hold_up_nobody_behind_them() {
    let world = World::new().await;
    let tenant = world.db.tenant().await;
    dead(&world, tenant, 1, "y").await;
    dead(&world, tenant, 5, "x").await;
    world
        .execute(
            "INSERT INTO queue.dependencies (tenant_id, job_id, on_id, on_group, any_end)
             SELECT w.tenant_id, w.id, d.id, false, false FROM queue.jobs w, queue.jobs d
             WHERE w.last_error = 'x: x' AND d.last_error = 'y: x'",
        )
        .await;
    dead(&world, tenant, 4, "x").await;
    let _worker = Program::start(world.worker(&["--queues", "jobs=2"])).await;
    let job = RedriveDead { selection: all("x", soon()), limit: 100, per_second: Some(2) };
    let id = enqueue(&world, tenant, job, 9).await;
    let done = format!(
        "SELECT count(*) AS count FROM queue.jobs WHERE id = '{id}' AND state = 'succeeded'
        AND progress_succeeded = 4 AND progress_skipped = 5"
    );
    world.until(&done, 1).await;
}

/// A redrive of ten, two a second and `limit` in all, whose run before came past the five that gave up first (their error is
/// `x: first`).
async fn half_way(world: &World, limit: u32) -> Uuid {
    let tenant = world.db.tenant().await;
    dead(world, tenant, 5, "x").await;
    world.execute("UPDATE queue.jobs SET last_error = 'x: first', finished_at = finished_at - interval '1 hour'").await;
    dead(world, tenant, 5, "x").await;
    let job = RedriveDead { selection: all("x", soon()), limit, per_second: Some(2) };
    let id = enqueue(world, tenant, job, 10).await;
    let finished_at = Utc::now() - TimeDelta::minutes(30);
    let reached = json!({ "reached": Key { tenant_id: tenant, finished_at, id: JobId::from_uuid(Uuid::nil()) } });
    world.execute(&format!("UPDATE queue.jobs SET result = '{reached}' WHERE id = '{id}'")).await;
    id
}

const FIRST: &str = "SELECT count(*) AS count FROM queue.jobs WHERE last_error = 'x: first' AND state = 'waiting'";

#[tokio::test]
async fn a_run_goes_on_where_the_one_before_stopped() {
    let world = World::new().await;
    let id = half_way(&world, 4).await;
    let _worker = Program::start(world.worker(&["--queues", "jobs=2"])).await;
    let done = format!("SELECT count(*) AS count FROM queue.jobs WHERE id = '{id}' AND state = 'succeeded'");
    world.until(&done, 1).await;
    assert_eq!((world.count(WAITING).await, world.count(FIRST).await), (4, 0), "it does not begin at the front again");
}

#[tokio::test]
async fn what_came_up_behind_a_run_is_taken_before_the_job_is_done() {
    let world = World::new().await;
    let id = half_way(&world, 100).await;
    let _worker = Program::start(world.worker(&["--queues", "jobs=2"])).await;
    let done = format!(
        "SELECT count(*) AS count FROM queue.jobs WHERE id = '{id}' AND state = 'succeeded'
        AND progress_succeeded = 10 AND result = '{{\"redriven\": 10}}'"
    );
    world.until(&done, 1).await;
    assert_eq!(world.count(FIRST).await, 5);
}

#[tokio::test]
async fn a_run_notes_how_far_it_came() {
    let world = World::new().await;
    let tenant = world.db.tenant().await;
    dead(&world, tenant, 20, "x").await;
    let _worker = Program::start(world.worker(&["--queues", "jobs=2"])).await;
    let job = RedriveDead { selection: all("x", soon()), limit: 20, per_second: Some(2) };
    let id = enqueue(&world, tenant, job, 20).await;
    // Until the job is done, which takes ten seconds.
    let noted = format!(
        "SELECT count(*) AS count FROM queue.jobs WHERE id = '{id}' AND result -> 'reached' ->> 'tenant_id' = '{tenant}'"
    );
    world.until(&noted, 1).await;
}

#[tokio::test]
async fn it_is_stopped_by_cancelling_it() {
    let world = World::new().await;
    let tenant = world.db.tenant().await;
    dead(&world, tenant, 50, "x").await;
    is_stopped(&world, tenant, all("x", soon())).await;
}

#[tokio::test]
async fn one_over_everybodys_is_stopped_by_cancelling_it() {
    let world = World::new().await;
    for _ in 0..2 {
        dead(&world, world.db.tenant().await, 25, "x").await;
    }
    is_stopped(&world, SYSTEM_TENANT.into(), everybodys("x")).await;
}

/// Cancels a redrive of fifty of `selection` when it has begun.
async fn is_stopped(world: &World, tenant: TenantId, selection: Selection) {
    let _worker = Program::start(world.worker(&["--queues", "jobs=2"])).await;
    let job = RedriveDead { selection, limit: 50, per_second: Some(2) };
    let id = enqueue(world, tenant, job, 50).await;
    world.until(WAITING, 2).await;
    // As the API does for one that is between two slices; one that runs hears of it there.
    world.execute(&format!(
        "UPDATE queue.jobs SET cancel_requested_at = now(), state = CASE WHEN state = 'scheduled' THEN 'cancelled' ELSE state END
         WHERE id = '{id}'"
    ))
    .await;
    let stopped = format!("SELECT count(*) AS count FROM queue.jobs WHERE id = '{id}' AND state = 'cancelled'");
    world.until(&stopped, 1).await;
    let then = world.count(WAITING).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.count(WAITING).await, then, "what is redriven stays so, and no more is");
}
