//! Patchbay.

pub mod api_keys;
pub mod audit;
pub mod consent;
pub mod contacts;
pub mod countries;
pub mod email;
pub mod events;
pub mod idempotency;
pub mod imports;
pub mod jobs;
pub mod keywords;
pub mod leads;
pub mod messages;
pub mod phone;
pub mod provider_accounts;
pub mod queues;
pub mod templates;
pub mod tenants;
mod words;
