//! The API as its callers see it: real routes over a real database, one of its own for each test.

#![expect(clippy::unwrap_used, reason = "tests")]

mod api_keys;
mod authorization;
mod contacts;
mod dead_letters;
mod document;
mod errors;
mod fixtures;
mod front;
mod harness;
mod idempotency;
mod imports;
mod job_events;
mod jobs;
mod leads;
mod lists;
mod messages;
mod prefer;
mod provider_accounts;
mod queues;
mod templates;
mod tenants;
mod webhooks;
mod work;
