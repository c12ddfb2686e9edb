//! Every refusal has Twilio's code and HTTP status, and makes no message.

use serde_json::json;

use crate::support::{ACCOUNT, FROM, PHONE, World};

async fn expect(world: &World, form: &[(&str, &str)], status: u16, code: u32) {
    let (got, error) = world.send(form).await;
    assert_eq!((got, &error["code"]), (status, &json!(code)), "{form:?}");
    assert_eq!(error["status"], status);
    assert_eq!(error["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
}

#[tokio::test]
async fn malformed_sends_are_refused_in_twilios_words() {
    let world = World::new().await;
    let long = "x".repeat(1601);
    for (form, code) in [
        (vec![("From", FROM), ("Body", "b")], 21604),
        (vec![("To", PHONE), ("Body", "b")], 21603),
        (vec![("To", PHONE), ("From", FROM)], 21602),
        (vec![("To", PHONE), ("From", FROM), ("Body", &long)], 21617),
        (vec![("To", "5551234"), ("From", FROM), ("Body", "b")], 21211),
        (vec![("To", PHONE), ("From", "+1-no-number!"), ("Body", "b")], 21212),
        (vec![("To", PHONE), ("From", FROM), ("Body", "b"), ("StatusCallback", "nowhere")], 21609),
        (vec![("To", PHONE), ("From", FROM), ("Body", "b"), ("ValidityPeriod", "36001")], 20001),
        (vec![("To", PHONE), ("From", FROM), ("Body", "b"), ("MediaUrl", "http://x/y.png")], 20001),
        (vec![("To", PHONE), ("MessagingServiceSid", "MG1"), ("Body", "b")], 21701),
    ] {
        expect(&world, &form, 400, code).await;
    }
    let counts = world.sim.counts();
    assert_eq!((counts.requests, counts.rejected, counts.accepted), (10, 10, 0));
    assert_eq!(counts.rejected_by_code[&20001], 2);
}

#[tokio::test]
async fn twilios_own_magic_numbers_keep_their_meaning() {
    let world = World::new().await;
    for (to, code) in [
        ("+15005550001", 21211),
        ("+15005550002", 21612),
        ("+15005550003", 21408),
        ("+15005550004", 21610),
        ("+15005550009", 21614),
    ] {
        expect(&world, &[("To", to), ("From", FROM), ("Body", "b")], 400, code).await;
    }
    for (from, status, code) in
        [("+15005550001", 400, 21212), ("+15005550007", 400, 21606), ("+15005550008", 429, 21611)]
    {
        expect(&world, &[("To", PHONE), ("From", from), ("Body", "b")], status, code).await;
    }
    assert_eq!(world.sim.counts().accepted, 0);
}

#[tokio::test]
async fn a_once_number_strikes_each_text_once() {
    let world = World::new().await;
    for (to, status) in [("+15005550103", 429), ("+15005550109", 500), ("+15005550112", 503)] {
        assert_eq!(world.text(to, "first").await.0, status);
        assert_eq!(world.text(to, "first").await.0, 201);
        assert_eq!(world.text(to, "second").await.0, status);
        assert_eq!(world.text(to, "second").await.0, 201);
    }
}

#[tokio::test]
async fn a_number_that_is_not_the_accounts_own_is_21606() {
    let world = World::new().await;
    world.control("PUT", &format!("/accounts/{ACCOUNT}"), json!({"numbers": ["+14155550001"]})).await;
    expect(&world, &[("To", PHONE), ("From", FROM), ("Body", "b")], 400, 21606).await;
    let form = [("To", PHONE), ("From", "+14155550001"), ("Body", "b")];
    assert_eq!(world.send(&form).await.0, 201);
}

#[tokio::test]
async fn a_body_beyond_all_measure_is_413() {
    let world = World::new().await;
    let (status, _) = world.text(PHONE, &"x".repeat(70_000)).await;
    assert_eq!(status, 413);
}
