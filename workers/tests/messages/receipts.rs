//! Receipts: late, twice, out of order, and of failures.

use patchbay_domain::messages::MessageState;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn receipts_in_any_order_and_number_end_in_delivered() {
    let world = World::new().await;
    let _workers = world.work(&["sends", "receipts"]);
    for number in ["+15005550106", "+15005550107", "+15005550122", "+15005550108"] {
        let (_, message) = world.send_one(number, "hello").await;
        let delivered = world.until(message, MessageState::Delivered).await;
        assert!(delivered.delivered_at.is_some() && delivered.sent_at.is_some(), "{number}");
    }
    world.sim.quiet().await;
    assert_eq!(world.sim.counts().duplicates, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_failure_makes_a_dead_letter_of_its_message() {
    let world = World::new().await;
    let _workers = world.work(&["sends", "receipts"]);
    let (job, message) = world.send_one("+15005550101", "hello").await;
    let failed = world.until(message, MessageState::Undelivered).await;
    assert_eq!(failed.error_code.as_deref(), Some("twilio_30003"));
    world.until_job(job, "succeeded").await;
    let own = failed.job_id.unwrap();
    assert_ne!(own, job);
    let (state, error) = world.job(own).await;
    assert_eq!(state, "dead");
    assert!(error.starts_with("twilio_30003"), "{error}");
    let subject = format!("SELECT count(*) AS n FROM queue.jobs WHERE state = 'dead' AND subject = '{message}'");
    assert_eq!(world.count(&subject).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_and_stops_nobody() {
    let world = World::new().await;
    let (_, message) = world.send_one("+12025550111", "hello").await;
    let _workers = world.work(&["sends", "receipts"]);
    world.until(message, MessageState::Delivered).await;
    let url = format!("{}", world.account);
    let mut tx = world.tx().await;
    let raw = patchbay_domain::messages::raw::NewRaw {
        account: world.account,
        kind: patchbay_domain::messages::raw::RawKind::Status,
        body: b"\xff\xfe nonsense".to_vec(),
        query: url,
        received_at: chrono::Utc::now(),
        cause: (None, None),
    };
    patchbay_domain::messages::raw::store(&mut tx, world.db().ids(), chrono::Utc::now(), &[raw]).await.unwrap();
    tx.commit().await.unwrap();
    world.until_count("SELECT count(*) AS n FROM provider_events WHERE processed_at IS NULL", 0).await;
    let kept = "SELECT count(*) AS n FROM provider_events WHERE position('\\xff'::bytea IN body) > 0";
    assert_eq!(world.count(kept).await, 1);
}
