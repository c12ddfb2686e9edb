//! Large payloads stay in the ledger: Redis holds so many jobs, of bounded size.

use patchbay_queue::*;
use uuid::Uuid;

use crate::world::{Act, Doer, QUEUE, World};

/// A job whose payload has `bytes` bytes, all of them needed to decode it.
fn job(world: &World, bytes: usize) -> NewJob {
    let bare = r#"{"act":"Succeed","pad":""}"#;
    let payload = format!(r#"{{"act":"Succeed","pad":"{}"}}"#, "x".repeat(bytes - bare.len()));
    NewJob { payload: payload.into_bytes(), ..world.job(Uuid::now_v7(), Act::Succeed) }
}

#[tokio::test]
async fn a_large_payload_waits_in_the_ledger_and_comes_to_its_run_whole() {
    let world = World::new().await;
    let jobs: Vec<NewJob> = [4_096, 4_097, 100_000, 1_000_000].map(|bytes| job(&world, bytes)).into();
    // Two are pushed as they are accepted, two are found by the audit.
    world.enqueue(&jobs[..2]).await;
    world.accept(&jobs[2..]).await;
    world.keeper().sweep().await.unwrap();
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap().waiting, 4);
    let claimed = world.claim(4).await;
    for NewJob { id, payload, .. } in &jobs {
        let carried = &claimed.iter().find(|envelope| envelope.id == *id).unwrap().payload;
        assert_eq!(carried.len(), if payload.len() <= envelope::CARRIED { payload.len() } else { 0 });
    }
    // Given back as they came.
    world.lanes.release(QUEUE, &claimed).await.unwrap();
    let worker = world.work(Doer::default().registry(), 2);
    world.until_count("succeeded", 4).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_large_job_that_was_over_before_it_was_read_is_not_run() {
    let world = World::new().await;
    let (over, other) = (job(&world, 50_000), job(&world, 50_000));
    world.enqueue(&[over.clone(), other.clone()]).await;
    world
        .sql(&format!("UPDATE queue.jobs SET state = 'cancelled', finished_at = now() WHERE id = '{}'", over.id))
        .await;
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 2);
    world.until(other.id, &["succeeded"]).await;
    while world.lanes.queue_stats(QUEUE).await.unwrap().running > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    worker.stop().await;
    assert_eq!(*doer.runs.lock().unwrap(), [(other.tenant_id, other.id)]);
}
