//! What a worker has besides what every program is connected to: its providers.

use patchbay_providers::{HttpSettings, Registry as Providers, twilio::Twilio};
use patchbay_service::{Config, http};

use super::Failure;

/// The providers, by the configuration.
///
/// # Errors
/// A TLS backend that refuses its settings.
pub(super) fn providers(config: &Config) -> Result<Providers, Failure> {
    let settings =
        HttpSettings { base_url: config.providers.twilio.base_url.clone(), total_timeout: config.http.request_timeout };
    Ok(Providers::new().with(Twilio::new(http::client(&config.http)?, settings)))
}
