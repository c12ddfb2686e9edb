//! What sending promises before anything is sent.

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Reply, TestApi};
use crate::provider_accounts::account;

const TO: &str = "+12025550123";

async fn send(api: &TestApi, body: &Value) -> Reply {
    api.post("/v1/messages", &api.a.key, body).await
}

fn pointers(reply: &Reply) -> Vec<String> {
    let errors = reply.body["errors"].as_array().unwrap();
    errors.iter().map(|e| format!("{} {}", e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_message_is_accepted_with_its_job() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let made = send(&api, &json!({ "to": TO, "body": "hello" })).await;
    assert_eq!(made.status, StatusCode::ACCEPTED, "{}", made.text);
    assert_eq!((&made.body["state"], &made.body["class"]), (&json!("queued"), &json!("transactional")));
    let job = made.body["job_id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("/v1/jobs/{job}"));
    let path = format!("/v1/messages/{}", made.body["id"].as_str().unwrap());
    assert_eq!(api.get(&path, &api.a.key).await.body, made.body);
    for filter in [format!("job_id={job}"), "state=queued".to_owned(), "direction=outbound".to_owned()] {
        let listed = api.get(&format!("/v1/messages?{filter}"), &api.a.key).await;
        assert_eq!(listed.body["data"][0]["id"], made.body["id"], "{filter}: {}", listed.text);
    }
    let none = api.get("/v1/messages?direction=inbound", &api.a.key).await;
    assert_eq!(none.body["data"], json!([]));
}

#[tokio::test]
async fn without_a_sender_nothing_is_accepted() {
    let api = TestApi::new().await;
    let reply = send(&api, &json!({ "to": TO, "body": "hello" })).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::UNPROCESSABLE_ENTITY, "no_sender"));
}

#[tokio::test]
async fn what_is_wrong_with_a_message_has_its_pointer() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    api.post("/v1/templates", &api.a.key, &json!({ "code": "hi", "class": "transactional", "body": "Hi {{ name }}" }))
        .await;
    for (body, status, code, errors) in [
        (json!({ "to": "nonsense", "body": "x" }), 422, "validation_failed", vec!["/to phone_invalid"]),
        (json!({ "body": "x" }), 422, "validation_failed", vec!["/to required"]),
        (json!({ "to": TO }), 422, "validation_failed", vec!["/body required"]),
        (json!({ "to": TO, "body": "x".repeat(1_601) }), 422, "validation_failed", vec!["/body body_too_long"]),
        (json!({ "to": TO, "template": "ho" }), 422, "validation_failed", vec!["/template template_not_found"]),
        (
            json!({ "to": TO, "template": "hi", "variables": { "nam": "x" } }),
            422,
            "template_variables",
            vec!["/variables/name missing_variable", "/variables/nam unknown_variable"],
        ),
        (
            json!({ "to": TO, "body": "x", "class": "marketing" }),
            422,
            "recipient_not_opted_in",
            vec!["/to recipient_not_opted_in"],
        ),
        (
            json!({ "to": TO, "body": "x", "send_at": "2999-01-01T00:00:00Z" }),
            422,
            "validation_failed",
            vec!["/send_at too_far"],
        ),
        (json!({ "to": TO, "body": "x", "from": "+12025550199" }), 422, "no_sender", vec!["/from sender_not_found"]),
    ] {
        let reply = send(&api, &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{body}: {}", reply.text);
        assert_eq!(pointers(&reply), errors, "{body}");
    }
    let strangers = json!({ "contact_id": "con_01h455vb4pex5vsknk084sn02q", "body": "x" });
    assert_eq!(pointers(&send(&api, &strangers).await), ["/contact_id contact_not_found"]);
}

#[tokio::test]
async fn a_recipient_who_said_stop_is_refused_at_the_door() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    diesel_async::RunQueryDsl::execute(
        diesel::sql_query(format!(
            "INSERT INTO suppressions (tenant_id, channel, address, reason) VALUES ('{}', 'sms', '{TO}', 'stop')",
            uuid::Uuid::from(api.a.id)
        )),
        &mut *tx,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let reply = send(&api, &json!({ "to": TO, "body": "x" })).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::UNPROCESSABLE_ENTITY, "recipient_opted_out"));
}

#[tokio::test]
async fn one_key_sends_once() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let body = json!({ "to": TO, "body": "hello" });
    let post = || api.send(Method::POST, "/v1/messages", Some(&api.a.key), Some(&body), &[("idempotency-key", "k")]);
    let (first, again) = (post().await, post().await);
    assert_eq!((first.status, again.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_eq!((&first.text, again.header("idempotent-replayed")), (&again.text, "true"));
    assert_eq!(api.get("/v1/messages", &api.a.key).await.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn messages_that_come_together_have_their_own_answers() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let posts = (0..40).map(|n| {
        let (api, bad) = (&api, n % 4 == 0);
        async move {
            let to = if bad { "nonsense".to_owned() } else { format!("+1202555{:04}", 1000 + n) };
            let reply = send(api, &json!({ "to": to, "body": "x" })).await;
            assert_eq!(reply.status.as_u16(), if bad { 422 } else { 202 }, "{}", reply.text);
            assert!(bad || reply.body["to"] == json!(to), "{}", reply.text);
        }
    });
    futures_util::future::join_all(posts).await;
}

#[tokio::test]
async fn a_batch_answers_for_each_message_in_order() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let messages = json!([{ "to": TO, "body": "a" }, { "to": "nonsense", "body": "b" }, { "body": "c" }, { "to": TO, "body": "d" }]);
    let batch = |mode: &str| json!({ "mode": mode, "messages": messages });
    let strict = api.post("/v1/messages/batch", &api.a.key, &batch("strict")).await;
    assert_eq!(strict.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", strict.text);
    let permissive = api.post("/v1/messages/batch", &api.a.key, &batch("permissive")).await;
    assert_eq!(permissive.status, StatusCode::ACCEPTED, "{}", permissive.text);
    assert_eq!((&permissive.body["accepted"], &permissive.body["refused"]), (&json!(2), &json!(2)));
    let results = permissive.body["results"].as_array().unwrap();
    let told: Vec<_> = results.iter().map(|r| r["error"]["code"].as_str().unwrap_or("ok")).collect();
    assert_eq!(told, ["ok", "phone_invalid", "required", "ok"]);
    assert_eq!(permissive.header("location"), format!("/v1/jobs/{}", permissive.body["job_id"].as_str().unwrap()));
    let none = json!({ "mode": "permissive", "messages": [{ "to": "nonsense", "body": "b" }] });
    let none = api.post("/v1/messages/batch", &api.a.key, &none).await;
    assert_eq!(
        (none.status, none.body["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/messages/0/to"))
    );
}

#[tokio::test]
async fn a_batch_of_a_thousand_is_taken_and_one_more_is_not() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let batch = |n: usize| {
        let messages: Vec<_> =
            (0..n).map(|n| json!({ "to": format!("+1202555{:04}", 1000 + n), "body": "x" })).collect();
        json!({ "messages": messages })
    };
    let taken = api.post("/v1/messages/batch", &api.a.key, &batch(1_000)).await;
    assert_eq!((taken.status, &taken.body["accepted"]), (StatusCode::ACCEPTED, &json!(1_000)));
    let refused = api.post("/v1/messages/batch", &api.a.key, &batch(1_001)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_request"));
}

#[tokio::test]
async fn a_queued_message_can_be_cancelled_once() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let made = send(&api, &json!({ "to": TO, "body": "x", "send_at": "2026-12-31T00:00:00Z" })).await;
    assert_eq!(made.status, StatusCode::ACCEPTED, "{}", made.text);
    let path = format!("/v1/messages/{}/cancel", made.body["id"].as_str().unwrap());
    let cancelled = api.send(Method::POST, &path, Some(&api.a.key), None, &[]).await;
    assert_eq!(
        (cancelled.status, &cancelled.body["state"]),
        (StatusCode::OK, &json!("cancelled")),
        "{}",
        cancelled.text
    );
    let again = api.send(Method::POST, &path, Some(&api.a.key), None, &[]).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "state_conflict"));
}
