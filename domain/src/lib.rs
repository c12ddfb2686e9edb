//! The records, their rules and their queries, one folder an area; and which job follows which change.
//!
//! API and workers call the same functions here, so that a rule holds whoever asks: consent is judged by one function at the
//! door and in the claim. It knows no HTTP and no provider's wire format (`cargo xtask test --only dependencies` proves it).
//! SQL stands in the `store` of its area only. Functions take a transaction that is tenant-scoped already, and the time.
//! It is broken by a query that takes a tenant as a parameter, or by a job enqueued outside the transaction of its cause.

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
pub mod payload_seal;
pub mod phone;
pub mod provider_accounts;
pub mod queues;
pub mod schedules;
pub mod spreadsheet;
pub mod templates;
pub mod tenants;
mod words;
