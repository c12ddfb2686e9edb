//! A change of a record leaves its event behind, in the tenant's own list, and what changes nothing leaves none.

use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::TenantId;
use serde_json::{Value, json};

use crate::harness::{SYSTEM_KEY, TestApi};

#[derive(QueryableByName)]
struct Event {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Jsonb)]
    payload: Value,
    #[diesel(sql_type = Nullable<Text>)]
    request_id: Option<String>,
}

/// The events of `tenant` whose type begins with `kind`, in order.
async fn events(api: &TestApi, tenant: TenantId, kind: &str) -> Vec<Event> {
    let mut tx = api.app.db.begin_read(tenant).await.unwrap();
    let query = "SELECT type AS kind, subject, payload, request_id FROM events WHERE starts_with(type, $1) ORDER BY id";
    let found = diesel::sql_query(query).bind::<Text, _>(kind).load(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    found
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

#[tokio::test]
async fn a_templates_changes_are_events() {
    let api = TestApi::new().await;
    let made = api.post("/v1/templates", &api.a.key, &json!({ "code": "hi", "body": "Hi {{ name }}" })).await;
    let path = made.header("location").to_owned();
    for patch in [json!({ "name": "Hello" }), json!({ "name": "Hello", "body": "Hi {{ name }}" }), json!({})] {
        assert!(api.patch(&path, &api.a.key, &patch).await.status.is_success());
    }
    for _ in 0..2 {
        api.delete(&path, &api.a.key).await;
    }
    let found = events(&api, api.a.id, "template.").await;
    assert_eq!(kinds(&found), ["template.created", "template.updated", "template.archived"]);
    assert!(found.iter().all(|event| event.subject == made.body["id"] && event.payload["code"] == "hi"));
    assert_eq!(found[0].request_id.as_deref(), Some(made.header("x-request-id")));
    assert!(events(&api, api.b.id, "template.").await.is_empty());
}

#[tokio::test]
async fn an_api_keys_making_and_revoking_are_events_without_its_secret() {
    let api = TestApi::new().await;
    let body = json!({ "name": "k", "mode": "test", "scopes": ["templates:read"] });
    let own = api.post("/v1/api_keys", &api.b.key, &body).await;
    let given = api.post(&format!("/v1/tenants/{}/api_keys", api.b.id), SYSTEM_KEY, &body).await;
    for _ in 0..2 {
        assert!(api.delete(own.header("location"), &api.b.key).await.status.is_success());
    }
    let found = events(&api, api.b.id, "api_key.").await;
    // The first is the harness's own.
    assert_eq!(kinds(&found), ["api_key.created", "api_key.created", "api_key.created", "api_key.revoked"]);
    let (own, given) = (&own.body["api_key"]["id"], &given.body["api_key"]["id"]);
    let subjects: Vec<&str> = found[1..].iter().map(|event| event.subject.as_str()).collect();
    assert_eq!(json!(subjects), json!([own, given, own]));
    assert_eq!(found[1].payload, json!({ "api_key_id": own, "mode": "test" }));
}

#[tokio::test]
async fn a_tenants_changes_are_events_of_the_tenant() {
    let api = TestApi::new().await;
    let made = api.post("/v1/tenants", SYSTEM_KEY, &json!({ "name": "Acme", "default_country": "DE" })).await;
    let path = made.header("location").to_owned();
    for patch in [json!({ "name": "Acme", "default_country": "DE" }), json!({ "status": "suspended" }), json!({})] {
        assert!(api.patch(&path, SYSTEM_KEY, &patch).await.status.is_success());
    }
    let id: TenantId = made.body["id"].as_str().unwrap().parse().unwrap();
    let found = events(&api, id, "tenant.").await;
    assert_eq!(kinds(&found), ["tenant.created", "tenant.updated"]);
    assert_eq!(found[1].payload, json!({ "tenant_id": made.body["id"], "status": "suspended" }));
}
