//! `[telemetry]`: traces. Logs have a section of their own; metrics are always served.

use std::time::Duration;

use url::Url;

use super::reader::Reader;

/// Settings of traces.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// The collector's base address (OTLP over HTTP); traces are exported only where it is set.
    pub otlp_endpoint: Option<Url>,
    /// The name the traces carry; by default the program's.
    pub service_name: Option<String>,
    /// The share of new traces that is exported, 0 to 1. A trace that came with a request keeps its caller's choice.
    pub sample_ratio: f64,
    /// How long an export may take.
    pub otlp_timeout: Duration,
}

impl TelemetryConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("telemetry");
        Self {
            otlp_endpoint: section.optional("otlp_endpoint"),
            service_name: section.optional("service_name"),
            sample_ratio: section.within("sample_ratio", "1", 0.0..=1.0),
            otlp_timeout: section.within("otlp_timeout", "5s", Duration::from_millis(100)..=Duration::from_secs(60)),
        }
    }
}
