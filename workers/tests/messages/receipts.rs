//! Receipts: late, twice, out of order, and of failures.

use patchbay_domain::messages::MessageState;
use patchbay_domain::messages::raw::{NewRaw, RawKind, store};
use patchbay_jobs::webhook::Webhook;

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
    let webhook = |body: &[u8]| NewRaw {
        kind: RawKind::Status,
        webhook: Webhook {
            account: world.account,
            provider: "twilio".to_owned(),
            body: body.to_vec(),
            query: String::new(),
            received_at: chrono::Utc::now(),
        },
        cause: (None, None),
    };
    let mut tx = world.tx().await;
    let two = vec![webhook(b"\xff\xfe nonsense"), webhook(b"MessageSid=SM1&MessageStatus=sent")];
    store(&mut tx, world.db().ids(), chrono::Utc::now(), two).await.unwrap();
    tx.commit().await.unwrap();
    let ended = "SELECT count(*) AS n FROM queue.jobs WHERE state = 'succeeded' AND progress_total = 2
        AND progress_succeeded = 1 AND progress_failed = 1";
    world.until_count(ended, 1).await;
}
