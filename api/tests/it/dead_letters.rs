//! Dead letters: found by what they died of, redriven and discarded one by one or many at once.

use patchbay_db::{TypedId as _, ids::JobGroupId};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    harness::{Reply, TestApi},
    work::LANE,
};

async fn bulk(api: &TestApi, verb: &str, body: Value) -> Reply {
    let reply = api.post(&format!("/v1/dead_letters/{verb}"), &api.a.key, &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply
}

async fn found(api: &TestApi, query: &str) -> usize {
    let reply = api.get(&format!("/v1/dead_letters?{query}"), &api.a.key).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.body["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn they_are_listed_by_what_they_died_of() {
    let api = TestApi::new().await;
    let id = api.dead(api.a.id, "twilio_30003").await;
    api.dead(api.a.id, "twilio_30007").await;
    api.dead(api.b.id, "twilio_30003").await;
    api.accept_unpushed(api.a.id).await;
    let (subject, lane) = (format!("subject={id}"), format!("lane={}", LANE.replace('+', "%2B")));
    let group: JobGroupId = api.app.db.new_id(api.app.clock.now());
    api.set(api.a.id, id, &format!("group_id = '{}'", group.uuid())).await;
    let group = format!("group_id={group}");
    let matching = [
        ("", 2),
        ("error_code=twilio_30003", 1),
        ("error_code=twilio_3000", 0),
        ("error_class=permanent", 2),
        ("error_class=crash", 0),
        ("queue=sends&kind=messages.send", 2),
        ("queue=imports", 0),
        (&subject, 1),
        (&lane, 2),
        ("lane=pac", 0),
        (&group, 1),
        ("group_id=grp_01h455vb4pex5vsknk084sn02q", 0),
        ("failed_from=2026-01-01T00:00:00Z", 2),
        ("failed_before=2026-01-01T00:00:00Z", 0),
        ("limit=1", 1),
    ];
    for (query, count) in matching {
        assert_eq!(found(&api, query).await, count, "{query}");
    }
}

#[tokio::test]
async fn one_shows_its_attempts_and_what_it_was_given() {
    let api = TestApi::new().await;
    let id = api.dead(api.a.id, "twilio_30003").await;
    let one = api.get(&format!("/v1/dead_letters/{id}"), &api.a.key).await;
    assert_eq!(one.body["error"], json!({ "class": "permanent", "code": "twilio_30003", "detail": "inner words" }));
    assert_eq!((&one.body["payload"], one.body["attempts"].as_array().unwrap().len()), (&json!({ "messages": 1 }), 1));
    api.set(api.a.id, id, "kind = 'secrets.keep'").await;
    let other = api.get(&format!("/v1/dead_letters/{id}"), &api.a.key).await;
    assert_eq!(other.body["payload"], Value::Null, "the payload of a kind that is not known to be open is not shown");
    let alive = api.accept_unpushed(api.a.id).await;
    assert_eq!(api.get(&format!("/v1/dead_letters/{alive}"), &api.a.key).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn many_are_redriven_by_their_ids() {
    let api = TestApi::new().await;
    let (dead, stranger) = (api.dead(api.a.id, "x").await, api.dead(api.b.id, "x").await);
    let alive = api.accept_unpushed(api.a.id).await;
    let message = api.failed_message(api.a.id, dead).await;
    let body = json!({ "ids": [dead.to_string(), stranger.to_string(), alive.to_string()] });
    let reply = bulk(&api, "redrive", body).await;
    assert_eq!((&reply.body["count"], &reply.body["ids"]), (&json!(1), &json!([dead.to_string()])));
    assert_eq!(reply.body["skipped"], json!([stranger.to_string(), alive.to_string()]));
    assert_eq!(api.message_state(api.a.id, message).await, "queued");
    api.until_pushed(dead).await;
    assert_eq!(found(&api, "").await, 0);
    assert_eq!(api.audited(api.a.id).await, [format!("dead_letters.redrive {dead}")]);
    assert_eq!(api.audited(api.b.id).await, [""; 0]);
}

#[tokio::test]
async fn many_are_redriven_by_a_filter_up_to_a_limit() {
    let api = TestApi::new().await;
    let oldest = api.dead(api.a.id, "x").await;
    for code in ["x", "x", "y"] {
        api.dead(api.a.id, code).await;
    }
    let body = |dry: bool| json!({ "filter": { "error_code": "x" }, "limit": 2, "dry_run": dry });
    let dry = bulk(&api, "redrive", body(true)).await;
    assert_eq!(
        (&dry.body["count"], &dry.body["has_more"], &dry.body["dry_run"]),
        (&json!(2), &json!(true), &json!(true))
    );
    assert_eq!(found(&api, "").await, 4, "a dry run changes nothing");
    assert_eq!(api.audited(api.a.id).await, [""; 0]);
    let first = bulk(&api, "redrive", body(false)).await;
    assert_eq!((&first.body["count"], &first.body["ids"][0]), (&json!(2), &json!(oldest.to_string())), "oldest first");
    let second = bulk(&api, "redrive", body(false)).await;
    assert_eq!((&second.body["count"], &second.body["has_more"]), (&json!(1), &json!(false)));
    assert_eq!(found(&api, "error_code=y").await, 1, "what does not match stays");
    assert_eq!(api.audited(api.a.id).await[0], "dead_letters.redrive dead_letters");
}

#[tokio::test]
async fn what_is_discarded_cannot_be_retried() {
    let api = TestApi::new().await;
    let id = api.dead(api.a.id, "x").await;
    let reply = bulk(&api, "discard", json!({ "filter": {} })).await;
    assert_eq!(reply.body["count"], 1);
    let job = api.get(&format!("/v1/jobs/{id}"), &api.a.key).await;
    assert_eq!((&job.body["status"], &job.body["discarded"]), (&json!("failed"), &json!(true)));
    let retry = api.post(&format!("/v1/jobs/{id}/retry"), &api.a.key, &json!({})).await;
    assert_eq!(retry.code(), "state_conflict");
    assert_eq!(api.audited(api.a.id).await, [format!("dead_letters.discard {id}")]);
}

#[tokio::test]
async fn a_selection_is_by_ids_or_by_filter() {
    let api = TestApi::new().await;
    for body in [json!({}), json!({ "ids": ["job_01h455vb4pex5vsknk084sn02q"], "filter": {} })] {
        let reply = api.post("/v1/dead_letters/redrive", &api.a.key, &body).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"));
    }
}
