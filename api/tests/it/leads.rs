//! What leads promise.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::TestApi;

#[tokio::test]
async fn a_lead_is_made_read_changed_and_deleted() {
    let api = TestApi::new().await;
    let body = json!({ "first_name": "Ada", "phone": "+44 7911 123456", "email": "Ada@Example.org", "source": "web" });
    let made = api.post("/v1/leads", &api.a.key, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!((&made.body["phone"], &made.body["email"]), (&json!("+447911123456"), &json!("ada@example.org")));
    let path = made.header("location").to_owned();
    let changed = api.patch(&path, &api.a.key, &json!({ "status": "qualified", "email": null, "score": 7 })).await;
    assert_eq!(
        (&changed.body["status"], &changed.body["email"]),
        (&json!("qualified"), &Value::Null),
        "{}",
        changed.text
    );
    assert_eq!(api.get(&path, &api.a.key).await.body, changed.body);
    assert_eq!(api.delete(&path, &api.a.key).await.body["deleted"], true);
    assert_eq!(api.get(&path, &api.a.key).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn leads_are_found_by_status_and_by_contact() {
    let api = TestApi::new().await;
    let contact = api.post("/v1/contacts", &api.a.key, &json!({})).await.body["id"].clone();
    api.post("/v1/leads", &api.a.key, &json!({ "contact_id": contact })).await;
    api.post("/v1/leads", &api.a.key, &json!({ "status": "contacted" })).await;
    for query in [format!("contact_id={}", contact.as_str().unwrap()), "status=contacted".to_owned()] {
        let found = api.get(&format!("/v1/leads?{query}"), &api.a.key).await;
        assert_eq!(found.body["data"].as_array().unwrap().len(), 1, "{query}: {}", found.text);
    }
}

#[tokio::test]
async fn a_lead_of_no_contact_is_refused_and_one_of_a_deleted_contact_stays() {
    let api = TestApi::new().await;
    let stranger = api.post("/v1/contacts", &api.b.key, &json!({})).await.body["id"].clone();
    let refused = api.post("/v1/leads", &api.a.key, &json!({ "contact_id": stranger })).await;
    assert_eq!(
        (refused.status, &refused.body["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/contact_id"))
    );
    let contact = api.post("/v1/contacts", &api.a.key, &json!({})).await;
    let lead = api.post("/v1/leads", &api.a.key, &json!({ "contact_id": contact.body["id"] })).await;
    assert_eq!(api.delete(contact.header("location"), &api.a.key).await.status, StatusCode::OK);
    assert_eq!(api.get(lead.header("location"), &api.a.key).await.body["contact_id"], Value::Null);
}
