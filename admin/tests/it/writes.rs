//! Changing: queues stopped and started, jobs cancelled and retried, and nothing without a yes.

use serde_json::json;

use crate::server::{LANE, Server};

#[tokio::test]
async fn a_queue_is_paused_and_resumed() {
    let server = Server::start().await;
    let pause = server.operator("queues pause sends --until 2h --reason").arg("the provider is down");
    let paused = pause.done();
    assert!(paused.contains("the provider is down") && paused.contains("(in 1h 59m)"), "{paused}");
    assert!(server.admin("queues list").done().contains("whole queue"));
    assert_eq!(server.operator("queues resume sends").done(), "Nothing is paused.\n");
}

#[tokio::test]
async fn a_tenants_share_and_a_lane_are_paused_apart() {
    let server = Server::start().await;
    server.admin("queues pause sends --reason own").done();
    let tenant = server.tenant.to_string();
    let pauses = server.operator(&format!("queues pause sends --reason lane --lane {LANE} --tenant {tenant}")).json();
    let scopes: Vec<_> = pauses["pauses"].as_array().unwrap().iter().map(|pause| &pause["lane"]).collect();
    assert!(scopes.contains(&&json!(null)) && scopes.contains(&&json!(LANE)), "{pauses}");
    server.admin("queues resume sends").done();
    assert_eq!(server.operator("queues show sends").json()["pauses"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_is_cancelled_only_after_a_yes() {
    let server = Server::start().await;
    let id = server.job().await;
    let unasked = server.admin(&format!("jobs cancel {id}")).run();
    assert!(unasked.code == Some(2) && unasked.err.contains("--yes"), "{unasked:?}");
    assert_eq!(server.admin(&format!("jobs show {id}")).json()["status"], "queued");
    assert_eq!(server.admin(&format!("jobs cancel {id} --yes")).json()["status"], "cancelled");
    let again = server.admin(&format!("jobs retry {id}")).run();
    assert!(again.code == Some(1) && again.err.contains("(state_conflict)"), "{again:?}");
}

#[tokio::test]
async fn a_failed_job_is_retried() {
    let server = Server::start().await;
    let id = server.dead("twilio_30003").await;
    assert_eq!(server.admin(&format!("jobs retry {id}")).json()["status"], "queued");
}

#[tokio::test]
async fn a_job_is_held_and_released() {
    let server = Server::start().await;
    let id = server.job().await;
    let held = server.admin(&format!("jobs hold {id} --reason")).arg("the template is being checked").done();
    assert!(held.contains("held") && held.contains("the template is being checked"), "{held}");
    assert_eq!(server.admin(&format!("jobs release {id}")).json()["status"], "queued");
}

#[tokio::test]
async fn a_drain_says_when_nothing_runs_any_more() {
    let server = Server::start().await;
    let drained = server.operator("queues drain sends --reason x --wait 1").done();
    assert!(drained.starts_with("Drained: nothing of it runs."), "{drained}");
    assert!(server.operator("queues list").done().contains("whole queue"));
}
