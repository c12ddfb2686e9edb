//! What contacts and their channels promise.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Reply, TestApi};
use crate::provider_accounts::account;

async fn make(api: &TestApi, body: &Value) -> Reply {
    api.post("/v1/contacts", &api.a.key, body).await
}

#[tokio::test]
async fn a_contact_is_made_read_changed_and_deleted() {
    let api = TestApi::new().await;
    let made = make(&api, &json!({
        "first_name": "Ada", "country": "united kingdom", "locale": "en_GB", "attributes": { "budget": 12, "tags": ["a"] },
        "channels": [{ "channel": "sms", "address": "+44 7911 123456" }, { "channel": "email", "address": "Ada@Example.ORG" }],
    })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!((&made.body["country"], &made.body["locale"]), (&json!("GB"), &json!("en-GB")));
    let addresses: Vec<&Value> = made.body["channels"].as_array().unwrap().iter().map(|c| &c["address"]).collect();
    assert_eq!(addresses, ["+447911123456", "ada@example.org"]);
    let path = made.header("location").to_owned();
    assert_eq!(api.get(&path, &api.a.key).await.body, made.body);
    let patch = json!({ "first_name": null, "city": "London", "attributes": { "budget": null, "score": 3 } });
    let changed = api.patch(&path, &api.a.key, &patch).await;
    assert_eq!(
        (&changed.body["first_name"], &changed.body["city"]),
        (&Value::Null, &json!("London")),
        "{}",
        changed.text
    );
    assert_eq!(changed.body["attributes"], json!({ "score": 3, "tags": ["a"] }));
    assert_eq!(api.delete(&path, &api.a.key).await.body["deleted"], true);
    assert_eq!(api.get(&path, &api.a.key).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_address_of_another_contact_is_refused_and_its_owner_named() {
    let api = TestApi::new().await;
    let body = json!({ "channels": [{ "channel": "sms", "address": "+447911123456" }] });
    let first = make(&api, &body).await;
    let second = make(&api, &body).await;
    assert_eq!((second.status, second.code()), (StatusCode::CONFLICT, "already_exists"));
    assert!(second.body["detail"].as_str().unwrap().contains(first.body["id"].as_str().unwrap()), "{}", second.text);
    assert_eq!(api.get("/v1/contacts", &api.a.key).await.body["data"].as_array().unwrap().len(), 1);
    let other = api.post("/v1/contacts", &api.b.key, &body).await;
    assert_eq!(other.status, StatusCode::CREATED, "addresses are of a tenant");
}

#[tokio::test]
async fn every_value_that_cannot_be_stored_is_named() {
    let api = TestApi::new().await;
    let reply = make(
        &api,
        &json!({ "channels": [
        { "channel": "sms", "address": "07911 123456" }, { "channel": "email", "address": "nobody" },
        { "channel": "email", "address": "a@example.org" }, { "channel": "email", "address": "A@example.org" },
    ] }),
    )
    .await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    let told: Vec<(&str, &str)> = reply.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("/channels/0/address", "phone_no_country"),
            ("/channels/1/address", "email_malformed"),
            ("/channels/3/address", "address_twice"),
        ]
    );
    let reply = make(&api, &json!({ "country": "Atlantis", "timezone": "Mars/Base" })).await;
    let codes: Vec<&Value> = reply.body["errors"].as_array().unwrap().iter().map(|error| &error["code"]).collect();
    assert_eq!(codes, ["country_unknown", "timezone_unknown"]);
}

#[tokio::test]
async fn contacts_are_found_by_address() {
    let api = TestApi::new().await;
    make(&api, &json!({ "channels": [{ "channel": "sms", "address": "+447911123456" }, { "channel": "email", "address": "a@example.org" }] })).await;
    make(&api, &json!({ "first_name": "other" })).await;
    for query in ["phone=%2B44%207911%20123456", "email=A@example.org"] {
        let found = api.get(&format!("/v1/contacts?{query}"), &api.a.key).await;
        assert_eq!(found.body["data"].as_array().unwrap().len(), 1, "{}", found.text);
    }
    assert_eq!(api.get("/v1/contacts?phone=12", &api.a.key).await.code(), "invalid_request");
    assert_eq!(api.get("/v1/contacts?email=a@b.org&phone=12", &api.a.key).await.code(), "invalid_request");
}

#[tokio::test]
async fn channels_are_added_made_primary_and_removed() {
    let api = TestApi::new().await;
    let contact = make(&api, &json!({ "channels": [{ "channel": "sms", "address": "+447911123456" }] })).await;
    let path = format!("{}/channels", contact.header("location"));
    let added = api.post(&path, &api.a.key, &json!({ "channel": "sms", "address": "+447911123457" })).await;
    assert_eq!((added.status, &added.body["is_primary"]), (StatusCode::CREATED, &json!(false)), "{}", added.text);
    let channel = added.header("location").to_owned();
    assert_eq!(api.get(&channel, &api.a.key).await.body, added.body);
    let changed = api.patch(&channel, &api.a.key, &json!({ "is_primary": true })).await;
    assert_eq!(changed.body["is_primary"], true);
    let contact = api.get(contact.header("location"), &api.a.key).await;
    let primary: Vec<&Value> = contact.body["channels"].as_array().unwrap().iter().map(|c| &c["is_primary"]).collect();
    assert_eq!(primary, [false, true]);
    assert_eq!(api.delete(&channel, &api.a.key).await.body["deleted"], true);
    assert_eq!(api.delete(&channel, &api.a.key).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_no_holds_for_the_address_until_the_person_says_yes() {
    let api = TestApi::new().await;
    let body = json!({ "channels": [{ "channel": "sms", "address": "+447911123456" }] });
    let contact = make(&api, &body).await;
    let channel = format!("/v1/contact_channels/{}", contact.body["channels"][0]["id"].as_str().unwrap());
    let said = json!({ "source": "phone call", "evidence": "4711" });
    let out = api.post(&format!("{channel}/opt_out"), &api.a.key, &said).await;
    assert_eq!((out.status, &out.body["consent"]), (StatusCode::OK, &json!("opted_out")), "{}", out.text);
    api.delete(contact.header("location"), &api.a.key).await;
    let given = json!({ "channels": [{ "channel": "sms", "address": "+447911123456", "consent": { "state": "opted_in", "source": "list" } }] });
    let again = make(&api, &given).await;
    assert_eq!(again.body["channels"][0]["consent"], "opted_out", "a list does not undo it");
    let channel = format!("/v1/contact_channels/{}", again.body["channels"][0]["id"].as_str().unwrap());
    let back = api.post(&format!("{channel}/opt_in"), &api.a.key, &said).await;
    assert_eq!((&back.body["consent"], &back.body["consent_source"]), (&json!("opted_in"), &json!("phone call")));
}

#[tokio::test]
async fn a_contact_with_messages_is_deleted_and_the_messages_stay_without_it() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let person = json!({ "first_name": "Ada", "channels": [{ "channel": "sms", "address": "+12025550123" }] });
    let contact = make(&api, &person).await;
    let id = contact.body["id"].as_str().unwrap();
    let mut sent = Vec::new();
    for body in ["one", "two"] {
        sent.push(api.post("/v1/messages", &api.a.key, &json!({ "contact_id": id, "body": body })).await);
    }
    assert!(sent.iter().all(|message| message.body["contact_id"] == id), "{}", sent[0].text);
    let lead = api.post("/v1/leads", &api.a.key, &json!({ "first_name": "Ada", "contact_id": id })).await;
    let path = contact.header("location");
    assert_eq!(api.delete(path, &api.b.key).await.status, StatusCode::NOT_FOUND, "another tenant has no such contact");
    assert_eq!(api.get(path, &api.a.key).await.status, StatusCode::OK);

    assert_eq!(api.delete(path, &api.a.key).await.body, json!({ "id": id, "deleted": true }));
    assert_eq!(api.get(path, &api.a.key).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.delete(path, &api.a.key).await.status, StatusCode::NOT_FOUND);
    for message in sent {
        let left = api.get(&format!("/v1/messages/{}", message.body["id"].as_str().unwrap()), &api.a.key).await;
        assert_eq!((&left.body["contact_id"], &left.body["body"]), (&Value::Null, &message.body["body"]));
    }
    assert_eq!(api.get(lead.header("location"), &api.a.key).await.body["contact_id"], Value::Null);
    let of_it = api.get(&format!("/v1/messages?contact_id={id}"), &api.a.key).await;
    assert_eq!(of_it.body["data"], json!([]));
    assert_eq!(make(&api, &person).await.status, StatusCode::CREATED, "the address is free");
}
