//! The one way to make an HTTP client.
//!
//! Every client has timeouts, our user agent, and no redirects: a redirect would carry a provider's credentials, or a
//! webhook, to an address that nobody checked. `clippy.toml` bans `reqwest::Client::new`, which has none of these.
//! A client holds a pool of connections: make one a process and clone it.

use reqwest::{Client, redirect::Policy};

use crate::config::HttpConfig;

/// How Patchbay names itself to the servers it calls.
pub const USER_AGENT: &str = concat!("Patchbay/", env!("CARGO_PKG_VERSION"));

/// A client with the timeouts and the pool of `config`.
///
/// # Errors
/// The TLS backend found no usable root certificates, or refused its settings.
pub fn client(config: &HttpConfig) -> reqwest::Result<Client> {
    install_tls();
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .connect_timeout(config.connect_timeout)
        .timeout(config.request_timeout)
        .pool_idle_timeout(config.pool_idle_timeout)
        .pool_max_idle_per_host(config.pool_idle_per_host)
        .tcp_nodelay(true)
        .build()
}

/// Makes ring the TLS provider of the process. Calling it again, or after somebody else did, changes nothing.
pub fn install_tls() {
    // Err holds the provider that could not be installed because there is one.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
}
