//! `[http]`: the client for outgoing requests (`crate::http`).

use std::time::Duration;

use super::reader::Reader;

/// Settings of outgoing HTTP.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a request may take, its answer's body included.
    pub request_timeout: Duration,
    /// How long an unused connection is kept.
    pub pool_idle_timeout: Duration,
    /// Unused connections kept per host, at the most.
    pub pool_idle_per_host: usize,
}

impl HttpConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("http");
        let range = Duration::from_millis(100)..=Duration::from_secs(300);
        Self {
            connect_timeout: section.within("connect_timeout", "5s", range.clone()),
            request_timeout: section.within("request_timeout", "15s", range.clone()),
            pool_idle_timeout: section.within("pool_idle_timeout", "60s", range),
            pool_idle_per_host: section.within("pool_idle_per_host", "64", 0..=10_000),
        }
    }
}
