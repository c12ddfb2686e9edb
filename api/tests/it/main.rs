//! The API as its callers see it: real routes over a real database, one of its own for each test.

#![expect(clippy::unwrap_used, reason = "tests")]

mod api_keys;
mod authorization;
mod document;
mod errors;
mod fixtures;
mod front;
mod harness;
mod idempotency;
mod leads;
mod imports;
mod contacts;
mod lists;
mod prefer;
mod templates;
mod tenants;
