//! Logs and traces as they leave the process.
#![expect(clippy::unwrap_used, reason = "tests")]

mod log;

use log::Log;
use patchbay_service::{
    Config, Process, Sources,
    telemetry::{self, current_traceparent, span_with_parent},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::oneshot,
};
use tracing::{Dispatch, dispatcher, info, info_span};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn start(settings: &[(&str, &str)]) -> (Dispatch, telemetry::TelemetryGuard, Log) {
    let sources = Sources::default().with_env("DATABASE_URL", "postgres://localhost/x");
    let sources = settings.iter().fold(sources, |sources, (name, value)| sources.with_env(name, value));
    let config = Config::from_sources(Process::Migrate, &sources).unwrap();
    let log = Log::default();
    let writer = log.clone();
    let (dispatch, guard) = telemetry::build("patchbay-test", &config, move || writer.clone()).unwrap();
    (dispatch, guard, log)
}

#[test]
fn a_json_line_carries_the_ids_of_the_spans_around_it() {
    let (dispatch, _guard, log) = start(&[]);
    dispatcher::with_default(&dispatch, || {
        let _request = info_span!("request", request_id = "req_1", tenant_id = "t_1", level = "mine").entered();
        let _job = info_span!("job", job_id = "job_1", tenant_id = "t_2").entered();
        info!(rows = 3, ok = true, "imported");
    });
    let line: Value = serde_json::from_str(&log.text()).unwrap();
    for (key, value) in [
        ("message", "imported"),
        ("level", "INFO"),
        ("span", "job"),
        ("request_id", "req_1"),
        ("job_id", "job_1"),
        ("tenant_id", "t_2"),
        ("field.level", "mine"),
    ] {
        assert_eq!(line[key], value, "{key} in {line}");
    }
    assert_eq!((&line["rows"], &line["ok"]), (&Value::from(3), &Value::from(true)));
    assert!(line["timestamp"].is_string());
}

#[test]
fn a_filter_silences_lines_and_keeps_the_ids_of_the_others() {
    let (dispatch, _guard, log) = start(&[("PATCHBAY__LOG__FILTER", "error")]);
    dispatcher::with_default(&dispatch, || {
        let _request = info_span!("request", request_id = "req_1").entered();
        info!("quiet");
        tracing::error!("loud");
        assert!(current_traceparent().is_some());
    });
    let line: Value = serde_json::from_str(&log.text()).expect("one line");
    assert_eq!((&line["message"], &line["request_id"]), (&Value::from("loud"), &Value::from("req_1")));
}

#[test]
fn a_text_line_carries_them_too() {
    let (dispatch, _guard, log) = start(&[("PATCHBAY__LOG__FORMAT", "text")]);
    dispatcher::with_default(&dispatch, || {
        info_span!("request", request_id = "req_1").in_scope(|| info!("hello"));
    });
    let text = log.text();
    assert!(text.contains("hello") && text.contains("request_id=\"req_1\""), "{text}");
}

#[test]
fn trace_context_passes_through_without_an_exporter() {
    let (dispatch, _guard, _log) = start(&[]);
    dispatcher::with_default(&dispatch, || {
        assert_eq!(current_traceparent(), None, "outside of a span");
        let span = span_with_parent(info_span!("job"), Some(PARENT));
        let child = span.in_scope(|| current_traceparent().unwrap());
        assert_eq!(child[..36], PARENT[..36], "the same trace");
        assert_ne!(child, PARENT, "another span");
        assert!(child.ends_with("-01"), "the caller's choice to sample is kept");
        let inner = span.in_scope(|| info_span!("provider").in_scope(|| current_traceparent().unwrap()));
        assert_eq!(inner[..36], PARENT[..36]);
        assert_ne!(inner, child);
    });
}

#[test]
fn a_traceparent_that_is_none_starts_a_new_trace() {
    let (dispatch, _guard, _log) = start(&[]);
    dispatcher::with_default(&dispatch, || {
        for wrong in [None, Some(""), Some("nonsense"), Some("00-00000000000000000000000000000000-0000000000000000-01")]
        {
            let span = span_with_parent(info_span!("job"), wrong);
            let own = span.in_scope(|| current_traceparent().unwrap());
            assert!(!own.contains(&"0".repeat(32)) && own.ends_with("-00"), "{own}");
        }
    });
}

#[test]
fn without_telemetry_there_is_no_context() {
    assert_eq!(current_traceparent(), None);
    assert!(span_with_parent(info_span!("job"), Some(PARENT)).is_none());
}

/// Takes one request whole and answers 200; gives its text.
async fn collector(listener: TcpListener, request: oneshot::Sender<String>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&bytes).contains("imports.leads") {
        match stream.read(&mut part).await.unwrap() {
            0 => break,
            read => bytes.extend_from_slice(&part[..read]),
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    request.send(String::from_utf8_lossy(&bytes).into_owned()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_are_exported_at_the_latest_when_the_guard_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, request) = oneshot::channel();
    tokio::spawn(collector(listener, sender));
    let (dispatch, guard, _log) = start(&[("PATCHBAY__TELEMETRY__OTLP_ENDPOINT", &endpoint)]);
    dispatcher::with_default(&dispatch, || {
        info_span!("imports.leads").in_scope(|| assert!(current_traceparent().unwrap().ends_with("-01")));
    });
    tokio::task::block_in_place(|| drop(guard));
    let request = request.await.unwrap();
    assert!(request.starts_with("POST /v1/traces HTTP/1.1"), "{request}");
    assert!(request.contains("patchbay-test") && request.contains("imports.leads"), "{request}");
}
