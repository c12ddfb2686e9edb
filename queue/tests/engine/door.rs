//! What the ledger does not take.

use patchbay_queue::job::PAYLOAD_MAX;
use patchbay_queue::{NewJob, ledger};
use uuid::Uuid;

use crate::world::{Act, World};

#[tokio::test]
async fn a_payload_has_a_largest_size_and_one_too_large_takes_nothing_with_it() {
    let world = World::new().await;
    let large = |bytes: usize| NewJob { payload: vec![b' '; bytes], ..world.job(Uuid::now_v7(), Act::Succeed) };
    world.accept(&[large(PAYLOAD_MAX)]).await;
    let mut conn = world.ledger.get().await.unwrap();
    let jobs = [world.job(Uuid::now_v7(), Act::Succeed), large(PAYLOAD_MAX + 1)];
    let refused = ledger::insert(&mut conn, &jobs).await.unwrap_err();
    assert!(refused.to_string().contains("too large"), "{refused}");
    assert_eq!(world.count("waiting").await, 1, "all of a batch or nothing of it");
}
