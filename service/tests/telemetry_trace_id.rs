//! Lines carry the ids of their trace. A process-wide subscriber, as in the programs, so this file is one test.

#![expect(clippy::unwrap_used, reason = "tests")]

mod log;

use log::Log;
use patchbay_service::{Config, Process, Sources, telemetry};
use serde_json::Value;
use tracing::{dispatcher, info, info_span};

#[test]
fn a_line_carries_the_ids_that_travel_in_traceparent() {
    let sources = Sources::default().with_env("DATABASE_URL", "postgres://localhost/x");
    let config = Config::from_sources(Process::Migrate, &sources).unwrap();
    let log = Log::default();
    let writer = log.clone();
    let (dispatch, _guard) = telemetry::build("patchbay-test", &config, move || writer.clone()).unwrap();
    dispatcher::set_global_default(dispatch).unwrap();

    let traceparent = info_span!("request").in_scope(|| {
        info!("hello");
        telemetry::current_traceparent().unwrap()
    });
    let line: Value = serde_json::from_str(&log.text()).unwrap();
    let ids = format!("00-{}-{}-00", line["trace_id"].as_str().unwrap(), line["span_id"].as_str().unwrap());
    assert_eq!(ids, traceparent);
}
