//! Traces: the provider that samples and exports spans, and the layer that makes them.
//!
//! Spans are exported in batches from a thread of the SDK, over HTTP with protobuf. Events are not attached to spans:
//! they are the log, which carries the trace id.

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tracing::{Level, Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};
use url::Url;

use crate::{config::TelemetryConfig, http};

/// A provider that exports where an endpoint is configured; elsewhere it only makes ids.
pub(super) fn provider(service: &str, config: &TelemetryConfig) -> Result<SdkTracerProvider, ExporterBuildError> {
    let name = config.service_name.clone().unwrap_or_else(|| service.to_owned());
    let resource = Resource::builder()
        .with_service_name(name)
        .with_attribute(KeyValue::new("service.namespace", "patchbay"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(provider.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff))).build());
    };
    http::install_tls();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(traces_url(endpoint))
        .with_timeout(config.otlp_timeout)
        .build()?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
    Ok(provider.with_sampler(sampler).with_batch_exporter(exporter).build())
}

/// The layer that turns our spans into OpenTelemetry's.
pub(super) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let tracer: SdkTracer = provider.tracer("patchbay");
    OpenTelemetryLayer::new(tracer)
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_filter(filter_fn(is_traced))
}

/// Spans of level info and above. The HTTP stack's and the SDK's own are left out: exporting them would make more.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    let foreign = ["opentelemetry", "hyper", "h2", "reqwest", "rustls"];
    metadata.is_span()
        && *metadata.level() <= Level::INFO
        && !foreign.iter().any(|target| metadata.target().starts_with(target))
}

/// The specification's path below the base address (OTLP 1.x, "OTLP/HTTP request").
fn traces_url(base: &Url) -> String {
    let base = base.as_str().trim_end_matches('/');
    if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_once() {
        for base in ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"] {
            assert_eq!(traces_url(&Url::parse(base).unwrap()), "http://c:4318/v1/traces");
        }
    }
}
