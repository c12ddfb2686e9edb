//! Trace context as W3C `traceparent` text, the form in which it travels in HTTP headers and in jobs.
//!
//! A job may run hours after the request that caused it, in another process; the text in its row joins both into one
//! trace. What does not parse is ignored: a stranger's header must not make a request fail.

use std::collections::HashMap;

use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const HEADER: &str = "traceparent";

/// The context of the present span, such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`; nothing outside
/// of a span or without telemetry.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(HEADER)
}

/// Makes `span` a child of the remote span that `traceparent` names, and gives it back. Do it before the span is first
/// entered: a span that has started keeps its parent. Without a valid text the span stays as it is.
#[must_use]
pub fn span_with_parent(span: Span, traceparent: Option<&str>) -> Span {
    if let Some(text) = traceparent {
        let carrier = HashMap::from([(HEADER.to_owned(), text.to_owned())]);
        let context = TraceContextPropagator::new().extract(&carrier);
        if context.span().span_context().is_valid()
            && let Err(error) = span.set_parent(context)
        {
            tracing::debug!(%error, "the trace of the caller is not continued");
        }
    }
    span
}
