//! Schedules: listed with their next tick, stopped, started, and run now.

use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn a_schedule_is_seen_stopped_and_started() {
    let server = Server::start().await;
    let id = server.schedule().await;
    let list = server.admin("schedules list").done();
    assert!(list.contains(&id) && list.contains("0 30 9 * * *") && list.contains("active"), "{list}");
    let shown = server.admin(&format!("schedules show {id}")).done();
    assert!(shown.contains("Europe/Berlin") && shown.contains("Good morning."), "{shown}");
    assert_eq!(server.admin(&format!("schedules next {id}")).done().lines().count(), 5);
    assert!(server.admin(&format!("schedules pause {id}")).done().contains("paused"));
    let next = server.admin(&format!("schedules next {id}")).done();
    assert_eq!(next, "It does not tick: it is paused.\n");
    let tenant = server.tenant;
    assert_eq!(server.operator(&format!("schedules resume {id} --tenant {tenant}")).json()["state"], "active");
}

#[tokio::test]
async fn the_operator_lists_the_schedules_of_the_tenant_that_is_named() {
    let server = Server::start().await;
    let id = server.schedule().await;
    let other = server.post("/v1/tenants", json!({ "name": "Other", "timezone": "Europe/Berlin" })).await;
    let list = server.operator(&format!("schedules list --tenant {}", server.tenant)).done();
    assert!(list.contains(&id), "{list}");
    let others = server.operator("schedules list").env("PATCHBAY_TENANT", other["id"].as_str().unwrap()).done();
    assert_eq!(others, "No schedules.\n");
}

#[tokio::test]
async fn a_schedule_is_run_now_by_a_job() {
    let server = Server::start().await;
    let id = server.schedule().await;
    let run = server.admin(&format!("schedules run {id}")).json();
    let job = run["job_id"].as_str().unwrap();
    assert_eq!(server.admin(&format!("jobs show {job}")).json()["kind"], "schedules.run");
}

#[tokio::test]
async fn the_operator_is_told_to_name_the_tenant() {
    let server = Server::start().await;
    let id = server.schedule().await;
    let unsaid = server.operator(&format!("schedules show {id}")).run();
    assert!(unsaid.code == Some(1) && unsaid.err.contains("--tenant"), "{unsaid:?}");
}
