//! A log line as one flat JSON object: the event's fields and those of the spans around it side by side.
//!
//! The subscriber's own JSON format nests spans in lists, where a log store cannot index `request_id`. Here the fields
//! of inner spans win over outer ones, and the event's over both. A field with the name of one of the line's own keys
//! (`level`, `target` …) is written as `field.level`, so that a line always says truly where it comes from.

use std::fmt;

use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use tracing::{Event, Subscriber, dispatcher, field, span};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormattedFields,
        format::{JsonFields, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// The line's own keys.
const OWN: [&str; 6] = ["timestamp", "level", "target", "span", "trace_id", "span_id"];

/// Writes each event as one line. Its layer must format span fields with [`JsonFields`].
pub(super) struct JsonLines;

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line(Map::new());
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        line.own("timestamp", timestamp);
        line.own("level", event.metadata().level().as_str());
        line.own("target", event.metadata().target());
        if let Some(span) = context.lookup_current() {
            line.own("span", span.name());
            line.trace(&span.id());
        }
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<JsonFields>>() {
                line.all(serde_json::from_str(&fields.fields).unwrap_or_default());
            }
        }
        event.record(&mut line);
        writeln!(writer, "{}", Value::Object(line.0))
    }
}

struct Line(Map<String, Value>);

impl Line {
    fn own(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// The ids of the trace, where the OpenTelemetry layer knows the span.
    fn trace(&mut self, span: &span::Id) {
        let Some(context) = dispatcher::get_default(|dispatch| get_otel_context(span, dispatch)) else {
            return;
        };
        let span = context.span();
        let ids = span.span_context();
        if ids.is_valid() {
            self.own("trace_id", ids.trace_id().to_string());
            self.own("span_id", ids.span_id().to_string());
        }
    }

    fn all(&mut self, fields: Map<String, Value>) {
        for (name, value) in fields {
            self.field(&name, value);
        }
    }

    fn field(&mut self, name: &str, value: Value) {
        let key = if OWN.contains(&name) { format!("field.{name}") } else { name.to_owned() };
        self.0.insert(key, value);
    }
}

impl field::Visit for Line {
    fn record_f64(&mut self, field: &field::Field, value: f64) {
        self.field(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &field::Field, value: i64) {
        self.field(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &field::Field, value: u64) {
        self.field(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &field::Field, value: bool) {
        self.field(field.name(), value.into());
    }

    fn record_str(&mut self, field: &field::Field, value: &str) {
        self.field(field.name(), value.into());
    }

    fn record_error(&mut self, field: &field::Field, value: &(dyn std::error::Error + 'static)) {
        let chain = std::iter::successors(Some(value), |error| error.source()).map(ToString::to_string);
        self.field(field.name(), chain.collect::<Vec<_>>().join(": ").into());
    }

    fn record_debug(&mut self, field: &field::Field, value: &dyn fmt::Debug) {
        self.field(field.name(), format!("{value:?}").into());
    }
}
