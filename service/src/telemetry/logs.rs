//! The log layer: which lines are written, and in which of two formats.

use tracing::{Level, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::{self, MakeWriter, format::JsonFields},
    registry::LookupSpan,
};

use super::json::JsonLines;
use crate::config::{LogConfig, LogFormat};

/// Writes events to `writer` as `config` says. Its filter was checked when it was loaded.
pub(super) fn layer<S, W>(config: &LogConfig, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let events = EnvFilter::builder().parse_lossy(&config.filter);
    // Spans carry the request, job and tenant ids: keep them whatever level of events is asked for.
    let context = filter_fn(|metadata| metadata.is_span() && *metadata.level() <= Level::INFO);
    let layer = fmt::layer().with_writer(writer).with_ansi(false);
    match config.format {
        LogFormat::Json => {
            layer.fmt_fields(JsonFields::new()).event_format(JsonLines).with_filter(events.or(context)).boxed()
        }
        LogFormat::Text => layer.with_filter(events.or(context)).boxed(),
    }
}
