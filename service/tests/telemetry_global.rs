//! The start as the programs do it. One test, because it is the whole process's.

use patchbay_service::{Config, Process, Sources, metrics, telemetry};
use tracing::info_span;

#[tokio::test]
async fn one_start_gives_traces_and_metrics_and_a_second_is_refused() {
    let sources = Sources::default().with_env("DATABASE_URL", "postgres://localhost/x");
    let config = Config::from_sources(Process::Migrate, &sources).unwrap();
    let _guard = telemetry::init("patchbay-test", &config).unwrap();
    info_span!("request").in_scope(|| assert!(telemetry::current_traceparent().is_some()));
    assert!(metrics::render().contains("service=\"patchbay-test\""));
    assert!(telemetry::init("patchbay-test", &config).is_err());
}
