//! `[log]`: what the programs say about themselves.

use tracing_subscriber::EnvFilter;

use super::{reader::Reader, value::Kind};

/// Settings of the log.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// How a line is written.
    pub format: LogFormat,
    /// Which lines are written, as a level or levels by target; `RUST_LOG` sets it too.
    pub filter: String,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading.
    Text,
}

impl Kind for LogFormat {
    const FORM: &'static str = "json or text";
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("is not a log format".to_owned()),
        }
    }
}

impl LogConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("log");
        let config = Self { format: section.get("format", "json"), filter: section.get("filter", "info") };
        if let Err(error) = EnvFilter::builder().parse(&config.filter) {
            section.refuse(
                "filter",
                &format!("{:?} is not a filter ({error})", config.filter),
                "write a level, or levels by target, such as \"info,patchbay_queue=debug\"",
            );
        }
        config
    }
}
