//! Dead letters: found, counted before anything is done to them, redriven and discarded.

use serde_json::{Value, json};

use crate::server::{LANE, Server};

#[tokio::test]
async fn they_are_found_by_what_they_died_of_and_shown_with_their_attempts() {
    let server = Server::start().await;
    let id = server.dead("twilio_30003").await;
    server.dead("twilio_30007").await;
    let list = server.admin("dead list --error-code twilio_30003 --error-class permanent").done();
    assert!(list.lines().count() == 2 && list.contains(&id.to_string()) && list.contains("not reachable"), "{list}");
    let shown = server.admin(&format!("dead show {id}")).done();
    for part in ["died of", "twilio_30003 (permanent)", "12 ms", "\"messages\": 1"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
}

#[tokio::test]
async fn those_that_match_are_counted_before_anybody_is_asked() {
    let server = Server::start().await;
    for code in ["a", "a", "b"] {
        server.dead(code).await;
    }
    assert_eq!(server.admin("dead redrive --error-code a --dry-run").done(), "2 would be redriven.\n");
    let unasked = server.admin("dead discard --error-code a").run();
    assert!(unasked.code == Some(2) && unasked.err.contains("Discard for good 2 dead letters?"), "{unasked:?}");
    assert_eq!(server.admin("dead discard --error-code c").done(), "0 would be discarded.\n");
    assert_eq!(server.admin("dead list --all").json()["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn they_are_redriven_and_discarded_by_match_and_by_id() {
    let server = Server::start().await;
    let (a, b) = (server.dead("a").await, server.dead("b").await);
    let redriven = server.admin("dead redrive --error-code a --yes").json();
    assert_eq!((&redriven["count"], &redriven["ids"]), (&json!(1), &json!([a.to_string()])));
    let text = server.admin(&format!("dead discard {b} {a} --yes")).done();
    assert_eq!(text, format!("1 discarded.\nNo dead letters (any more): {a}\n"));
    assert_eq!(server.admin("dead list").done(), "No dead letters.\n");
}

#[tokio::test]
async fn they_are_exported_as_lines_or_as_a_spreadsheet() {
    let server = Server::start().await;
    let id = server.dead("a").await.to_string();
    server.dead("b").await;
    let lines = server.admin("dead export --error-code a").done();
    let letter: Value = serde_json::from_str(lines.trim_end()).unwrap();
    assert_eq!((&letter["id"], &letter["attempts"][0]["code"]), (&json!(id), &json!("a")));
    let path = std::env::temp_dir().join(format!("{id}.csv"));
    let export = || server.admin("dead export --format csv --output").arg(&path);
    assert!(export().done().is_empty());
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    let twice = export().run();
    assert!(twice.code == Some(2) && twice.err.contains("exists"), "{twice:?}");
    export().arg("--yes").done();
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn many_are_redriven_by_a_job_at_a_pace() {
    let server = Server::start().await;
    server.dead("a").await;
    let job = server.admin("dead redrive --all --pace 50 --yes").json();
    assert_eq!((&job["progress"]["total"], &job["kind"]), (&json!(1), &json!("jobs.redrive")));
}

#[tokio::test]
async fn the_operator_acts_on_everybodys_after_being_told_so() {
    let server = Server::start().await;
    let id = server.dead("a").await;
    server.dead("b").await;
    let unasked = server.operator("dead redrive --error-code a").run();
    assert!(unasked.code == Some(2) && unasked.err.contains("Redrive 1 dead letter of all tenants?"), "{unasked:?}");
    let named = server.operator(&format!("dead redrive --error-code a --tenant {}", server.tenant)).run();
    assert!(named.err.contains("Redrive 1 dead letter?"), "{named:?}");
    let redriven = server.operator("dead redrive --error-code a --yes").json();
    assert_eq!(redriven["ids"], json!([id.to_string()]));
    let job = server.operator("dead discard --all --pace 50 --yes").json();
    let (id, owner) = (job["id"].as_str().unwrap(), job["tenant_id"].as_str().unwrap());
    let shown = server.operator(&format!("jobs show {id} --tenant {owner}")).json();
    assert_eq!((&shown["kind"], &shown["progress"]["total"]), (&json!("jobs.discard"), &json!(1)));
}

#[tokio::test]
async fn they_are_found_by_lane_and_by_group() {
    let server = Server::start().await;
    server.dead("a").await;
    for (filter, count) in [
        (format!("--lane {LANE}"), 1),
        ("--lane elsewhere".to_owned(), 0),
        ("--group grp_01h455vb4pex5vsknk084sn02q".to_owned(), 0),
    ] {
        let list = server.admin(&format!("dead list {filter}")).json();
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{filter}");
        let redriven = server.admin(&format!("dead redrive {filter} --dry-run")).json();
        assert_eq!(redriven["count"], json!(count), "{filter}");
    }
}

#[tokio::test]
async fn the_operator_sees_everybodys_with_their_tenants() {
    let server = Server::start().await;
    server.dead("a").await;
    let list = server.operator("dead list").done();
    assert!(list.contains("TENANT") && list.contains(&server.tenant.to_string()), "{list}");
    assert!(!server.admin("dead list").done().contains("TENANT"));
}
