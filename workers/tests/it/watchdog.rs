//! The dog bites where claims stop although everything answers, and only there.

use std::time::Duration;

use patchbay_db::testdb::TestDb;
use patchbay_queue::{QueueBackend, WorkerSettings};
use patchbay_workers::runtime::{Dog, Verdict};
use tokio::time::timeout;

use crate::program::Program;
use crate::world::World;

/// Spoils a key of a queue, as a stranger might: Redis answers, every claim fails.
async fn spoil(db: &TestDb, queue: &str) {
    let client = redis::Client::open(std::env::var("REDIS_URL").unwrap()).unwrap();
    let mut conn = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("{}:{{{queue}}}:meta", db.namespace());
    let () = redis::cmd("SET").arg(key).arg("spoilt").query_async(&mut conn).await.unwrap();
}

/// A real backend whose claims fail.
async fn stuck(db: &TestDb) -> QueueBackend {
    spoil(db, "sends").await;
    start(db)
}

fn start(db: &TestDb) -> QueueBackend {
    let pools = patchbay_db::Pools::new(db.config()).unwrap();
    let settings = WorkerSettings::new("watched", 2);
    QueueBackend::start("sends", settings, db.db().dispatcher().lanes().clone(), pools.system().clone())
}

fn dog(backend: &QueueBackend) -> Dog {
    Dog {
        queues: vec![("sends".to_owned(), backend.vitals())],
        patience: Duration::from_millis(800),
        every: Duration::from_millis(700),
    }
}

#[tokio::test]
async fn claims_that_fail_on_a_redis_that_answers_are_the_end() {
    let db = TestDb::new().await;
    let backend = stuck(&db).await;
    let verdict = timeout(Duration::from_secs(20), dog(&backend).watch(async || true)).await.unwrap();
    assert!(matches!(&verdict, Verdict::Stopped(queue, _) if queue == "sends"), "{verdict}");
}

/// Of the real program, whose dog waits a minute; whoever starts it again knows it by the exit code.
#[tokio::test]
async fn a_program_whose_claims_fail_ends_itself_with_70() {
    let world = World::new().await;
    spoil(&world.db, "maintenance").await;
    let mut worker = Program::start(world.worker(&["--queues", "maintenance=1"])).await;
    assert_eq!(worker.ended_within(Duration::from_secs(150)).await, Some(70), "{:#?}", worker.lines());
    let verdict = worker.says("the watchdog ends the process").await["verdict"].to_string();
    assert!(verdict.contains("no claim from maintenance for"), "{verdict}");
}

#[tokio::test]
async fn a_runtime_without_a_free_thread_is_the_end() {
    let db = TestDb::new().await;
    let held = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let backend = {
        let _inside = held.enter();
        start(&db)
    };
    let (let_go, told) = std::sync::mpsc::channel::<()>();
    held.spawn(async move { told.recv() });
    // No matter what the weather is: nothing there can run.
    let verdict = timeout(Duration::from_secs(20), dog(&backend).watch(async || false)).await.unwrap();
    assert!(matches!(verdict, Verdict::Stuck(_)), "{verdict}");
    drop(let_go);
    held.shutdown_background();
}

#[tokio::test]
async fn weather_is_not() {
    let db = TestDb::new().await;
    let backend = stuck(&db).await;
    assert!(timeout(Duration::from_secs(5), dog(&backend).watch(async || false)).await.is_err());
}

#[tokio::test]
async fn an_idle_worker_is_left_alone() {
    let db = TestDb::new().await;
    let backend = start(&db);
    assert!(timeout(Duration::from_secs(5), dog(&backend).watch(async || true)).await.is_err());
}
