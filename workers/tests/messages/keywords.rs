//! STOP, from a phone to the confirmation on it.

use patchbay_domain::messages::MessageState;

use crate::world::World;

const PHONE: &str = "+12025550111";

#[tokio::test(flavor = "multi_thread")]
async fn stop_is_confirmed_on_the_phone_and_obeyed_by_what_was_queued() {
    let world = World::new().await;
    let _workers = world.work(&["inbound", "receipts"]);
    let (_, queued) = world.send_one(PHONE, "an offer").await;
    world.phone_texts(PHONE, "Stop!").await;
    world.until_count("SELECT count(*) AS n FROM messages WHERE direction = 'inbound'", 1).await;
    let _sends = world.work(&["sends"]);
    world.until(queued, MessageState::Refused).await;
    let confirmed = "SELECT count(*) AS n FROM messages WHERE class = 'compliance' AND state = 'delivered'";
    world.until_count(confirmed, 1).await;
    let texts = world.sim.bodies_to(PHONE);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("unsubscribed"), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_no_column_can_hold_keeps_no_stop_from_being_heard() {
    let world = World::new().await;
    world.phone_texts("+12025550112", "a\0b").await;
    world.phone_texts(PHONE, "Stop").await;
    let _workers = world.work(&["inbound"]);
    world.until_count("SELECT count(*) AS n FROM messages WHERE direction = 'inbound'", 2).await;
    assert_eq!(world.count("SELECT count(*) AS n FROM suppressions WHERE reason = 'stop'").await, 1);
}
