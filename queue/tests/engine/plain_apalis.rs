//! The README's example: short, the very file, and run as the program that it is.

use std::process::Stdio;
use std::time::{Duration, Instant};

use patchbay_queue::lanes::Window;
use patchbay_queue::{Envelope, Lanes, NewJob};
use tokio::process::Command;
use uuid::Uuid;

use crate::world::{Act, World};

const EXAMPLE: &str = include_str!("../../examples/plain.rs");
const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_shows_the_example_as_it_is_in_under_40_lines() {
    assert!(README.contains(&format!("```rust,no_run\n{EXAMPLE}```")), "copy examples/plain.rs into README.md");
    assert!(EXAMPLE.lines().count() < 40);
}

/// The example as cargo built it, beside this program.
fn example() -> Command {
    let here = std::env::current_exe().unwrap();
    let built = here.ancestors().nth(2).unwrap().join("examples/plain");
    assert!(built.exists(), "{built:?} is not there: cargo builds it with the tests, but not where one is picked");
    Command::new(built)
}

#[tokio::test]
async fn the_example_runs_a_job_and_ends_in_order() {
    let world = World::new().await;
    let redis = std::env::var("REDIS_URL").unwrap();
    // The example's own namespace: what an earlier run left there is of another ledger.
    let lanes = Lanes::connect(&redis, "app").unwrap();
    lanes.forget("mail").await.unwrap();
    let job = NewJob { queue: "mail".into(), ..world.job(Uuid::now_v7(), Act::Succeed) };
    world.accept(std::slice::from_ref(&job)).await;

    let mut example = example()
        .env("DATABASE_URL", world.url())
        .env("REDIS_URL", &redis)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    lanes.push("mail", &[Envelope::from(&job)], Window::default(), Instant::now()).await.unwrap();
    let view = world.until(job.id, &["succeeded"]).await;
    assert_eq!(view.result, Some(serde_json::json!({ "kind": "tests.work", "bytes": job.payload.len() })));

    let pid = example.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    let ended = tokio::time::timeout(Duration::from_secs(20), example.wait()).await;
    assert!(ended.expect("it ends").unwrap().success());
}
