//! `/v1/provider_accounts`: a tenant's credentials at a provider, and the senders behind them.
//!
//! Credentials go in and never come out: what is read shows the settings that are no secrets.

mod address;
mod create;
mod delete;
mod dto;
mod enforce;
mod faults;
mod get;
mod list;
mod patch;
mod settings;

use patchbay_providers::{HttpSettings, Registry, twilio::Twilio};
use patchbay_service::{Config, http};

crate::scope!(
    /// May read provider accounts.
    pub Read = "provider_accounts:read"
);
crate::scope!(
    /// May make, change and delete provider accounts.
    pub Write = "provider_accounts:write"
);

/// The operations of this resource.
pub type Operations = (create::Create, list::List, get::Get, patch::Patch, delete::Delete);

/// The providers of this program, reached as the configuration says.
///
/// # Errors
/// Those of making an HTTP client.
pub fn providers(config: &Config) -> Result<Registry, reqwest::Error> {
    let client = http::client(&config.http)?;
    let settings =
        HttpSettings { base_url: config.providers.twilio.base_url.clone(), total_timeout: config.http.request_timeout };
    Ok(Registry::new().with(Twilio::new(client, settings)))
}
