//! Answers have Twilio's shape, and credentials are checked as Twilio checks them.

use serde_json::{Value, json};

use crate::support::{ACCOUNT, FROM, PHONE, TOKEN, World};

#[tokio::test]
async fn a_send_is_answered_with_a_whole_message_resource() {
    let world = World::new().await;
    let (status, message) = world.text("+1 (415) 555-0123", "Hello “you”").await;
    assert_eq!(status, 201);
    let sid = message["sid"].as_str().unwrap().to_owned();
    assert!(sid.len() == 34 && sid.starts_with("SM") && sid[2..].bytes().all(|b| b.is_ascii_hexdigit()));
    let date = message["date_created"].as_str().unwrap().to_owned();
    assert!(chrono::DateTime::parse_from_rfc2822(&date).is_ok() && date.ends_with("+0000"), "{date}");
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}");
    let expected = json!({
        "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": "Hello “you”",
        "date_created": date, "date_sent": null, "date_updated": date,
        "direction": "outbound-api", "error_code": null, "error_message": null,
        "from": FROM, "messaging_service_sid": null, "num_media": "0", "num_segments": "1",
        "price": null, "price_unit": "USD", "sid": sid, "status": "queued",
        "subresource_uris": {"media": format!("{path}/Media.json")},
        "to": PHONE, "uri": format!("{path}.json"),
    });
    assert_eq!(message, expected);
}

#[tokio::test]
async fn a_fetch_tells_the_state_of_now() {
    let world = World::new().await;
    let (_, message) = world.text(PHONE, "hello").await;
    world.sim.quiet().await;
    let (status, now) = world.get(&format!("/Messages/{}.json", message["sid"].as_str().unwrap())).await;
    assert_eq!((status, &now["status"], &now["body"]), (200, &json!("delivered"), &json!("hello")));
    assert!(now["date_sent"].is_string());
}

#[tokio::test]
async fn a_messaging_service_chooses_the_sender_after_acceptance() {
    let world = World::new().await;
    let service = "MG00000000000000000000000000000009";
    let settings = json!({"messaging_services": {service: ["+14155550001"]}});
    world.control("PUT", &format!("/accounts/{ACCOUNT}"), settings).await;
    let form = [("To", PHONE), ("MessagingServiceSid", service), ("Body", "hi")];
    let (_, message) = world.send(&form).await;
    assert_eq!((&message["status"], &message["from"]), (&json!("accepted"), &Value::Null));
    assert_eq!(message["messaging_service_sid"], service);
    world.sim.quiet().await;
    let (_, now) = world.get(&format!("/Messages/{}.json", message["sid"].as_str().unwrap())).await;
    assert_eq!(now["from"], "+14155550001");
}

#[tokio::test]
async fn what_is_not_there_is_20404() {
    let world = World::new().await;
    world.text(PHONE, "hello").await;
    for below in ["/Messages/SM00000000000000000000000000000000.json", "/Messages/nonsense", "/Calls.json"] {
        let (status, error) = world.get(below).await;
        assert_eq!((status, &error["code"]), (404, &json!(20404)), "{below}");
    }
}

#[tokio::test]
async fn the_first_token_seen_is_the_token() {
    let world = World::new().await;
    assert_eq!(world.text(PHONE, "hello").await.0, 201);
    let answer = world.http.get(world.messages()).basic_auth(ACCOUNT, Some("wrong")).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("www-authenticate"));
    let error: Value = answer.json().await.unwrap();
    let expected = json!({
        "code": 20003, "message": "Authenticate", "more_info": "https://www.twilio.com/docs/errors/20003", "status": 401,
    });
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_registered_account_has_its_token_and_keys_from_the_start() {
    let world = World::new().await;
    let settings = json!({"auth_token": "registered", "api_keys": {"SK1": "secret"}});
    let (_, shown) = world.control("PUT", &format!("/accounts/{ACCOUNT}"), settings).await;
    assert!(!shown.to_string().contains("registered") && !shown.to_string().contains("secret"));
    let url = format!("{}/2010-04-01/Accounts/{ACCOUNT}.json", world.sim.base_url);
    for (user, password, status) in
        [(ACCOUNT, TOKEN, 401), (ACCOUNT, "registered", 200), ("SK1", "secret", 200), ("SK1", "registered", 401)]
    {
        let answer = world.http.get(&url).basic_auth(user, Some(password)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{user}:{password}");
    }
    assert_eq!(world.http.get(&url).send().await.unwrap().status(), 401);
}
