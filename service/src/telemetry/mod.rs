//! Logs and traces of a process: one call at start, one guard that flushes at the end.
//!
//! Trace context flows from request to job to provider call whether or not traces are exported: the OpenTelemetry
//! layer is always there, and without an exporter it samples nothing, so ids exist at little cost.
//! The layers filter separately: `RUST_LOG=warn` must silence lines, not break traces or lose the request id.
//! It is broken by a message body or a secret in a field: fields are written as they are.

mod export;
mod json;
mod logs;
mod propagation;

use std::io;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::task::AbortHandle;
use tracing::Dispatch;
use tracing_subscriber::{
    Registry,
    fmt::MakeWriter,
    layer::SubscriberExt,
    util::{SubscriberInitExt, TryInitError},
};

use crate::{config::Config, metrics};

pub use propagation::{current_traceparent, span_with_parent};

/// Why telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The exporter of traces refused its settings.
    #[error("traces cannot be exported")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// There is another recorder of metrics.
    #[error("metrics cannot be recorded")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// There is another subscriber of logs.
    #[error("logs cannot be written")]
    Logs(#[from] TryInitError),
}

/// Keeps telemetry going. Dropping it flushes the spans that are not yet exported, for 5 seconds at the most.
#[derive(Debug)]
#[must_use = "dropping it ends the export of traces"]
pub struct TelemetryGuard {
    traces: SdkTracerProvider,
    upkeep: Option<AbortHandle>,
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        if let Some(upkeep) = &self.upkeep {
            upkeep.abort();
        }
        if let Err(error) = self.traces.shutdown() {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

/// Starts logs, traces and metrics for the whole process. Call it once, inside the Tokio runtime. Logs go to standard
/// error, so that standard output stays free for what a command prints.
///
/// # Errors
/// [`TelemetryError`]: a setting is refused, or the process has telemetry already.
pub fn init(service: &str, config: &Config) -> Result<TelemetryGuard, TelemetryError> {
    let (subscriber, mut guard) = build(service, config, io::stderr)?;
    subscriber.try_init()?;
    metrics::install(service)?;
    guard.upkeep = Some(tokio::spawn(metrics::upkeep()).abort_handle());
    Ok(guard)
}

/// The subscriber without installing it, its log written to `writer`: for tests, which each have their own.
///
/// # Errors
/// As [`init`].
pub fn build<W>(service: &str, config: &Config, writer: W) -> Result<(Dispatch, TelemetryGuard), TelemetryError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let traces = export::provider(service, &config.telemetry)?;
    let subscriber = Registry::default().with(export::layer(&traces)).with(logs::layer(&config.log, writer));
    Ok((Dispatch::new(subscriber), TelemetryGuard { traces, upkeep: None }))
}
