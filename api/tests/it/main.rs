//! The API as its callers see it: real routes over a real database, one of its own for each test.

#![expect(clippy::unwrap_used, reason = "tests")]

mod api_keys;
mod authorization;
mod connections;
mod contacts;
mod dead_letters;
mod document;
mod errors;
mod events;
mod fixtures;
mod front;
mod harness;
mod idempotency;
mod imports;
mod job_events;
mod jobs;
mod large;
mod leads;
mod lists;
mod messages;
mod prefer;
mod program;
mod provider_accounts;
mod queues;
mod shared_limits;
mod start;
mod templates;
mod tenants;
mod trace;
mod webhooks;
mod work;
