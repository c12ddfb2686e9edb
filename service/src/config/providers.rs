//! `[providers.…]`: where the providers are reached.
//!
//! Credentials are not here: they belong to tenants and are sealed in the database.

use url::Url;

use super::reader::Reader;

/// Settings by provider.
#[derive(Debug, Clone)]
pub struct ProvidersConfig {
    /// Twilio.
    pub twilio: TwilioConfig,
}

/// Settings of Twilio.
#[derive(Debug, Clone)]
pub struct TwilioConfig {
    /// The base of its API; the simulator's address in tests and in the demo. Ends in `/`: join
    /// relative paths to it.
    pub base_url: Url,
}

impl ProvidersConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut twilio = reader.section("providers.twilio");
        Self { twilio: TwilioConfig { base_url: twilio.get("base_url", "https://api.twilio.com") } }
    }
}
