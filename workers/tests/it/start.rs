//! Starting: everything that is wrong is said at once, and help needs no configuration.

use crate::program::command;
use crate::world::World;

#[tokio::test]
async fn a_bad_start_names_every_problem_and_ends_with_2() {
    let mut start = command(&["--queues", "sedns,imports=none"]);
    start
        .env("DATABASE_URL", "mysql://hunter2@h/d")
        .env("PATCHBAY__WORKER__LEASE", "20m")
        .env("PATCHBAY__REDIS__URI", "x");
    let output = start.output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    let parts =
        ["\"sedns\"", "\"imports=none\"", "database.url", "redis.url", "secrets.key", "worker.lease", "redis.uri"];
    for part in parts {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn help_tells_the_arguments_signals_and_exit_codes() {
    let output = command(&["--help"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["--queues", "--concurrency", "PATCHBAY_CONFIG", "SIGTERM", "Exit codes"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_ends_the_worker_before_it_claims_anything() {
    let world = World::new().await;
    world.enqueue_many(5).await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut start = world.worker(&[]);
    start.env("PATCHBAY__WORKER__LISTEN", &address);
    let output = start.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&format!("patchbay-worker: cannot listen on {address}")), "{text}");
    assert_eq!(world.count("SELECT count(*) AS count FROM queue.jobs WHERE state = 'waiting'").await, 5);
}
