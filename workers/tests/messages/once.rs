//! Exactly once: whatever dies in between, a text goes out once and is known to have.

use std::time::Duration;

use patchbay_domain::messages::MessageState;
use patchbay_simulator::{FaultKind, Faults, Rule};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_out_whole_and_is_delivered() {
    let world = World::new().await;
    let numbers: Vec<String> = (0..250).map(|n| format!("+1202555{:04}", 1000 + n)).collect();
    let texts: Vec<(&str, &str)> = numbers.iter().map(|number| (number.as_str(), "hello")).collect();
    let (job, messages) = world.send(&texts).await;
    let _workers = world.work(&["sends", "receipts"]);
    world.until_job(job, "succeeded").await;
    for message in messages {
        world.until(message, MessageState::Delivered).await;
    }
    let counts = world.sim.counts();
    assert_eq!((counts.accepted, counts.duplicates), (250, 0));
    let progress = "SELECT progress_succeeded::int8 AS n FROM queue.jobs WHERE kind = 'messages.send'";
    assert_eq!(world.count(progress).await, 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn singles_share_transactions_and_each_has_its_own_end() {
    let world = World::new().await;
    let mut sent = Vec::new();
    for n in 0..60 {
        sent.push(world.send_one(&format!("+1202555{:04}", 1000 + n), "hello").await);
    }
    let _workers = world.work(&["sends", "receipts"]);
    for (job, message) in sent {
        world.until_job(job, "succeeded").await;
        world.until(message, MessageState::Delivered).await;
    }
    assert_eq!((world.sim.counts().accepted, world.sim.counts().duplicates), (60, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_dies_between_send_and_record_is_followed_by_a_look_up() {
    let world = World::new().await;
    let slow = Rule { ms: Some(900), ..Rule::new(FaultKind::Hang) };
    world.sim.set_faults(None, Faults { rules: vec![slow], ..Faults::default() }).unwrap();
    let (job, message) = world.send_one("+12025550111", "once").await;
    let first = world.work(&["sends"]);
    while world.sim.counts().accepted == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(first[0].interrupt(), 1, "the handler is dropped while the provider has not answered");
    first[0].drain();
    first[0].ended().await;
    assert_eq!(world.message(message).await.state, MessageState::Sending);

    let _second = world.work(&["sends"]);
    world.until_job(job, "succeeded").await;
    let stored = world.message(message).await;
    assert_eq!(stored.state, MessageState::Delivered, "the look-up tells how far it has come");
    assert!(stored.provider_message_id.is_some());
    assert_eq!((world.sim.counts().accepted, world.sim.counts().duplicates), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_came_is_looked_up_and_found() {
    let world = World::new().await;
    // Accepted, the connection dropped, and the final receipt lost: only a look-up can tell.
    let (job, message) = world.send_one("+15005550120", "once").await;
    let _workers = world.work(&["sends", "receipts"]);
    world.until_job(job, "succeeded").await;
    assert_ne!(world.message(message).await.provider_message_id, None);
    assert_eq!((world.sim.counts().accepted, world.sim.counts().duplicates), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_never_arrived_is_looked_up_not_found_and_sent_again() {
    let world = World::new().await;
    let (job, message) = world.send_one("+15005550111", "again").await;
    let _workers = world.work(&["sends", "receipts"]);
    world.until_job(job, "succeeded").await;
    world.until(message, MessageState::Delivered).await;
    let counts = world.sim.counts();
    assert_eq!((counts.resets, counts.accepted, counts.duplicates), (1, 1, 0));
    assert!(counts.lookups >= 1);
}
