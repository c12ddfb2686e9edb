//! Many dead letters: counted, exported, and worked through by a job; the operator's view of everybody's.

use diesel::{
    QueryableByName,
    sql_types::{Jsonb, Text},
};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::TenantId;
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{SYSTEM_KEY, TestApi};

#[tokio::test]
async fn they_are_counted_by_the_filters_of_the_list() {
    let api = TestApi::new().await;
    for (tenant, code) in [(api.a.id, "x"), (api.a.id, "y"), (api.b.id, "x")] {
        api.dead(tenant, code).await;
    }
    for (key, query, count) in [
        (api.a.key.as_str(), "", 2),
        (&api.a.key, "?error_code=x&error_class=permanent&queue=sends&kind=messages.send", 1),
        (&api.a.key, "?failed_before=2020-01-01T00:00:00Z", 0),
        (SYSTEM_KEY, "?error_code=x", 2),
    ] {
        let reply = api.get(&format!("/v1/dead_letters/count{query}"), key).await;
        assert_eq!(reply.body, json!({ "count": count, "at_least": false }), "{query}");
    }
}

#[tokio::test]
async fn an_export_holds_each_once_over_many_pages() {
    let api = TestApi::new().await;
    let first = api.dead(api.a.id, "=cmd()").await;
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    diesel::sql_query(
        "INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, payload, run_at, max_attempts, state, finished_at,
            error_class, last_error)
         SELECT tenant_id, gen_random_uuid(), queue, kind, version, payload, run_at, max_attempts, 'dead', finished_at,
            'crash', 'aborted: inner words' FROM queue.jobs, generate_series(1, 1200)",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    api.dead(api.b.id, "theirs").await;
    let lines = api.get("/v1/dead_letters/export", &api.a.key).await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson; charset=utf-8");
    let letters: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: std::collections::BTreeSet<&str> = letters.iter().map(|letter| letter["id"].as_str().unwrap()).collect();
    assert_eq!((letters.len(), ids.len()), (1_201, 1_201));
    let ours = letters.iter().filter(|letter| letter["error"]["code"] == "aborted");
    assert!(
        ours.clone().count() == 1_200 && ours.into_iter().all(|letter| !letter.to_string().contains("inner words"))
    );
    let theirs = letters.iter().find(|letter| letter["id"] == first.to_string()).unwrap();
    assert_eq!(theirs["attempts"].as_array().unwrap().len(), 1, "with the history of its attempts");
    let one = api.get("/v1/dead_letters/export?format=csv&error_class=permanent", &api.a.key).await;
    let mut rows = one.text.lines();
    assert!(rows.next().unwrap().starts_with("id,tenant_id,kind,queue,lane"));
    let row = rows.next().unwrap();
    assert!(row.starts_with(&first.to_string()) && row.contains("\"'=cmd()\""), "{row}");
    assert_eq!(rows.next(), None);
    let all = api.get("/v1/dead_letters/export?format=csv", SYSTEM_KEY).await;
    assert_eq!(all.text.lines().count(), 1 + 1_202);
    let none = api.get("/v1/dead_letters/export?error_code=nothing", &api.a.key).await;
    assert_eq!((none.status, none.text.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn the_operator_looks_at_everybodys_and_acts_for_one() {
    let api = TestApi::new().await;
    let (a, b) = (api.dead(api.a.id, "database_error").await, api.dead(api.b.id, "x").await);
    let all = api.get("/v1/dead_letters", SYSTEM_KEY).await;
    let ids: Vec<_> = all.body["data"].as_array().unwrap().iter().map(|letter| letter["id"].clone()).collect();
    assert_eq!(ids, [b.to_string(), a.to_string()], "{}", all.text);
    let page = api.get("/v1/dead_letters?limit=1", SYSTEM_KEY).await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let rest = api.get(&format!("/v1/dead_letters?cursor={cursor}"), SYSTEM_KEY).await;
    assert_eq!(rest.body["data"][0]["id"], a.to_string());
    let only = api.get(&format!("/v1/dead_letters?tenant_id={}", api.a.id), SYSTEM_KEY).await;
    assert_eq!(only.body["data"].as_array().unwrap().len(), 1);
    let one = api.get(&format!("/v1/dead_letters/{a}"), SYSTEM_KEY).await;
    let attempt = &one.body["attempts"][0];
    assert_eq!((&attempt["worker"], &attempt["detail"]), (&json!("box-1:4711"), &json!("inner words")), "{}", one.text);
    let own = api.get(&format!("/v1/dead_letters/{a}"), &api.a.key).await;
    assert_eq!((&own.body["attempts"][0]["worker"], own.text.contains("inner words")), (&Value::Null, false));
    let body = json!({ "ids": [a.to_string(), b.to_string()], "tenant_id": api.a.id.to_string() });
    let reply = api.post("/v1/dead_letters/redrive", SYSTEM_KEY, &body).await;
    assert_eq!((&reply.body["count"], &reply.body["skipped"]), (&json!(1), &json!([b.to_string()])), "{}", reply.text);
    assert_eq!(api.audited(api.a.id).await, [format!("dead_letters.redrive {a}")]);
}

#[tokio::test]
async fn many_are_worked_through_by_a_job() {
    let api = TestApi::new().await;
    for code in ["x", "x", "y"] {
        api.dead(api.a.id, code).await;
    }
    let body = json!({ "filter": { "error_code": "x" }, "per_second": 5, "limit": 100 });
    for verb in ["redrive", "discard"] {
        let reply = api.post(&format!("/v1/dead_letters/{verb}_job"), &api.a.key, &body).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
        assert_eq!(
            (&reply.body["kind"], &reply.body["progress"]["total"]),
            (&json!(format!("jobs.{verb}")), &json!(2))
        );
        let id = reply.body["id"].as_str().unwrap();
        assert_eq!(reply.header("location"), format!("/v1/jobs/{id}"));
        let log = api.audited(api.a.id).await;
        assert_eq!(log.last().unwrap(), &format!("dead_letters.{verb}_job {id}"));
        let stopped = api.post(&format!("/v1/jobs/{id}/cancel"), &api.a.key, &json!({})).await;
        assert_eq!(stopped.body["status"], "cancelled", "{}", stopped.text);
    }
    for body in [json!({}), json!({ "ids": ["job_01h455vb4pex5vsknk084sn02q"], "filter": {} })] {
        assert_eq!(api.post("/v1/dead_letters/redrive_job", &api.a.key, &body).await.code(), "validation_failed");
    }
}

#[derive(QueryableByName)]
struct Event {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Jsonb)]
    payload: Value,
}

async fn births(api: &TestApi, tenant: TenantId) -> Vec<Event> {
    let mut tx = api.app.db.begin_read(tenant).await.unwrap();
    let sql = "SELECT subject, payload FROM events WHERE type = 'job.dead_lettered' ORDER BY id";
    let found = diesel::sql_query(sql).load(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    found
}

#[tokio::test]
async fn a_dead_letter_is_born_with_an_event() {
    let api = TestApi::new().await;
    let id = api.dead(api.a.id, "twilio_30003").await;
    let born = births(&api, api.a.id).await;
    assert_eq!((born.len(), born[0].subject.as_str()), (1, id.to_string().as_str()));
    let wanted = json!({
        "kind": "messages.send", "queue": "sends", "subject": id.to_string(), "error_class": "permanent",
        "error_code": "twilio_30003", "errors": 1, "crashes": 0,
    });
    assert_eq!(born[0].payload, wanted);
    api.set(api.a.id, id, "progress_total = 1").await;
    api.act(id, "retry").await;
    assert_eq!(births(&api, api.a.id).await.len(), 1, "only dying is one");
    api.set(api.a.id, id, "state = 'dead', finished_at = now()").await;
    assert_eq!(births(&api, api.a.id).await.len(), 2, "and dying again is another");
    assert!(births(&api, api.b.id).await.is_empty());
}
