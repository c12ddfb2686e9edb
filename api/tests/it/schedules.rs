//! What schedules promise.

use diesel_async::RunQueryDsl as _;
use patchbay_db::TypedId as _;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Reply, SYSTEM_KEY, TestApi};

const TO: &str = "+12025550123";

fn weekly() -> Value {
    json!({
        "name": "Weekly", "cron": "0 30 9 * * Mon", "time_zone": "America/Chicago",
        "action": { "type": "send_message", "to": TO, "body": "Hello" },
    })
}

async fn account(api: &TestApi, key: &str) {
    let body = crate::provider_accounts::body(&json!([{ "address": "+12025550100" }]));
    assert_eq!(api.post("/v1/provider_accounts", key, &body).await.status, StatusCode::CREATED);
}

async fn made(api: &TestApi, body: &Value) -> Reply {
    account(api, &api.a.key).await;
    let made = api.post("/v1/schedules", &api.a.key, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made
}

async fn post(api: &TestApi, path: &str) -> Reply {
    api.send(Method::POST, path, Some(&api.a.key), None, &[]).await
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

async fn execute(api: &TestApi, sql: &str) {
    let mut tx = api.app.db.system("a test").await.unwrap();
    diesel::sql_query(sql).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[derive(diesel::QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

async fn texts(api: &TestApi, sql: &str) -> Vec<String> {
    let mut tx = api.app.db.system("a test").await.unwrap();
    let rows: Vec<Text> = diesel::sql_query(sql).load(&mut *tx).await.unwrap();
    rows.into_iter().map(|row| row.text).collect()
}

#[tokio::test]
async fn a_schedule_is_made_read_changed_and_deleted() {
    let api = TestApi::new().await;
    let made = made(&api, &weekly()).await;
    let path = made.header("location").to_owned();
    assert_eq!(api.get(&path, &api.a.key).await.body, made.body);
    assert_eq!((&made.body["state"], &made.body["catch_up"]), (&json!("active"), &json!("last")));
    let times = made.body["next_times"].as_array().unwrap();
    assert_eq!((times.len(), &times[0]), (5, &made.body["next_at"]));
    assert_eq!(made.body["action"]["type"], "send_message");
    let listed = api.get("/v1/schedules", &api.a.key).await;
    assert_eq!(listed.body["data"][0]["id"], made.body["id"]);
    assert_eq!(listed.body["data"][0]["next_times"], Value::Null);

    let change = json!({ "cron": "15 8 * * Tue", "time_zone": null, "catch_up": "all" });
    let changed = api.patch(&path, &api.a.key, &change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(changed.body["cron"], "0 15 8 * * Tue", "five fields: the second is 0");
    assert_eq!(
        (&changed.body["time_zone"], &changed.body["catch_up"], &changed.body["name"]),
        (&json!("UTC"), &json!("all"), &json!("Weekly"))
    );
    assert_ne!(changed.body["next_at"], made.body["next_at"]);
    let cleared = api.patch(&path, &api.a.key, &json!({ "catch_up": null })).await;
    assert_eq!(cleared.body["catch_up"], "last");

    let deleted = api.delete(&path, &api.a.key).await;
    assert_eq!((deleted.status, &deleted.body["id"]), (StatusCode::OK, &made.body["id"]));
    assert_eq!(api.get(&path, &api.a.key).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.delete(&path, &api.a.key).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_wrong_with_a_schedule_has_its_pointer() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let action = |action: Value| with(weekly(), "action", action);
    for (body, code, errors) in [
        (with(weekly(), "cron", json!("soon")), "validation_failed", vec!["/cron invalid_cron"]),
        (with(weekly(), "cron", json!("0 0 9 * * 1")), "validation_failed", vec!["/cron weekday_number"]),
        (with(weekly(), "cron", json!("0 0 0 30 Feb *")), "validation_failed", vec!["/cron never_ticks"]),
        (with(weekly(), "time_zone", json!("Mars/Base")), "validation_failed", vec!["/time_zone unknown_time_zone"]),
        (action(json!({ "type": "send_message", "body": "x" })), "validation_failed", vec!["/action/to required"]),
        (
            action(json!({ "type": "send_message", "to": "nonsense", "body": "x" })),
            "validation_failed",
            vec!["/action/to phone_invalid"],
        ),
        (
            action(json!({ "type": "send_message", "to": TO, "body": "x", "class": "marketing" })),
            "recipient_not_opted_in",
            vec!["/action/to recipient_not_opted_in"],
        ),
        (
            action(json!({ "type": "send_message", "to": TO, "body": "x", "from": "+12025550199" })),
            "no_sender",
            vec!["/action/from sender_not_found"],
        ),
        (
            action(
                json!({ "type": "send_messages", "messages": [{ "to": TO, "body": "x" }, { "to": TO }, { "body": "x" }] }),
            ),
            "validation_failed",
            vec!["/action/messages/1/body required", "/action/messages/2/to required"],
        ),
        (
            action(json!({ "type": "send_messages", "template": "hi", "messages": [{ "to": TO }] })),
            "validation_failed",
            vec!["/action/messages/0/template template_not_found"],
        ),
    ] {
        let reply = api.post("/v1/schedules", &api.a.key, &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (422, code), "{body}: {}", reply.text);
        let found = reply.body["errors"].as_array().unwrap().iter();
        let found: Vec<String> = found
            .map(|error| format!("{} {}", error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect();
        assert_eq!(found, errors, "{body}");
    }
    for (body, pointer) in [
        (action(json!({ "type": "call" })), "/action/type"),
        (action(json!({ "type": "send_message", "to": TO, "body": "x", "bogus": 1 })), "/action/bogus"),
        (action(json!({ "type": "send_messages", "messages": [] })), "/action/messages"),
        (with(weekly(), "catch_up", json!("most")), "/catch_up"),
    ] {
        let reply = api.post("/v1/schedules", &api.a.key, &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (400, "invalid_request"), "{body}: {}", reply.text);
        assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{}", reply.text);
    }
    assert_eq!(api.get("/v1/schedules", &api.a.key).await.body["data"], json!([]));
}

#[tokio::test]
async fn a_pause_takes_the_next_time_away_and_resuming_gives_one_from_then_on() {
    let api = TestApi::new().await;
    let made = made(&api, &with(weekly(), "catch_up", json!("all"))).await;
    let path = made.header("location").to_owned();
    let paused = post(&api, &format!("{path}/pause")).await;
    assert_eq!(paused.status, StatusCode::OK, "{}", paused.text);
    assert_eq!((&paused.body["state"], &paused.body["next_at"]), (&json!("paused"), &Value::Null));
    assert_eq!(paused.body["next_times"], json!([]));
    assert_eq!(post(&api, &format!("{path}/pause")).await.body, paused.body, "pausing twice changes nothing");
    let changed = api.patch(&path, &api.a.key, &json!({ "cron": "0 0 7 * * *" })).await;
    assert_eq!((&changed.body["state"], &changed.body["next_at"]), (&json!("paused"), &Value::Null));
    let resumed = post(&api, &format!("{path}/resume")).await;
    assert_eq!((&resumed.body["state"], &resumed.body["paused_at"]), (&json!("active"), &Value::Null));
    assert!(resumed.body["next_at"].as_str().unwrap() > resumed.body["updated_at"].as_str().unwrap());
    assert_eq!(post(&api, &format!("{path}/resume")).await.body, resumed.body, "nor does resuming twice");
}

#[tokio::test]
async fn a_run_by_hand_is_a_job_and_no_tick() {
    let api = TestApi::new().await;
    let made = made(&api, &weekly()).await;
    let path = made.header("location").to_owned();
    post(&api, &format!("{path}/pause")).await;
    let run = post(&api, &format!("{path}/run")).await;
    assert_eq!(run.status, StatusCode::ACCEPTED, "{}", run.text);
    let job = run.body["job_id"].as_str().unwrap();
    assert_eq!(run.header("location"), format!("/v1/jobs/{job}"));
    assert_eq!(run.body["schedule"]["last_tick_at"], Value::Null);
    let job = api.get(&format!("/v1/jobs/{job}"), &api.a.key).await;
    assert_eq!((&job.body["kind"], &job.body["subject"]), (&json!("schedules.run"), &made.body["id"]));
    assert_ne!(post(&api, &format!("{path}/run")).await.body["job_id"], run.body["job_id"], "each has its own");
    let with_key = [("idempotency-key", "once")];
    let again = async || api.send(Method::POST, &format!("{path}/run"), Some(&api.a.key), None, &with_key).await;
    let (first, second) = (again().await, again().await);
    assert_eq!((first.text, second.header("idempotent-replayed")), (second.text.clone(), "true"));
}

#[tokio::test]
async fn a_preview_shows_the_times_with_the_clocks_of_the_zone() {
    let api = TestApi::new().await;
    let body =
        json!({ "cron": "0 30 2 * * *", "time_zone": "Europe/Berlin", "after": "2026-03-28T00:00:00Z", "count": 3 });
    let preview = api.post("/v1/schedules/preview", &api.a.key, &body).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    assert_eq!(
        preview.body["times"],
        json!([
            { "at": "2026-03-28T01:30:00Z", "local": "2026-03-28T02:30:00+01:00" },
            { "at": "2026-03-29T01:00:00Z", "local": "2026-03-29T03:00:00+02:00" },
            { "at": "2026-03-30T00:30:00Z", "local": "2026-03-30T02:30:00+02:00" },
        ])
    );
    let usual = api.post("/v1/schedules/preview", &api.a.key, &json!({ "cron": "@daily" })).await;
    assert_eq!((usual.body["times"].as_array().unwrap().len(), &usual.body["time_zone"]), (5, &json!("UTC")));
    let wrong = api.post("/v1/schedules/preview", &api.a.key, &json!({ "cron": "* *" })).await;
    assert_eq!(
        (wrong.status, &wrong.body["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/cron"))
    );
}

#[tokio::test]
async fn a_tenant_has_at_most_a_thousand() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let fill = format!(
        "INSERT INTO queue.schedules (tenant_id, id, name, cron, time_zone, catch_up)
         SELECT '{}', gen_random_uuid(), 'n', '0 0 9 * * *', 'UTC', 'last' FROM generate_series(1, 1000)",
        api.a.id.uuid()
    );
    execute(&api, &fill).await;
    let reply = api.post("/v1/schedules", &api.a.key, &weekly()).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::UNPROCESSABLE_ENTITY, "limit_reached"), "{}", reply.text);
}

#[tokio::test]
async fn each_tenant_sees_its_own_and_the_operator_all_with_the_programs() {
    let api = TestApi::new().await;
    let ours = made(&api, &weekly()).await;
    account(&api, &api.b.key).await;
    let theirs = api.post("/v1/schedules", &api.b.key, &weekly()).await;
    execute(
        &api,
        "INSERT INTO queue.schedules (tenant_id, id, name, cron, time_zone, catch_up, next_at)
         VALUES ('00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'retention', '0 0 * * * *', 'UTC', 'last', now())",
    )
    .await;
    let ids = |reply: &Reply| -> Vec<Value> {
        reply.body["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect()
    };
    assert_eq!(ids(&api.get("/v1/schedules", &api.a.key).await), [ours.body["id"].clone()]);
    assert_eq!(ids(&api.get("/v1/schedules", &api.b.key).await), [theirs.body["id"].clone()]);
    let all = api.get("/v1/schedules", SYSTEM_KEY).await;
    assert_eq!(all.body["data"].as_array().unwrap().len(), 3, "{}", all.text);
    let own = all.body["data"].as_array().unwrap().iter().find(|one| one["name"] == "retention").unwrap();
    assert_eq!((&own["action"], &own["tenant_id"]), (&Value::Null, &json!("tnt_00000000000000000000000000")));

    // The operator names whose; it pauses the program's own too, but they are neither run nor deleted by hand.
    let path = ours.header("location");
    assert_eq!(api.get(path, SYSTEM_KEY).await.code(), "invalid_request");
    let named = format!("{path}?tenant_id={}", api.a.id);
    assert_eq!(api.get(&named, SYSTEM_KEY).await.body["id"], ours.body["id"]);
    let of_b = format!("{path}?tenant_id={}", api.b.id);
    assert_eq!(api.get(&of_b, SYSTEM_KEY).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.get(&named, &api.b.key).await.status, StatusCode::NOT_FOUND);
    let own = |verb: &str| {
        format!("/v1/schedules/{}{verb}?tenant_id=tnt_00000000000000000000000000", own["id"].as_str().unwrap())
    };
    let paused = api.send(Method::POST, &own("/pause"), Some(SYSTEM_KEY), None, &[]).await;
    assert_eq!(paused.body["state"], "paused", "{}", paused.text);
    let run = api.send(Method::POST, &own("/run"), Some(SYSTEM_KEY), None, &[]).await;
    assert_eq!((run.status, run.code()), (StatusCode::CONFLICT, "state_conflict"));
    assert_eq!(api.delete(&own(""), SYSTEM_KEY).await.code(), "state_conflict");
}

#[tokio::test]
async fn one_tenants_schedules_are_listed_for_the_operator_who_names_it() {
    let api = TestApi::new().await;
    let ours = made(&api, &weekly()).await;
    account(&api, &api.b.key).await;
    assert_eq!(api.post("/v1/schedules", &api.b.key, &weekly()).await.status, StatusCode::CREATED);
    let of_a = format!("/v1/schedules?tenant_id={}", api.a.id);
    for key in [SYSTEM_KEY, api.a.key.as_str()] {
        let listed = api.get(&of_a, key).await;
        let ids: Vec<_> = listed.body["data"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, [&ours.body["id"]], "{}", listed.text);
    }
    let foreign = api.get(&of_a, &api.b.key).await;
    assert_eq!((foreign.status, foreign.code()), (StatusCode::NOT_FOUND, "not_found"));
}

#[tokio::test]
async fn what_is_done_to_a_schedule_leaves_an_event_and_an_entry_without_its_text() {
    let api = TestApi::new().await;
    let made =
        made(&api, &with(weekly(), "action", json!({ "type": "send_message", "to": TO, "body": "secret words" })))
            .await;
    let path = made.header("location").to_owned();
    api.patch(&path, &api.a.key, &json!({ "name": "Other" })).await;
    for verb in ["pause", "resume", "run"] {
        post(&api, &format!("{path}/{verb}")).await;
    }
    api.delete(&path, &api.a.key).await;
    let deeds = texts(&api, "SELECT action AS text FROM audit_log WHERE action LIKE 'schedules.%' ORDER BY id").await;
    assert_eq!(deeds, ["create", "patch", "pause", "resume", "run", "delete"].map(|verb| format!("schedules.{verb}")));
    let events = texts(&api, "SELECT type AS text FROM events WHERE type LIKE 'schedule.%' ORDER BY id").await;
    assert_eq!(events, ["created", "updated", "paused", "resumed", "deleted"].map(|done| format!("schedule.{done}")));
    let told =
        texts(&api, "SELECT detail::text AS text FROM audit_log UNION ALL SELECT payload::text FROM events").await;
    assert!(!told.iter().any(|text| text.contains("secret")), "{told:?}");
}
