//! Texts from phones: posted signed, and STOP holds until START.

use serde_json::{Value, json};

use crate::support::{ACCOUNT, FROM, PHONE, Receiver, TOKEN, World, expected_signature};

async fn world(receiver: &Receiver) -> World {
    let world = World::new().await;
    let settings = json!({"auth_token": TOKEN, "inbound_url": receiver.url});
    world.control("PUT", &format!("/accounts/{ACCOUNT}"), settings).await;
    world
}

async fn says(world: &World, body: &str) -> Value {
    let text = json!({"account_sid": ACCOUNT, "from": PHONE, "to": FROM, "body": body});
    let (status, received) = world.control("POST", "/inbound", text).await;
    assert_eq!(status, 200);
    received
}

#[tokio::test]
async fn a_text_is_posted_signed_with_its_empty_values() {
    let receiver = Receiver::new().await;
    let world = world(&receiver).await;
    let received = says(&world, "Hello & “bye” 100% +1 😀").await;
    assert_eq!(received["webhook"]["status"], 200);
    assert_eq!(received["webhook"]["body"], "<Response/>");
    let told = &receiver.told()[0];
    assert_eq!(told.signature, expected_signature(TOKEN, &receiver.url, &told.raw));
    for (name, value) in [
        ("MessageSid", received["message_sid"].as_str().unwrap()),
        ("From", PHONE),
        ("To", FROM),
        ("Body", "Hello & “bye” 100% +1 😀"),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("AccountSid", ACCOUNT),
        ("FromCity", ""),
    ] {
        assert_eq!(told.form[name], value, "{name}");
    }
    let (_, list) = world.get("/Messages.json").await;
    assert_eq!(list["messages"][0]["direction"], "inbound");
    assert_eq!(list["messages"][0]["status"], "received");
}

#[tokio::test]
async fn stop_holds_for_that_number_until_start() {
    let receiver = Receiver::new().await;
    let world = world(&receiver).await;
    let received = says(&world, " Stop ").await;
    assert_eq!((&received["keyword"], &received["opted_out"]), (&json!("STOP"), &json!(true)));
    assert_eq!(receiver.told().len(), 1, "the customer is told too");

    let (status, error) = world.text(PHONE, "hello").await;
    assert_eq!((status, &error["code"]), (400, &json!(21610)));
    let other = [("To", PHONE), ("From", "+14155550001"), ("Body", "b")];
    assert_eq!(world.send(&other).await.0, 201, "another number is not stopped");

    assert_eq!(says(&world, "unstop").await["opted_out"], false);
    assert_eq!(world.text(PHONE, "hello").await.0, 201);
    assert_eq!(world.sim.counts().auto_replies, 2);
}

#[tokio::test]
async fn a_sentence_with_stop_in_it_is_no_keyword() {
    let receiver = Receiver::new().await;
    let world = world(&receiver).await;
    assert_eq!(says(&world, "please stop calling").await["keyword"], Value::Null);
    assert_eq!(world.text(PHONE, "hello").await.0, 201);
}

#[tokio::test]
async fn an_account_may_handle_keywords_itself() {
    let receiver = Receiver::new().await;
    let world = world(&receiver).await;
    let settings = json!({"inbound_url": receiver.url, "opt_out_handling": false});
    world.control("PUT", &format!("/accounts/{ACCOUNT}"), settings).await;
    assert_eq!(says(&world, "STOP").await["opted_out"], false);
    assert_eq!(world.text(PHONE, "hello").await.0, 201);
}

#[tokio::test]
async fn an_unknown_account_and_an_unreachable_webhook_are_told() {
    let receiver = Receiver::new().await;
    let world = world(&receiver).await;
    let text =
        |account: &str, url: &str| json!({"account_sid": account, "from": PHONE, "to": FROM, "body": "b", "url": url});
    assert_eq!(world.control("POST", "/inbound", text("ACnobody", &receiver.url)).await.0, 404);
    let (status, received) = world.control("POST", "/inbound", text(ACCOUNT, "http://127.0.0.1:1/")).await;
    assert_eq!((status, &received["webhook"]["error"]), (200, &json!("could not connect")));
}
