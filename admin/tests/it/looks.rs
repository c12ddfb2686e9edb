//! Looking: tables for people, and the API's own JSON for programs.

use serde_json::{Value, json};

use crate::server::{LANE, Server};

/// The words of the line that begins with `start`.
fn line(text: &str, start: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start} is not in {text}"));
    line.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn queues_are_listed_with_what_waits_in_them() {
    let server = Server::start().await;
    server.job().await;
    let table = server.admin("queues list").done();
    assert_eq!(
        line(&table, "QUEUE"),
        ["QUEUE", "WAITING", "RUNNING", "SCHEDULED", "HELD", "DEAD", "OLDEST", "PAUSED", "KINDS"]
    );
    let sends = line(&table, "sends");
    assert_eq!((sends[1].as_str(), sends[2].as_str()), ("1", "0"), "{table}");
    let shown = server.operator("queues show sends").done();
    assert!(shown.contains("messages.send") && shown.contains("Nothing is paused."), "{shown}");
}

#[tokio::test]
async fn the_operator_sees_of_the_queues_the_share_of_the_tenant_that_is_named() {
    let server = Server::start().await;
    server.job().await;
    let other = server.post("/v1/tenants", json!({ "name": "Other", "timezone": "Europe/Berlin" })).await;
    for (tenant, waiting) in [(server.tenant.to_string().as_str(), 1), (other["id"].as_str().unwrap(), 0)] {
        let listed = server.operator("queues list").env("PATCHBAY_TENANT", tenant).done();
        assert_eq!(line(&listed, "sends")[1], waiting.to_string(), "{listed}");
        let shown = server.operator("queues show sends").env("PATCHBAY_TENANT", tenant).json();
        assert_eq!(shown["waiting"], waiting, "{shown}");
    }
}

#[tokio::test]
async fn with_json_the_output_is_what_the_api_answered() {
    let server = Server::start().await;
    let id = server.job().await.to_string();
    let http = reqwest::Client::builder().build().unwrap();
    let path = format!("{}/v1/jobs/{id}", server.url);
    let answered: Value = http.get(path).bearer_auth(&server.key).send().await.unwrap().json().await.unwrap();
    assert_eq!(server.admin(&format!("jobs show {id}")).json(), answered);
}

#[tokio::test]
async fn jobs_are_found_by_where_they_stand_and_shown_with_why_they_wait() {
    let server = Server::start().await;
    let id = server.job().await;
    let (name, start) = (id.to_string(), "job_");
    assert_eq!(line(&server.admin("jobs list --queue sends --since 2026-01-01T00:00:00Z").done(), start)[0], name);
    assert_eq!(server.admin("jobs list --status succeeded").done(), "No jobs.\n");
    server.set(id, "state = 'held', held_reason = 'approval apr_1'").await;
    let why = server.admin(&format!("jobs why {id}")).done();
    assert!(why.starts_with("held: ") && why.contains("approval apr_1"), "{why}");
    let shown = server.admin(&format!("jobs show {id}")).done();
    assert_eq!(line(&shown, "lane"), ["lane", LANE]);
    assert_eq!(server.admin(&format!("jobs why {id}")).json()["waiting"]["reason"], "held");
}

#[tokio::test]
async fn lists_go_through_as_many_pages_as_are_wanted() {
    let server = Server::start().await;
    for _ in 0..105 {
        server.job().await;
    }
    let first = server.admin("jobs list --limit 2").run();
    assert_eq!((first.code, first.out.lines().count()), (Some(0), 3), "{first:?}");
    assert!(first.err.contains("--all"), "{first:?}");
    for (arguments, count, more) in [("--all", 105, false), ("--limit 103", 103, true), ("", 50, true)] {
        let list = server.admin(&format!("jobs list {arguments}")).json();
        let found = list["data"].as_array().unwrap();
        let mut ids: Vec<_> = found.iter().map(|job| job["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), &list["has_more"]), (count, &json!(more)), "{arguments}");
        assert_eq!(list["next_cursor"].is_string(), more, "{arguments}");
    }
}

#[tokio::test]
async fn lanes_and_tenants_are_the_operators_to_see() {
    let server = Server::start().await;
    server.job().await;
    let tenants = server.operator("tenants list").done();
    assert_eq!(line(&tenants, "tnt_")[..3], [server.tenant.to_string(), "Acme".to_owned(), "active".to_owned()]);
    let lanes = server.operator(&format!("lanes list sends --tenant {}", server.tenant)).done();
    assert_eq!(line(&lanes, LANE)[1], "1", "{lanes}");
    assert_eq!(
        server.admin("lanes list sends").json(),
        server.operator("lanes list sends").env("PATCHBAY_TENANT", server.tenant.to_string()).json()
    );
}

#[tokio::test]
async fn the_load_of_a_queue_and_who_fills_it() {
    let server = Server::start().await;
    server.job().await;
    let load = server.operator("autoscale sends").done();
    assert_eq!(line(&load, "sends")[1], "1", "{load}");
    assert_eq!(server.operator("autoscale sends").json()["backlog"], 1);
    let top = server.operator("tenants top sends --json").run();
    assert_eq!(top.code, Some(0), "{top:?}");
    assert_eq!(server.operator("workers list").done(), "No workers.\n");
    assert_eq!(server.operator("workers list --jobs").done(), "Nothing runs.\n");
}
