//! apalis-board's own routes over a queue: what it lists, shows and enqueues.

use std::time::Duration;

use apalis_board_api::framework::{ApiBuilder, RegisterRoute};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::{TimeDelta, Utc};
use patchbay_queue::Job as _;
use patchbay_queue::backend::{Heart, WorkerCard};
use patchbay_queue::board::{Board, BoardJob};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::secrets::Letter;
use crate::world::{Act, Doer, QUEUE, Work, World};

fn routes(world: &World) -> Router {
    let board = Board::new(QUEUE, world.lanes.clone(), world.ledger.clone(), Uuid::now_v7);
    let board = board.taking::<Work>().taking::<Letter>();
    <ApiBuilder<Router> as RegisterRoute<Board, BoardJob>>::register(ApiBuilder::new(Router::new()), QUEUE, board)
        .build()
}

async fn call(routes: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let answer = routes.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn get(routes: &Router, path: &str) -> Value {
    let (status, body) = call(routes, Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

#[tokio::test]
async fn a_board_lists_queues_tasks_by_status_and_figures() {
    let world = World::new().await;
    let done = world.enqueue_one(Act::Succeed).await;
    let failed = world.enqueue_one(Act::Refuse).await;
    let worker = world.work(Doer::default().registry(), 4);
    world.until(done, &["succeeded"]).await;
    world.until(failed, &["dead"]).await;
    worker.stop().await;
    let waiting = world.enqueue_one(Act::Succeed).await;
    let routes = routes(&world);

    let queues = get(&routes, "/queues").await;
    assert!(queues.as_array().unwrap().iter().any(|queue| queue["name"] == QUEUE), "{queues}");
    for (status, id) in [("Done", done), ("Failed", failed), ("Queued", waiting)] {
        let tasks = get(&routes, &format!("/queues/{QUEUE}/tasks?status={status}&page=1")).await;
        assert_eq!(tasks.as_array().unwrap().len(), 1, "{status}: {tasks}");
        assert!(tasks[0]["ctx"].to_string().contains(&id.to_string()), "{status}: {tasks}");
        assert_eq!(tasks[0]["args"]["kind"], "tests.work");
        assert_eq!(tasks[0]["args"].get("payload"), None, "a list shows no payloads");
    }
    assert_eq!(get(&routes, "/tasks?page=1&page_size=2").await.as_array().unwrap().len(), 2);
    let stats = get(&routes, &format!("/queues/{QUEUE}/stats")).await;
    assert!(stats.as_array().unwrap().iter().any(|stat| stat["title"] == "Waiting" && stat["value"] == "1"), "{stats}");
    assert!(get(&routes, "/overview").await.as_array().is_some_and(|stats| !stats.is_empty()));
}

/// An id made so many days ago.
fn made(days_ago: i64) -> Uuid {
    let ago = u128::try_from(TimeDelta::days(days_ago).num_milliseconds()).unwrap();
    Uuid::from_u128(Uuid::now_v7().as_u128() - (ago << 80))
}

#[tokio::test]
async fn pages_go_on_from_each_other_newest_first_although_rows_are_updated_in_between() {
    let world = World::new().await;
    let ids = [40, 9, 2, 1, 0].map(made);
    for id in ids {
        let mut job = world.job(Uuid::now_v7(), Act::Succeed);
        job.id = id;
        world.enqueue(&[job]).await;
    }
    let routes = routes(&world);
    let mut listed = Vec::new();
    for page in 1..=3 {
        for path in ["/tasks?".to_owned(), format!("/queues/{QUEUE}/tasks?status=Queued&")] {
            let tasks = get(&routes, &format!("{path}page={page}&page_size=2")).await;
            listed.extend(tasks.as_array().unwrap().iter().map(|task| (path.len(), task["ctx"].to_string())));
        }
        // An update moves its row to another place of the table.
        let update = "WITH moved AS (UPDATE queue.jobs SET revision = revision + 1
            WHERE id = (SELECT id FROM queue.jobs ORDER BY id LIMIT 1) RETURNING 1) SELECT count(*) AS count FROM moved";
        assert_eq!(world.number(update).await, 1);
    }
    listed.sort_by_key(|(path, _)| *path);
    assert_eq!(listed.len(), 10, "each once: {listed:?}");
    for (nth, (_, ctx)) in listed.iter().enumerate() {
        let id = ids[4 - nth % 5];
        assert!(ctx.contains(&id.to_string()), "{nth}: {id} in {listed:?}");
    }
}

#[tokio::test]
async fn a_board_shows_one_task_with_its_payload_and_404_for_none() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;
    let routes = routes(&world);
    let task = get(&routes, &format!("/queues/{QUEUE}/tasks/{id}")).await;
    assert_eq!(task["args"]["payload"], json!({"act": "Succeed"}));
    let nobody = format!("/queues/{QUEUE}/tasks/{}", Uuid::now_v7());
    let (status, _) = call(&routes, Request::get(nobody).body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

/// Puts a job in, as a person at the board does.
async fn put(world: &World, kind: &str, payload: Value) -> (StatusCode, Value) {
    let job = json!({"tenant": Uuid::now_v7(), "kind": kind, "payload": payload});
    let request = Request::put(format!("/queues/{QUEUE}/tasks")).header("content-type", "application/json");
    call(&routes(world), request.body(Body::from(job.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_job_put_in_from_a_board_has_the_policy_of_its_kind() {
    let world = World::new().await;
    let (status, body) = put(&world, "tests.work", json!({"act": "Succeed"})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let attempts = "SELECT max_attempts::int8 AS count FROM queue.jobs";
    assert_eq!(world.number(attempts).await, i64::from(Work::POLICY.max_attempts));
}

/// What a board does not take is not in the ledger, and the answer says what to do.
async fn is_refused(kind: &str, payload: Value, answer: &str) {
    let world = World::new().await;
    let (status, body) = put(&world, kind, payload).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
    assert!(body.to_string().contains(answer), "{body}");
    assert_eq!(world.number("SELECT count(*) AS count FROM queue.jobs").await, 0);
}

#[tokio::test]
async fn a_job_with_secret_fields_is_not_taken_from_a_board() {
    is_refused("tests.letter", json!({"to": "a", "text": "b"}), "enqueue such jobs with a program that can").await;
}

#[tokio::test]
async fn a_job_of_a_kind_that_a_board_was_not_given_is_not_taken() {
    is_refused("tests.other", json!({}), "Board::taking").await;
}

#[tokio::test]
async fn a_job_whose_payload_is_not_its_kinds_is_not_taken_from_a_board() {
    is_refused("tests.work", json!({"act": "Sing"}), "act").await;
}

#[tokio::test]
async fn a_job_put_in_from_a_board_is_durable_and_runs() {
    let world = World::new().await;
    let (status, body) = put(&world, "tests.work", json!({"act": "Succeed"})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(world.count("waiting").await, 1);
    let worker = world.work(Doer::default().registry(), 4);
    world.until_count("succeeded", 1).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_board_lists_the_processes_that_work() {
    let world = World::new().await;
    let routes = routes(&world);
    assert_eq!(get(&routes, "/workers").await, json!([]));
    let worker = world.work(Doer::default().registry(), 4);
    let card = WorkerCard { id: "host-1-abc".into(), host: "host".into(), version: "1.2.3".into() };
    let begun = Utc::now().timestamp();
    let heart = Heart::start(&world.lanes, card, vec![worker.serving.clone()]);
    while get(&routes, "/workers").await == json!([]) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for path in ["/workers".to_owned(), format!("/queues/{QUEUE}/workers")] {
        let listed = get(&routes, &path).await;
        assert_eq!(listed.as_array().unwrap().len(), 1, "{path}: {listed}");
        let row = &listed[0];
        assert_eq!((&row["id"], &row["queue"]), (&json!("host-1-abc"), &json!(QUEUE)), "{path}");
        assert_eq!(row["backend"], "patchbay-queue", "{path}");
        let (started, seen) = (row["started_at"].as_i64().unwrap(), row["last_heartbeat"].as_i64().unwrap());
        assert!((begun - 2..=begun + 60).contains(&started) && seen >= started, "{path}: {row} since {begun}");
    }
    heart.stop().await;
    assert_eq!(get(&routes, "/workers").await, json!([]));
    worker.stop().await;
}
