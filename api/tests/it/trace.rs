//! Work belongs to the trace of its request: the caller's, or a new one where the caller has none.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl as _;
use serde_json::json;

use crate::program::Program;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    trace: String,
}

/// The trace ids of all jobs, in the order in which they were made.
async fn traces(program: &Program) -> Vec<String> {
    let mut tx = program.db.db().system("a test").await.unwrap();
    let rows: Vec<Row> = diesel::sql_query("SELECT coalesce(trace, '') AS trace FROM queue.jobs ORDER BY id")
        .load(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    rows.iter().map(|row| row.trace.split('-').nth(1).unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_job_continues_the_trace_of_its_request() {
    let program = Program::start(&[]).await;
    program.account().await;
    let message = json!({ "to": "+12025550123", "body": "hello" });
    let batch = json!({ "messages": [message] });
    let cause = format!("00-{TRACE}-00f067aa0ba902b7-01");
    for (path, body) in [("/v1/messages", &message), ("/v1/messages/batch", &batch)] {
        program.call(program.post(path).header("traceparent", &cause).json(body)).await;
    }
    assert_eq!(traces(&program).await, [TRACE, TRACE]);
}

#[tokio::test]
async fn without_a_callers_trace_or_with_a_wrong_one_each_request_begins_its_own() {
    let program = Program::start(&[]).await;
    program.account().await;
    let message = json!({ "to": "+12025550123", "body": "hello" });
    program.call(program.post("/v1/messages").json(&message)).await;
    program.call(program.post("/v1/messages").header("traceparent", "x".repeat(3_000)).json(&message)).await;
    let traces = traces(&program).await;
    assert!(traces.iter().all(|trace| trace.len() == 32) && traces[0] != traces[1], "{traces:?}");
    assert!(program.log().contains(&traces[0]), "the request's line names its trace");
}
