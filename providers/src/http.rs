//! One HTTP exchange with a provider, and what its failures mean.
//!
//! The whole point is one distinction: was the request written or not? A refused connection is safe to try again; one
//! that broke later is not, because the provider may have the message. Nothing is retried here. The client is passed
//! in, so that a process has one pool of connections; how it must be built is said at [`HttpSettings`].

mod exchange;
mod retry_after;

use std::time::Duration;

use url::Url;

pub(crate) use exchange::{Answer, Effect, exchange, with_traceparent};

/// How to reach one provider.
///
/// The client that goes with it must not follow redirects (a redirected send carries the credentials and the message
/// elsewhere), must not retry, and must bound the time to connect (3 s is plenty) separately from the whole. It should
/// drop idle connections before the provider does (30 s): writing to one that was just closed is an uncertain send.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where its API is; tests and test mode point it at the simulator. A trailing `/` makes no difference.
    pub base_url: Url,
    /// Longest wait for a whole exchange. Keep it below the lease and timeout of the calling job.
    pub total_timeout: Duration,
}

impl HttpSettings {
    /// Settings with the default of 15 s for an exchange.
    #[must_use]
    pub const fn new(base_url: Url) -> Self {
        Self { base_url, total_timeout: Duration::from_secs(15) }
    }

    /// An address below the base URL; `path` starts with `/` and cannot lead to another host.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.as_str().trim_end_matches('/'))
    }
}
