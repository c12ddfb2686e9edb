//! Receipts: signed, in order, and as lost, late, doubled and disordered as they were asked to be.

use poem::http::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{ACCOUNT, FROM, PHONE, Receiver, TOKEN, World, expected_signature};

#[test]
fn the_tests_own_signature_agrees_with_twilios_published_example() {
    let form = "Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE";
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    assert_eq!(expected_signature("12345", url, form), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
}

#[tokio::test]
async fn sent_then_delivered_signed_over_the_url_with_its_query() {
    let (world, receiver) = (World::new().await, Receiver::new().await);
    let (_, message) = world.text_told(PHONE, "hello", &receiver).await;
    world.sim.quiet().await;
    assert_eq!(receiver.statuses(), ["sent", "delivered"]);
    for told in receiver.told() {
        assert_eq!(told.signature, expected_signature(TOKEN, &receiver.url, &told.raw));
        let expected = [
            ("MessageSid", message["sid"].as_str().unwrap()),
            ("SmsSid", message["sid"].as_str().unwrap()),
            ("SmsStatus", &told.form["MessageStatus"]),
            ("To", PHONE),
            ("From", FROM),
            ("AccountSid", ACCOUNT),
            ("ApiVersion", "2010-04-01"),
        ];
        for (name, value) in expected {
            assert_eq!(told.form[name], value, "{name}");
        }
        assert!(!told.form.contains_key("ErrorCode"));
    }
    assert_eq!(world.sim.counts().callbacks_sent, 2);
}

#[tokio::test]
async fn a_fragment_is_neither_sent_nor_signed() {
    let (world, receiver) = (World::new().await, Receiver::new().await);
    let url = format!("{}#rc=2", receiver.url);
    world.send(&[("To", PHONE), ("From", FROM), ("Body", "b"), ("StatusCallback", &url)]).await;
    world.sim.quiet().await;
    let told = &receiver.told()[0];
    assert_eq!(told.signature, expected_signature(TOKEN, &receiver.url, &told.raw));
}

#[tokio::test]
async fn failures_come_with_their_code() {
    for (to, statuses, code) in [
        ("+15005550101", vec!["sent", "undelivered"], "30003"),
        ("+15005550102", vec!["failed"], "30007"),
        ("+15005550110", vec!["sent", "undelivered"], "30006"),
        ("+15005550116", vec!["failed"], "30001"),
    ] {
        let (world, receiver) = (World::new().await, Receiver::new().await);
        let (status, message) = world.text_told(to, "hello", &receiver).await;
        assert_eq!(status, 201);
        world.sim.quiet().await;
        assert_eq!(receiver.statuses(), statuses, "{to}");
        assert_eq!(receiver.told().last().unwrap().form["ErrorCode"], code);
        let (_, now) = world.get(&format!("/Messages/{}.json", message["sid"].as_str().unwrap())).await;
        assert_eq!((&now["status"], now["error_code"].to_string()), (&json!(statuses.last()), code.to_owned()));
        assert_eq!(world.sim.counts().failed, 1);
    }
}

#[tokio::test]
async fn a_lost_receipt_is_known_to_a_look_up_only() {
    let (world, receiver) = (World::new().await, Receiver::new().await);
    let (_, message) = world.text_told("+15005550104", "hello", &receiver).await;
    world.sim.quiet().await;
    assert_eq!(receiver.statuses(), ["sent"]);
    assert_eq!(world.status(&message["sid"]).await, "delivered");
    assert_eq!(world.sim.counts().callbacks_lost, 1);
}

#[tokio::test]
async fn a_late_receipt_comes_after_the_state() {
    let (world, receiver) = (World::new().await, Receiver::new().await);
    let rule = json!({"rules": [{"fault": "late_receipt", "ms": 1000}]});
    assert_eq!(world.control("PUT", "/faults", rule).await.0, 200);
    let (_, message) = world.text_told(PHONE, "hello", &receiver).await;
    while world.status(&message["sid"]).await != "delivered" {}
    assert!(!receiver.statuses().contains(&"delivered".to_owned()));
    world.sim.quiet().await;
    assert_eq!(receiver.statuses(), ["sent", "delivered"]);
}

#[tokio::test]
async fn duplicates_come_twice() {
    let (world, receiver) = (World::new().await, Receiver::new().await);
    world.text_told("+15005550106", "hello", &receiver).await;
    world.sim.quiet().await;
    assert_eq!(receiver.statuses(), ["sent", "sent", "delivered", "delivered"]);
}

#[tokio::test]
async fn out_of_order_tells_the_end_first() {
    let (world, receiver) = (World::new().await, Receiver::new().await);
    let (_, message) = world.text_told("+15005550107", "hello", &receiver).await;
    world.sim.quiet().await;
    assert_eq!(receiver.statuses(), ["delivered", "sent"]);
    assert_eq!(world.status(&message["sid"]).await, "delivered");
}

#[tokio::test]
async fn a_receiver_that_is_down_is_tried_again_with_the_same_words() {
    let world = World::new().await;
    let place = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = place.local_addr().unwrap();
    drop(place);
    let url = format!("http://{at}/hook?tenant=7&x=a%20b");
    world.send(&[("To", PHONE), ("From", FROM), ("Body", "b"), ("StatusCallback", &url)]).await;
    while world.sim.counts().callbacks_retried < 2 {
        tokio::task::yield_now().await;
    }
    let receiver = Receiver::answering(StatusCode::OK, at).await;
    world.sim.quiet().await;
    assert_eq!(receiver.statuses(), ["sent", "delivered"], "a retry keeps its place");
    let counts = world.sim.counts();
    assert_eq!((counts.callbacks_sent, counts.callbacks_failed), (2, 0));
    let tokens = receiver.told().iter().map(|told| told.idempotency.clone()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(tokens.len(), 2);
}

#[tokio::test]
async fn an_error_answer_is_not_tried_again() {
    let world = World::new().await;
    let any = "127.0.0.1:0".parse().unwrap();
    let receiver = Receiver::answering(StatusCode::INTERNAL_SERVER_ERROR, any).await;
    world.text_told(PHONE, "hello", &receiver).await;
    world.sim.quiet().await;
    assert_eq!(receiver.statuses(), ["sent", "delivered"]);
    let counts = world.sim.counts();
    assert_eq!((counts.callbacks_failed, counts.callbacks_retried, counts.callbacks_sent), (2, 0, 0));
}
