//! One record of tenant A for each resource, for the walk over all operations in `authorization.rs`.
//!
//! To cover a resource, add its line: how to make a record, and the id that its paths take.

use poem::http::Method;
use serde_json::json;

use crate::harness::{Reply, SYSTEM_KEY, TestApi};

/// Operations with an id in their path that have no record here. It may only shrink.
pub const UNCOVERED: &[&str] = &[];

/// The id of a record of tenant A, for the operations under `path`; none for a resource without a line here.
pub async fn record_of_a(api: &TestApi, path: &str) -> Option<String> {
    let resource = path.trim_start_matches("/v1/").split('/').next().unwrap_or_default();
    match resource {
        "api_keys" => {
            let body = json!({ "name": "fixture", "mode": "test", "scopes": ["*"] });
            Some(id(&made(api, "/v1/api_keys", &body).await, "/api_key/id"))
        }
        "contacts" => Some(id(&made(api, "/v1/contacts", &contact(api)).await, "/id")),
        "contact_channels" => Some(id(&made(api, "/v1/contacts", &contact(api)).await, "/channels/0/id")),
        "imports" => {
            let reply = crate::imports::upload(api, &api.a.key, "phone\n+12025550143\n", None).await;
            Some(id(&reply, "/id"))
        }
        // Over, so that the stream of its events ends.
        "jobs" | "dead_letters" => Some(api.dead(api.a.id, "fixture").await.to_string()),
        // What lists it is a job: workers have no owner.
        "workers" => {
            let job = api.accept(api.a.id).await;
            api.serve_running(&["messages.send"], &[(api.a.id, job)]).await;
            Some(job.to_string())
        }
        "leads" => Some(id(&made(api, "/v1/leads", &json!({ "first_name": "Ada" })).await, "/id")),
        "messages" => {
            provider_account(api).await;
            Some(id(&made(api, "/v1/messages", &json!({ "to": "+12025550123", "body": "Hello" })).await, "/id"))
        }
        "plans" => {
            let reply = plan(api, "fixture", &json!({ "weight": 2.0 })).await;
            Some(id(&reply, "/name"))
        }
        "provider_accounts" => Some(provider_account(api).await),
        "schedules" => {
            provider_account(api).await;
            let action = json!({ "type": "send_message", "to": "+12025550123", "body": "Hello" });
            let body = json!({ "name": "fixture", "cron": "0 0 9 * * *", "action": action });
            Some(id(&made(api, "/v1/schedules", &body).await, "/id"))
        }
        "templates" => {
            let code = format!("fixture.{}", api.app.entropy.array::<4>().map(|byte| byte.to_string()).join("."));
            let body = json!({ "code": code, "body": "Hello {{ first_name }}" });
            Some(id(&made(api, "/v1/templates", &body).await, "/id"))
        }
        _ => None,
    }
}

/// Sets a plan.
pub async fn plan(api: &TestApi, name: &str, body: &serde_json::Value) -> Reply {
    api.send(Method::PUT, &format!("/v1/plans/{name}"), Some(SYSTEM_KEY), Some(body), &[]).await
}

/// An account with a sender that no other has.
async fn provider_account(api: &TestApi) -> String {
    let last = u16::from_be_bytes(api.app.entropy.array::<2>()) % 10_000;
    let senders = json!([{ "address": format!("+1202555{last:04}") }]);
    id(&made(api, "/v1/provider_accounts", &crate::provider_accounts::body(&senders)).await, "/id")
}

/// A contact with an address that no other has.
fn contact(api: &TestApi) -> serde_json::Value {
    let name = hex::encode(api.app.entropy.array::<8>());
    json!({ "channels": [{ "channel": "email", "address": format!("{name}@example.org") }] })
}

async fn made(api: &TestApi, path: &str, body: &serde_json::Value) -> Reply {
    let reply = api.post(path, &api.a.key, body).await;
    assert!(reply.status.is_success(), "the fixture of {path} was refused: {}", reply.text);
    reply
}

fn id(reply: &Reply, pointer: &str) -> String {
    reply.body.pointer(pointer).and_then(|id| id.as_str()).unwrap().to_owned()
}
